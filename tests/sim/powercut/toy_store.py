"""A store of one number, small enough to be right at a glance, with bugs that can be switched on.

Sectors 0 and 1 are superblocks, used in turn: generation, where the value is, its CRC-32, the superblock's own. A value
fills three sectors of `AREAS`.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from random import Random
from zlib import crc32

from fata.device.block import Block
from fata.driver.block.ramdisk import RamDisk
from fata.sim.powercut import Record, Recorder
from fata.sim.powercut.recovery import Recover

SUPERBLOCK = struct.Struct("<QQII")
VALUE_SECTORS = 3
AREAS = (2, 5, 8)
SECTORS = 12

BUGS = [
    "no flush",
    "flush in the middle only",
    "one superblock",
    "value in place",
    "no crc",
    "generation reused",
    "recovery erases first",
    "recovery does not flush",
]


class ToyStore:
    """One number, durable when `put` has returned."""

    def __init__(self, disk: Block, bugs: Collection[str] = ()) -> None:
        self._disk = disk
        self._bugs = bugs
        self.generation = 0
        self.value: int | None = None

    async def put(self, value: int) -> None:
        """Store a number durably."""
        self.generation += "generation reused" not in self._bugs or not self.generation
        octets = value.to_bytes(8, "little") * (64 * VALUE_SECTORS)
        area = AREAS[0] if "value in place" in self._bugs else AREAS[self.generation % len(AREAS)]
        place = 0 if "one superblock" in self._bugs else self.generation % 2
        await self._disk.write(place, self._superblock(area, octets))
        if "flush in the middle only" in self._bugs:
            await self._disk.flush()
        await self._disk.write(area, octets)
        if "no flush" not in self._bugs and "flush in the middle only" not in self._bugs:
            await self._disk.flush()
        self.value = value

    async def recover(self) -> None:
        """Find the youngest value that is whole; note it in both superblocks."""
        found = [(await self._read(place), place) for place in (0, 1)]
        whole = sorted(((entry, place) for entry, place in found if entry is not None), reverse=True)
        if not whole:
            return
        (self.generation, _area, self.value), place = whole[0]
        newest = await self._disk.read(place, 1)
        if "recovery erases first" in self._bugs:
            await self._disk.write(0, bytes(1024))
            await self._disk.flush()
            await self._disk.write(place, newest)
        if "recovery does not flush" in self._bugs:
            await self._disk.write(0, bytes(1024))
        await self._disk.write(1 - place, newest)
        await self._disk.flush()

    def _superblock(self, area: int, octets: bytes) -> bytes:
        head = SUPERBLOCK.pack(self.generation, area, crc32(octets), 0)
        return SUPERBLOCK.pack(self.generation, area, crc32(octets), crc32(head)).ljust(512, b"\0")

    async def _read(self, place: int) -> tuple[int, int, int] | None:
        sector = await self._disk.read(place, 1)
        generation, area, check, own = SUPERBLOCK.unpack_from(sector)
        if own != crc32(SUPERBLOCK.pack(generation, area, check, 0)):
            return None
        octets = await self._disk.read(area, VALUE_SECTORS)
        if crc32(octets) != check and "no crc" not in self._bugs:
            return None
        return generation, area, int.from_bytes(octets[-8:], "little")


async def work(rng: Random, bugs: Collection[str] = (), puts: int = 4) -> Record:
    """Record some puts. A promise is a pair: the number that is durable, and the one that may be."""
    disk = Recorder(RamDisk(SECTORS), classify=lambda sector, _count: "superblock" if sector < 2 else "")
    store = ToyStore(disk, bugs)
    durable = None
    for _ in range(puts):
        value = rng.randrange(1, 1 << 32)
        disk.moment("value")
        disk.promise((durable, value))
        await store.put(value)
        durable = value
        disk.promise((durable, durable))
    return disk.record


def recovering(bugs: Collection[str]) -> Recover[int | None]:
    """Return a `recover` that returns the number, None on a disk without one."""

    async def recover(disk: Recorder) -> int | None:
        store = ToyStore(disk, bugs)
        await store.recover()
        disk.stop()
        seen = store.value
        await store.put(7)  # it goes on working
        return seen

    return recover


def judge(seen: int | None, promise: tuple[int | None, int]) -> None:
    """Compare what recovery sees with what was promised."""
    assert seen in promise
