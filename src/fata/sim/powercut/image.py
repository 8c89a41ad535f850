"""Disks that a power cut has left: a few sectors over many that nobody copies."""

from __future__ import annotations

from collections.abc import Mapping

from fata.driver.block.geometry import Geometry, Shaped, octets_of
from fata.errors import StateError


def weigh(sector: int, content: bytes) -> int:
    """Return a sector's part in the sum that names an image; 0 for a sector of zeros.

    The hash is that of octets, SipHash. That of a tuple is nearly linear: two sectors that change places would
    often leave the sum as it was.
    """
    return hash(content + sector.to_bytes(8)) if content.strip(b"\0") else 0


class CrashDisk(Shaped):
    """A Block whose sectors are `changes` over `below`; only `changes` is ever written."""

    def __init__(self, sectors: int, sector_size: int, below: Mapping[int, bytes], changes: dict[int, bytes]) -> None:
        self._geometry = Geometry(sectors, sector_size, read_only=False)
        self._below = below
        self._changes = changes
        self._zeros = bytes(sector_size)
        self._open = True

    async def read(self, sector: int, count: int) -> bytes:
        self._check_open()
        self._geometry.span(sector, count)
        changes, below, zeros = self._changes, self._below, self._zeros
        return b"".join([changes.get(at) or below.get(at, zeros) for at in range(sector, sector + count)])

    async def write(self, sector: int, data: bytes | bytearray | memoryview) -> None:
        self._check_open()
        view = octets_of(data)
        self._geometry.writable_span(sector, len(view))
        size = self.sector_size
        for at in range(0, len(view), size):
            self._changes[sector + at // size] = bytes(view[at : at + size])

    async def flush(self) -> None:
        self._check_open()

    async def discard(self, sector: int, count: int) -> None:
        self._check_open()
        self._geometry.writable_span(sector, count * self.sector_size)
        self._changes.update(dict.fromkeys(range(sector, sector + count), self._zeros))

    async def close(self) -> None:
        self._open = False

    def _check_open(self) -> None:
        if not self._open:
            raise StateError("the disk is closed")
