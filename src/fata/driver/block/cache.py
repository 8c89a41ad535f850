"""A cache of sectors in memory that writes back.

A write stays in memory until `flush`, or until half of the cache is dirty; neighbours go out as one write. The contract
of Block allows that: nothing is promised of unflushed writes, in no order. `flush` writes back what was dirty when it
was called, and then flushes the disk beneath.
"""

from __future__ import annotations

import asyncio
from itertools import islice

from fata.driver.block.over import OverBlock
from fata.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fata.device.block import Block, Buffer

CAPACITY = 4096  # sectors
LARGEST_RUN = 256  # sectors written back at once


class CachedBlock(OverBlock):
    """A Block with up to `capacity` sectors in memory (more while more are read or written at once).

    What is cached is read without waiting. Write-backs never overlap: two of one sector might arrive in either order.
    """

    def __init__(self, block: Block, capacity: int = CAPACITY) -> None:
        super().__init__(block)
        if capacity < 2:
            raise ConfigError(f"a cache of {capacity} sectors", remedy="Give it 2 or more.")
        self._capacity = capacity
        self._sectors: dict[int, bytes] = {}  # contents, the longest unused first
        self._dirty: dict[int, bytes] = {}  # what of them the disk has not got
        self._changes = 0  # writes and discards that have begun: a read that they overtook caches nothing
        self._writing_back = asyncio.Lock()

    def cached(self, sector: int, count: int) -> bytes | None:
        """Return sectors that are all in memory, without waiting; None if one is missing."""
        self._check_read(sector, count)
        sectors, found = self._sectors, []
        for at in range(sector, sector + count):
            content = sectors.get(at)
            if content is None:
                return None
            found.append(content)
        for at, content in enumerate(found, sector):
            del sectors[at]  # it becomes the one that was used last
            sectors[at] = content
        return found[0] if count == 1 else b"".join(found)

    async def read(self, sector: int, count: int) -> bytes:
        found = self.cached(sector, count)
        if found is not None:
            return found
        # What is dirty now may be written back, and forgotten, after the disk has read its old octets.
        known = {at: self._sectors[at] for at in range(sector, sector + count) if at in self._sectors}
        changes = self._changes
        data = await self._block.read(sector, count)
        known.update({at: self._sectors[at] for at in range(sector, sector + count) if at in self._sectors})
        if known:
            data = self._laid_over(known, sector, data)
        if changes == self._changes and self._open:
            self._keep(sector, data)
            self._forget_clean()
        return data

    async def write(self, sector: int, data: Buffer) -> None:
        octets = bytes(self._check_write(sector, data))
        self._changes += 1
        self._keep(sector, octets)
        for at in range(sector, sector + len(octets) // self.sector_size):
            self._dirty[at] = self._sectors[at]
        if len(self._dirty) > self._capacity // 2:
            async with self._writing_back:
                await self._write_back(self._dirty)
        self._forget_clean()

    async def flush(self) -> None:
        self._check_open()
        async with self._writing_back:
            await self._write_back(self._dirty)
        await self._block.flush()

    async def discard(self, sector: int, count: int) -> None:
        self._check_discard(sector, count)
        async with self._writing_back:  # or an older write-back may come after it
            self._changes += 1
            for at in range(sector, sector + count):
                self._sectors.pop(at, None)
                self._dirty.pop(at, None)
            await self._block.discard(sector, count)
            self._changes += 1

    async def close(self) -> None:
        """Close without writing anything back: what was not flushed may be lost, as the contract says."""
        await super().close()
        self._sectors.clear()
        self._dirty.clear()

    async def _write_back(self, dirty: Iterable[int]) -> None:
        for run in _runs(sorted(dirty)):
            sent = {at: self._dirty[at] for at in run if at in self._dirty}
            if len(sent) < len(run):
                continue  # closed meanwhile
            await self._block.write(run[0], b"".join(sent.values()))
            for at, content in sent.items():
                if self._dirty.get(at) is content:  # else it has been written again
                    del self._dirty[at]

    def _keep(self, sector: int, octets: bytes) -> None:
        size, sectors = self.sector_size, self._sectors
        for at in range(len(octets) // size):
            sectors.pop(sector + at, None)
            sectors[sector + at] = octets[at * size : (at + 1) * size]

    def _laid_over(self, known: dict[int, bytes], sector: int, data: bytes) -> bytes:
        size = self.sector_size
        parts = [known.get(sector + at // size) or data[at : at + size] for at in range(0, len(data), size)]
        return b"".join(parts)

    def _forget_clean(self) -> None:
        surplus = len(self._sectors) - self._capacity
        if surplus > 0:
            for at in list(islice((at for at in self._sectors if at not in self._dirty), surplus)):
                del self._sectors[at]


def _runs(sectors: list[int]) -> Iterator[range]:
    """Yield neighbours together, at most `LARGEST_RUN` at once."""
    first = 0
    for index in range(1, len(sectors) + 1):
        if index == len(sectors) or sectors[index] != sectors[index - 1] + 1 or index - first == LARGEST_RUN:
            yield range(sectors[first], sectors[index - 1] + 1)
            first = index
