"""Boot-time files: of a process, and of a machine."""
