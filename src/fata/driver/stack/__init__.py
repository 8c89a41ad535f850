"""Stacks: TCP, UDP and names."""
