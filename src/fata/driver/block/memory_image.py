"""A disk that is an asset of the program: octets in memory that nobody changes."""

from __future__ import annotations

from fata.driver.block.geometry import Geometry, Shaped, octets_of
from fata.errors import StateError


class MemoryImage(Shaped):
    """A read-only Block over octets, of which only what is read is copied. Zeros fill the last sector."""

    def __init__(self, data: bytes | memoryview, sector_size: int = 512) -> None:
        self._octets = octets_of(data)
        self._geometry = Geometry(-(-len(self._octets) // sector_size), sector_size, read_only=True)
        self._open = True

    async def read(self, sector: int, count: int) -> bytes:
        self._check_open()
        start, end = self._geometry.span(sector, count)
        return bytes(self._octets[start:end]).ljust(end - start, b"\0")

    async def write(self, sector: int, data: bytes | bytearray | memoryview) -> None:
        self._check_open()
        self._geometry.writable_span(sector, memoryview(data).nbytes)

    async def flush(self) -> None:
        self._check_open()

    async def discard(self, sector: int, count: int) -> None:
        self._check_open()
        self._geometry.writable_span(sector, count * self.sector_size)

    async def close(self) -> None:
        self._open = False

    def _check_open(self) -> None:
        if not self._open:
            raise StateError("the image is closed")
