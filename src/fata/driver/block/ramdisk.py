"""A disk in memory: zeros at the start, gone at the end."""

from __future__ import annotations

from fata.driver.block.geometry import Geometry, Shaped, octets_of
from fata.errors import ConfigError, StateError


class RamDisk(Shaped):
    """A Block whose sectors live in memory. It never suspends, so every operation is atomic under cancellation."""

    def __init__(self, sectors: int, sector_size: int = 512, read_only: bool = False) -> None:
        self._geometry = Geometry(sectors, sector_size, read_only)
        try:
            self._octets = bytearray(self._geometry.octets)
        except (MemoryError, OverflowError):
            raise ConfigError(
                f"a disk of {self._geometry.octets:,} octets does not fit into memory", remedy="Give it fewer sectors."
            ) from None
        self._open = True

    async def read(self, sector: int, count: int) -> bytes:
        self._check_open()
        start, end = self._geometry.span(sector, count)
        return bytes(memoryview(self._octets)[start:end])  # one copy; slicing the bytearray would make two

    async def write(self, sector: int, data: bytes | bytearray | memoryview) -> None:
        self._check_open()
        view = octets_of(data)
        start, end = self._geometry.writable_span(sector, len(view))
        memoryview(self._octets)[start:end] = view  # one copy; the bytearray itself would make two

    async def flush(self) -> None:
        self._check_open()  # memory is as durable as it will ever be

    async def discard(self, sector: int, count: int) -> None:
        self._check_open()
        start, end = self._geometry.writable_span(sector, count * self.sector_size)
        self._octets[start:end] = bytes(end - start)

    async def close(self) -> None:
        self._open = False
        self._octets = bytearray()

    def _check_open(self) -> None:
        if not self._open:
            raise StateError("the RAM disk is closed")
