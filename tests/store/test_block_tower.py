"""A file system on a tower of disks: cached, over encrypted, over a partition; through power cuts and errors."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from fata.device.block import Block
from fata.device.kv import Kind, KvRo
from fata.driver.block.cache import CachedBlock
from fata.driver.block.encrypted import EncryptedBlock
from fata.driver.block.faults import Fault, FaultyBlock
from fata.driver.block.partition import PartitionBlock
from fata.driver.block.ramdisk import RamDisk
from fata.errors import DeviceError
from fata.runtime.drive import drive
from fata.sim.powercut import Record, Recorder, Violation, campaign, record_over
from fata.store.fat.kv import open_fat_kv
from fata.store.fat.mount import format_volume

SECTORS, FIRST = 256, 9
KEY = bytes(range(64))
KEYS = ["a", "b", "d/a", "d/b"]

Tower = Callable[[Block], Block]


def tower(disk: Block) -> Block:
    """Lay a cache over ciphertext in a partition."""
    return CachedBlock(EncryptedBlock(PartitionBlock(disk, FIRST, SECTORS - FIRST), KEY), 16)


class _ForgetsToFlush(CachedBlock):
    async def flush(self) -> None:
        async with self._writing_back:
            await self._write_back(self._dirty)


def forgetful(disk: Block) -> Block:
    """Lay a cache that does not pass flushes on."""
    return _ForgetsToFlush(EncryptedBlock(PartitionBlock(disk, FIRST, SECTORS - FIRST), KEY), 16)


async def contents(store: KvRo, key: str = "") -> dict[str, bytes]:
    """Read every value beneath."""
    found: dict[str, bytes] = {}
    for name, kind in await store.list(key):
        child = f"{key}/{name}" if key else name
        found |= await contents(store, child) if kind is Kind.DICTIONARY else {child: await store.get(child)}
    return found


async def work(rng: Random, build: Tower) -> Record:
    """Change a FAT volume; the promise: what was flushed, and then any number of the changes since, in their order."""
    inner = RamDisk(SECTORS)
    await format_volume(EncryptedBlock(PartitionBlock(inner, FIRST, SECTORS - FIRST), KEY))
    disk = await record_over(inner)
    store = await open_fat_kv(build(disk))
    now: dict[str, bytes] = {}
    allowed = [now]
    disk.promise([dict(each) for each in allowed])
    for _ in range(rng.randrange(4, 10)):
        now = dict(now)
        key = rng.choice(KEYS)
        if rng.random() < 0.3:
            now.pop(key, None)
            disk.promise([*allowed, now])
            await store.remove(key)
        else:
            now[key] = rng.randbytes(rng.choice((0, 3, 600)))
            disk.promise([*allowed, now])
            await store.set(key, now[key])
        allowed = [*allowed, now]
        if rng.random() < 0.5:
            await store.flush()
            allowed = [now]
            disk.promise([now])
    return disk.record


async def recover(disk: Recorder) -> dict[str, bytes]:
    """Open the volume as it is after a cut; that repairs it."""
    return await contents(await open_fat_kv(tower(disk)))


def judge(seen: dict[str, bytes], promise: list[dict[str, bytes]]) -> None:
    """Compare with what may be there."""
    assert seen in promise


@pytest.mark.slow
def test_the_promises_of_fat_hold_on_the_tower() -> None:
    report = campaign(lambda rng: drive(work(rng, tower)), recover, judge, states=400, limit=24, recoveries=2)
    print(report)


def test_a_tower_that_loses_flushes_is_caught() -> None:
    with pytest.raises(Violation):
        campaign(lambda rng: drive(work(rng, forgetful)), recover, judge, states=4000, limit=24, recoveries=2)


def test_an_error_anywhere_beneath_is_told_and_loses_nothing_flushed() -> None:
    inner = RamDisk(SECTORS)
    drive(format_volume(EncryptedBlock(PartitionBlock(inner, FIRST, SECTORS - FIRST), KEY)))
    store = drive(open_fat_kv(tower(inner)))
    drive(store.set("kept", b"k" * 700))
    drive(store.close())
    before = drive(inner.read(0, SECTORS))
    told = 0
    for number in range(1, 60):
        disk = RamDisk(SECTORS)
        drive(disk.write(0, before))
        faulty = FaultyBlock(disk, {number: Fault.ERROR})
        try:
            store = drive(open_fat_kv(tower(faulty)))
            drive(store.set("new", b"n" * 2000))
            drive(store.flush())
        except DeviceError:
            told += 1
        drive(faulty.cut())
        seen = drive(contents(drive(open_fat_kv(tower(disk)))))
        assert seen.pop("kept") == b"k" * 700
        assert seen in ({}, {"new": b"n" * 2000})
    assert told > 5
