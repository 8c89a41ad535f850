"""A Block in octets, with a memory of whether it has failed."""

from __future__ import annotations

from fata.device.block import Block, Buffer
from fata.errors import DeviceError


class Medium:
    """Reads octets from anywhere, writes whole sectors of the disk. `unit` is such a sector: what is atomic.

    Without `barriers`, `barrier` does nothing: for an image that nobody would use if it were left half made.
    """

    __slots__ = ("_block", "barriers", "failed", "octets", "read_only", "unit")

    def __init__(self, block: Block, *, read_only: bool = False, barriers: bool = True) -> None:
        self._block = block
        self.barriers = barriers
        self.unit = block.sector_size
        self.octets = block.sectors * block.sector_size
        self.read_only = read_only or block.read_only
        self.failed = False  # since the volume was mounted

    async def read(self, offset: int, length: int) -> bytes:
        """Return `length` octets from `offset` on."""
        unit = self.unit
        sector, skipped = divmod(offset, unit)
        try:
            data = await self._block.read(sector, -(-(skipped + length) // unit))
        except DeviceError:
            self.failed = True
            raise
        return data if len(data) == length else data[skipped : skipped + length]

    async def write(self, offset: int, data: Buffer) -> None:
        """Write whole units at a whole unit."""
        try:
            await self._block.write(offset // self.unit, data)
        except DeviceError:
            self.failed = True
            raise

    async def barrier(self) -> None:
        """Make durable what was written: nothing that is written later survives without it."""
        if self.barriers:
            await self.flush()

    async def flush(self) -> None:
        """Make durable what was written."""
        try:
            await self._block.flush()
        except DeviceError:
            self.failed = True
            raise
