"""Key-value stores and file systems over a `Block`."""
