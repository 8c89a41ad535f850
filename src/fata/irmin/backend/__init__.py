"""Where objects and references are kept: the contract, and one module or folder per implementation."""
