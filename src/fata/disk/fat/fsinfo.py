"""FSInfo, a sector of FAT32 with two hints.

0 "RRaA"   484 "rrAa"   488 free clusters u32   492 where to look for one u32   508 00 00 55 AA
"""

from __future__ import annotations

import struct
from typing import NamedTuple

UNKNOWN = 0xFFFF_FFFF
SIZE = 512
_HINTS = struct.Struct("<4sII12s4s")
_LEAD, _MIDDLE, _TRAIL = b"RRaA", b"rrAa", b"\0\0\x55\xaa"


class FsInfo(NamedTuple):
    """The number of free clusters and where to look for one; UNKNOWN if not known."""

    free: int = UNKNOWN
    next: int = UNKNOWN


def parse(data: bytes) -> FsInfo | None:
    """Read the sector; None if it is no FSInfo, which is no reason to refuse a volume."""
    if len(data) < SIZE or data[:4] != _LEAD:
        return None
    middle, free, following, _, trail = _HINTS.unpack_from(data, 484)
    return FsInfo(free, following) if (middle, trail) == (_MIDDLE, _TRAIL) else None


def serialize(info: FsInfo) -> bytes:
    """Write the sector's `SIZE` octets."""
    return _LEAD + bytes(480) + _HINTS.pack(_MIDDLE, info.free, info.next, bytes(12), _TRAIL)
