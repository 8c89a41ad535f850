"""A library operating system for Python: typed applications as processes or unikernels."""

__version__ = "0.1.0"
