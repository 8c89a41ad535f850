"""Disks: a file or block device of the host, and memory."""
