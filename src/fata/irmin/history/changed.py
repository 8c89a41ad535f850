"""What a commit changed, in 256 bits: enough to say of most commits that they did not touch a path.

Each changed path, and each directory above it, sets three bits (a Bloom filter). A commit whose filter lacks one of a
path's bits did not change it; one that has them all may have, and is looked at. `None` says nothing: look.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from zlib import crc32

from fata.irmin.node import Miss, Node
from fata.irmin.reading import Reading

MOST = 24  # paths, directories included: beyond, so many bits are set that the filter says little


@lru_cache(1 << 14)
def bits_of(path: bytes) -> int:
    """Return the bits that a path sets."""
    hashed = crc32(path)
    return 1 << (hashed & 255) | 1 << (hashed >> 8 & 255) | 1 << (hashed >> 16 & 255)


def signature(objects: Reading[Any], before: Node | None, after: Node) -> int | None:
    """Return the filter of what `after`, not yet saved, changed in `before`; None if that is unknown, or much."""
    bits = count = 0
    work: list[tuple[bytes, Node | None, Node]] = [(b"", before, after)]
    while work:
        prefix, old, new = work.pop()
        if new.edits is None or (new.origin if old is None else new.origin != old.oid):
            return None  # it does not come from the one that was there before
        count += len(new.edits)
        if count > MOST:
            return None
        for name, edit in new.edits.items():
            path = prefix + name
            bits |= bits_of(path)
            if type(edit) is Node:
                work.append((path + b"/", None if old is None else old.children.get(name), edit))
            elif old is not None and _was_directory(objects, old, name):
                return None
    return bits


def _was_directory(objects: Reading[Any], old: Node, name: bytes) -> bool:
    try:
        return type(objects.entry(old, name)) is Node
    except Miss:
        return True  # who knows
