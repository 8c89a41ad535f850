"""Writes to a disk round after round, several writes at once, flushes each round, and says so.

A sector holds nothing but the round that wrote it and its own number, so whoever finds it knows which round that was.
"""

import asyncio
import random

from fata.device import Block, Console

WRITES = 6  # in a round, at once
LONGEST = 5  # sectors of a write


def plan(round_: int, sectors: int) -> list[tuple[int, int]]:
    """Return the writes of a round, counted from 1: first sector and sectors of each. None overlap in a round."""
    chance = random.Random(round_)
    lane = sectors // WRITES
    writes = []
    for start in range(0, WRITES * lane, lane):
        length = chance.randint(1, min(LONGEST, lane))
        writes.append((start + chance.randint(0, lane - length), length))
    return writes


def content(round_: int, sector: int, size: int) -> bytes:
    """Return what a round writes to a sector."""
    return (round_ << 32 | sector).to_bytes(8) * (size // 8)


class Journal:
    """Keep a journal.

    Keys:
        rounds: how many
    """

    def __init__(self, disk: Block, console: Console, *, rounds: int = 20) -> None:
        self.disk = disk
        self.console = console
        self.rounds = rounds

    async def run(self) -> None:
        """Write all rounds, then wait for the power cut."""
        for round_ in range(1, self.rounds + 1):
            await asyncio.gather(*(self.write(round_, *each) for each in plan(round_, self.disk.sectors)))
            await self.disk.flush()
            self.console.write(f"flushed {round_}\n")
        await asyncio.Event().wait()

    async def write(self, round_: int, sector: int, count: int) -> None:
        """Do one write of a round."""
        size = self.disk.sector_size
        await self.disk.write(sector, b"".join(content(round_, each, size) for each in range(sector, sector + count)))
