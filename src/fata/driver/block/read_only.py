"""A disk that may be read and not written."""

from __future__ import annotations

from fata.driver.block.geometry import Geometry
from fata.driver.block.over import OverBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.device.block import Block


class ReadOnlyBlock(OverBlock):
    """A read-only view of a Block, whatever that allows."""

    def __init__(self, block: Block) -> None:
        super().__init__(block, Geometry(block.sectors, block.sector_size, read_only=True))

    async def flush(self) -> None:
        self._check_open()
