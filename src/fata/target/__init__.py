"""Targets: what a program is made into, and how it is started."""
