"""Fetch, pull, push and clone: between stores, and with git."""
