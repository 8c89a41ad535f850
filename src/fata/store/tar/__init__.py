"""tar archives as stores: to read, and to append to (docs/design/archives.md)."""
