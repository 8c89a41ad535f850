"""What every disk over another disk has in common: its shape, and an end of its own."""

from __future__ import annotations

from fata.driver.block.geometry import Geometry, Shaped, octets_of
from fata.errors import StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.device.block import Block, Buffer


class OverBlock(Shaped):
    """A Block that passes everything on. Closing it leaves the disk beneath open: that belongs to whoever opened it.

    Ranges are checked here, so that what a driver does on the way can rely on them.
    """

    def __init__(self, block: Block, geometry: Geometry | None = None) -> None:
        self._block = block
        self._geometry = geometry or Geometry(block.sectors, block.sector_size, block.read_only)
        self._open = True

    async def read(self, sector: int, count: int) -> bytes:
        self._check_read(sector, count)
        return await self._block.read(sector, count)

    async def write(self, sector: int, data: Buffer) -> None:
        await self._block.write(sector, self._check_write(sector, data))

    async def flush(self) -> None:
        self._check_open()
        await self._block.flush()

    async def discard(self, sector: int, count: int) -> None:
        self._check_discard(sector, count)
        await self._block.discard(sector, count)

    async def close(self) -> None:
        self._open = False

    def _check_open(self) -> None:
        if not self._open:
            raise StateError(f"{type(self).__name__}: the disk is closed")

    def _check_read(self, sector: int, count: int) -> None:
        self._check_open()
        self._geometry.span(sector, count)

    def _check_write(self, sector: int, data: Buffer) -> memoryview:
        self._check_open()
        view = octets_of(data)
        self._geometry.writable_span(sector, len(view))
        return view

    def _check_discard(self, sector: int, count: int) -> None:
        self._check_open()
        self._geometry.writable_span(sector, count * self.sector_size)
