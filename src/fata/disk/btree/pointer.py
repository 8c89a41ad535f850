"""How one node names another, so that any other octets at that place are found out."""

from __future__ import annotations

from typing import NamedTuple

HAS_EXTENTS = 0x01  # flag: the leaf holds at least one value that lies in an extent, or some leaf below does


class Pointer(NamedTuple):
    """A page, the generation that wrote it, the CRC-32 that it must have, and flags.

    The checksum finds torn, lost and misdirected writes; the generation a page that is whole but stale.
    """

    address: int  # pages from the start of the device; 0 is a superblock and means "nothing"
    generation: int
    crc: int
    flags: int = 0


NOTHING = Pointer(0, 0, 0)
