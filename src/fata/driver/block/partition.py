"""A part of a disk that looks like a disk."""

from __future__ import annotations

from fata.driver.block.geometry import Geometry
from fata.driver.block.over import OverBlock
from fata.errors import Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.device.block import Block, Buffer


class PartitionBlock(OverBlock):
    """`sectors` sectors of a Block from `first` on. Several may be open at once; a flush of one flushes the disk."""

    def __init__(self, block: Block, first: int, sectors: int) -> None:
        if first < 0 or sectors < 0 or first + sectors > block.sectors:
            raise Unavailable(
                f"a partition of {sectors} sectors from {first} on does not fit on a disk of {block.sectors}",
                "Mend the partition table, or use the whole disk.",
            )
        super().__init__(block, Geometry(sectors, block.sector_size, block.read_only))
        self._first = first

    async def read(self, sector: int, count: int) -> bytes:
        self._check_read(sector, count)
        return await self._block.read(self._first + sector, count)

    async def write(self, sector: int, data: Buffer) -> None:
        await self._block.write(self._first + sector, self._check_write(sector, data))

    async def discard(self, sector: int, count: int) -> None:
        self._check_discard(sector, count)
        await self._block.discard(self._first + sector, count)
