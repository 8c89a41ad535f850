"""Consoles: standard input and output, and memory."""
