"""Images: the modules that a program reaches, packed into one zip, and the ELF file that carries it."""
