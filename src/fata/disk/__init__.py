"""On-disk formats: pure functions between octets and values. Nothing here does I/O."""
