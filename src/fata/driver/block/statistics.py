"""What a disk is asked for, counted."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass

from fata.driver.block.over import OverBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from fata.device.block import Block, Buffer


@dataclass(slots=True)
class BlockCounters:
    """Operations that have returned, octets that they moved, and operations that failed."""

    reads: int = 0
    writes: int = 0
    flushes: int = 0
    discards: int = 0
    read_octets: int = 0
    written_octets: int = 0
    discarded_octets: int = 0
    failures: int = 0

    def __str__(self) -> str:
        return (
            f"{self.reads:,} reads of {self.read_octets:,} octets, {self.writes:,} writes of {self.written_octets:,} "
            f"octets, {self.flushes:,} flushes, {self.discards:,} discards, {self.failures:,} failures"
        )


class CountingBlock(OverBlock):
    """A Block that counts what passes through; look at `counters`."""

    def __init__(self, block: Block) -> None:
        super().__init__(block)
        self.counters = BlockCounters()

    async def read(self, sector: int, count: int) -> bytes:
        with self._failures():
            data = await super().read(sector, count)
        self.counters.reads += 1
        self.counters.read_octets += len(data)
        return data

    async def write(self, sector: int, data: Buffer) -> None:
        with self._failures():
            await super().write(sector, data)
        self.counters.writes += 1
        self.counters.written_octets += memoryview(data).nbytes

    async def flush(self) -> None:
        with self._failures():
            await super().flush()
        self.counters.flushes += 1

    async def discard(self, sector: int, count: int) -> None:
        with self._failures():
            await super().discard(sector, count)
        self.counters.discards += 1
        self.counters.discarded_octets += count * self.sector_size

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.counters.failures += 1
            raise
