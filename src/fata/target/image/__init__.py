"""What goes into an image: modules found by reading, packed into one zip."""
