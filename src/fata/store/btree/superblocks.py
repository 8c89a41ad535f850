"""Writing superblocks, and noticing that somebody else does."""

from __future__ import annotations

from fata.disk.btree.corrupt import Corrupt
from fata.disk.btree.superblock import SIZE, Superblock, parse, serialize
from fata.store.btree.errors import OtherWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.store.btree.medium import Medium


class Superblocks:
    """The places of one store's superblocks: two at the start of the disk, two at its end, taken in turn."""

    def __init__(self, medium: Medium) -> None:
        self._medium = medium
        self._attempted: Superblock | None = None  # the last that we began to write

    async def write(self, superblock: Superblock) -> None:
        """Write both copies. Raises `OtherWriter` if somebody else has written one that is as new."""
        slot = superblock.generation % 2
        if self._attempted != superblock:
            await self._check_alone(slot, superblock)
        self._attempted = superblock
        block = self._medium.block
        data = serialize(superblock)
        data += bytes(block.sector_size - len(data))
        for page in (slot, superblock.pages - 2 + slot):
            await block.write(page * self._medium.page_sectors, data)

    async def _check_alone(self, slot: int, superblock: Superblock) -> None:
        data = await self._medium.block.read(slot * self._medium.page_sectors, 1)
        try:
            found = parse(data[:SIZE], slot)
        except Corrupt:
            return
        if found.generation >= superblock.generation:
            raise OtherWriter("btree: somebody else has written to this disk since it was opened")
