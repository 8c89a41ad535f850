"""Types of contents: how a value becomes octets, and how two of them merge."""
