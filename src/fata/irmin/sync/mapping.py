"""Files in memory: mapped where Python can, read where it cannot: a unikernel's has no `mmap`."""

from __future__ import annotations

import os
import sys

CHUNK = 1 << 20  # octets


def provide_mmap() -> None:
    """Have `import mmap` work for dulwich, which maps the packs of a folder; that is never asked of it here."""
    try:
        import mmap  # noqa: F401
    except ImportError:
        sys.modules["mmap"] = sys.modules[__name__]


def mapped(descriptor: int) -> memoryview:
    """Return what is in an open file that nobody changes any more, and that is not empty."""
    try:
        from mmap import ACCESS_READ, mmap
    except ImportError:
        return memoryview(_read(descriptor))
    return memoryview(mmap(descriptor, 0, access=ACCESS_READ))


def _read(descriptor: int) -> bytes:
    os.lseek(descriptor, 0, os.SEEK_SET)
    whole = bytearray()
    while piece := os.read(descriptor, CHUNK):
        whole += piece
    return bytes(whole)
