"""The end of an archive that grows: what is behind it becomes part of it at once, or not at all."""

from __future__ import annotations

from fata.disk.tar import BLOCK
from fata.store import octets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.device.block import Block

TRAILER = bytes(2 * BLOCK)

Mark = tuple[int, bytes, bytes]


class ArchiveEnd:
    """Appends octets to an archive, and commits them.

    `committed` is where the archive on the disk ends: a block of zeros lies there, or nothing. The sector that holds
    this octet is kept in memory until `commit`; everything else is written at once. Not for two tasks at a time.
    """

    def __init__(self, block: Block, end: int, sector: bytes) -> None:
        self.next = end  # where the next octets go
        self.committed = end
        self._block = block
        self._held = sector  # the sector of `committed` as it shall be
        self._tail = sector  # the sector of `next` as it is
        self._committing = False  # whether the held sector may have been written
        self._spoiled = False  # whether something other than the trailer may lie at `next`

    @property
    def room(self) -> int:
        """Octets that still fit, the trailer not counted."""
        return octets.capacity(self._block) - self.next - len(TRAILER)

    async def append(self, data: bytes) -> int:
        """Write whole blocks behind the last ones; return where they begin. They must fit.

        Cancelled or failed, it has appended nothing.
        """
        await self.settle()
        size, begin = self._block.sector_size, self.next
        first, skip = divmod(begin, size)
        written = self._tail[:skip] + data + TRAILER
        written += bytes(-len(written) % size)
        held, at = self._held, 0
        if first == self.committed // size:
            held, at = written[:size], size
        if at < len(written):
            self._spoiled = True
            await self._block.write(first + at // size, memoryview(written)[at:])
            self._spoiled = False
        self._held = held
        self.next = begin + len(data)
        last = self.next // size - first
        self._tail = written[last * size : (last + 1) * size]
        return begin

    async def settle(self) -> None:
        """End a commit that was cancelled or failed half-way: what it was to make part of the archive may be."""
        if self._committing:
            await self.commit()

    def mark(self) -> Mark:
        """Remember this place, to come back to it. Settle first."""
        return self.next, self._held, self._tail

    def rewind(self, mark: Mark) -> None:
        """Forget what was appended since. Nothing may have been committed in between."""
        self.next, self._held, self._tail = mark
        self._spoiled = True

    async def commit(self) -> None:
        """Make everything appended durable, and part of the archive. Cancelled or failed, it can be called again."""
        if self._spoiled and self.next != self.committed and not self._committing:
            await self.append(b"")  # for the trailer
        await self._block.flush()
        if self.next == self.committed:
            return
        self._committing = True
        size = self._block.sector_size
        await self._block.write(self.committed // size, self._held)
        await self._block.flush()
        self.committed, self._held, self._committing = self.next, self._tail, False

    def held(self) -> tuple[int, bytes]:
        """Return where the sector lies that the disk has not got, and what is in it."""
        size = self._block.sector_size
        return self.committed // size * size, self._held


def patched(offset: int, data: bytes, held: tuple[int, bytes]) -> bytes:
    """Put what was held into octets that have been read from `offset` on since."""
    start, sector = held
    low, high = max(offset, start), min(offset + len(data), start + len(sector))
    if low >= high:
        return data
    return data[: low - offset] + sector[low - start : high - start] + data[high - offset :]


async def open_end(block: Block, end: int) -> ArchiveEnd:
    """Return the end of an archive that has been found at octet `end`."""
    size = block.sector_size
    sector = await octets.read(block, end // size * size, size)
    return ArchiveEnd(block, end, sector.ljust(size, b"\0"))
