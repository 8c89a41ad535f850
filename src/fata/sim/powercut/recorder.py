"""A Block that remembers what was asked of it."""

from __future__ import annotations

from collections.abc import Callable

from fata.device.block import Block, Buffer
from fata.sim.powercut.record import NONE, Discard, Event, Flush, Label, Promise, Record, Write

PIECE = 2048  # sectors read at a time when a disk that is not empty is taken over


class Recorder:
    """A Block over a Block that holds only zeros (`record_over` takes any). `record` is what has happened so far.

    `classify` names the class of a write from its first sector and the number of sectors; where it returns ""
    the label of the last `moment` counts.
    """

    def __init__(self, block: Block, *, classify: Callable[[int, int], str] | None = None) -> None:
        self.record = Record(block.sectors, block.sector_size, {})
        self._block = block
        self._classify = classify
        self._label = "start"
        self._recording = True
        self._writes = 0
        self._open: set[int] = set()  # numbers of writes of which nobody knows the end: under way, failed, cancelled
        self._under_way: set[int] = set()

    @property
    def sector_size(self) -> int:
        return self._block.sector_size

    @property
    def sectors(self) -> int:
        return self._block.sectors

    @property
    def read_only(self) -> bool:
        return self._block.read_only

    def moment(self, label: str) -> None:
        """Name the class of the states that follow."""
        self._label = label
        self._append(Label(label))

    def promise(self, promise: object) -> None:
        """Say what must hold from now on: whatever `judge` understands. It is None before the first promise."""
        if not self._recording or promise == self.record.promises[-1]:
            return
        if all(isinstance(event, Label) for event in self.record.events):
            self.record.promises[-1] = promise  # nothing has happened that could be judged by the one before
        else:
            self.record.promises.append(promise)
            self._append(Promise(len(self.record.promises) - 1))

    def stop(self) -> None:
        """Record no more. In `recover`: what follows is not recovery, and is not cut."""
        self._recording = False

    async def read(self, sector: int, count: int) -> bytes:
        return await self._block.read(sector, count)

    async def write(self, sector: int, data: Buffer) -> None:
        octets = bytes(data)
        number = self._begin(sector, octets)
        try:
            await self._block.write(sector, octets)
            self._open.discard(number)
        finally:
            self._under_way.discard(number)

    async def flush(self) -> None:
        in_doubt, begun = frozenset(self._open), self._writes
        await self._block.flush()
        self._append(Flush(in_doubt.union(range(begun, self._writes)) or NONE))

    async def discard(self, sector: int, count: int) -> None:
        await self._block.discard(sector, count)
        if count:
            self._append(Discard(self._writes, sector, count, self._label))
            self._writes += self._recording

    async def close(self) -> None:
        await self._block.close()

    def _begin(self, sector: int, octets: bytes) -> int:
        number, size = self._writes, self.sector_size
        fits = not len(octets) % size and 0 <= sector <= self.sectors - len(octets) // size
        if not self._recording or not octets or not fits or self.read_only:
            return -1  # nothing is written, or the block refuses
        contents = tuple(octets[at : at + size] for at in range(0, len(octets), size))
        label = (self._classify(sector, len(contents)) if self._classify else "") or self._label
        beside = frozenset(self._under_way) if self._under_way else NONE
        self._append(Write(number, sector, contents, label, beside))
        self._writes += 1
        self._open.add(number)
        self._under_way.add(number)
        return number

    def _append(self, event: Event) -> None:
        if self._recording:
            self.record.events.append(event)


async def record_over(block: Block, *, classify: Callable[[int, int], str] | None = None) -> Recorder:
    """Return a recorder over a disk that may hold something already, which is read as a whole."""
    recorder = Recorder(block, classify=classify)
    size, zeros = block.sector_size, bytes(block.sector_size)
    before: dict[int, bytes] = {}
    for first in range(0, block.sectors, PIECE):
        octets = await block.read(first, min(PIECE, block.sectors - first))
        for at in range(0, len(octets), size):
            if (content := octets[at : at + size]) != zeros:
                before[first + at // size] = content
    recorder.record.before = before
    return recorder
