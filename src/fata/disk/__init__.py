"""On-disk formats: octets to values and back. No input or output, no time, no chance."""
