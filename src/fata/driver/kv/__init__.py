"""Key-value stores: memory, a directory of the host, files packed into the image."""
