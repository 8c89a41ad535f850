"""What each durability is worth, and that commits share their flushes."""

from __future__ import annotations

import asyncio

import pytest

from fata.driver.block.ramdisk import RamDisk
from fata.runtime.drive import drive
from fata.sim.suspending import SuspendingBlock
from fata.store.btree.opening import format_btree, open_btree
from fata.store.btree.store import BATCH_COMMITS, Btree, Durability


class Counting(RamDisk):
    """A disk that counts, and forgets at a power cut what was not flushed."""

    def __init__(self) -> None:
        super().__init__(2048)
        self.flushes = self.writes = 0
        self.durable = b""

    async def write(self, sector: int, data: bytes | bytearray | memoryview) -> None:
        self.writes += 1
        await super().write(sector, data)

    async def flush(self) -> None:
        self.flushes += 1
        self.durable = bytes(self._octets)

    def cut(self) -> None:
        """Cut the power."""
        self._octets[:] = self.durable


async def opened(disk: Counting, durability: Durability = "sync") -> Btree:
    """Return a store that has written its first record."""
    await format_btree(disk, bytes(range(16)), log_octets=65536)
    store = await open_btree(disk, durability=durability)
    await store.put(b"first", b"")
    await store.flush()
    disk.flushes = disk.writes = 0
    return store


def test_a_durable_put_is_one_write_and_one_flush() -> None:
    disk = Counting()
    store = drive(opened(disk))
    for number in range(20):
        drive(store.put(b"%d" % number, b"value"))
    assert (disk.writes, disk.flushes) == (20, 20)
    disk.cut()
    assert drive(drive(open_btree(disk)).count()) == 21


@pytest.mark.virtual_time
async def test_commits_at_the_same_time_share_a_flush() -> None:
    disk = Counting()
    await opened(disk)
    store = await open_btree(SuspendingBlock(disk))
    before = disk.flushes
    async with asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(store.put(b"%d" % number, b"value"))
    assert disk.flushes - before <= 6
    disk.cut()
    assert await (await open_btree(disk)).count() == 51


def test_batch_writes_at_once_and_flushes_now_and_then() -> None:
    disk = Counting()
    store = drive(opened(disk, "batch"))
    for number in range(BATCH_COMMITS - 2):
        drive(store.put(b"%03d" % number, b"value"))
    assert (disk.writes, disk.flushes) == (BATCH_COMMITS - 2, 0)
    killed = drive(open_btree(disk))  # the program dies, the power stays
    assert drive(killed.count()) == BATCH_COMMITS - 1
    drive(store.put(b"one more", b"value"))
    drive(store.put(b"and one", b"value"))
    assert disk.flushes == 1
    disk.cut()
    assert drive(drive(open_btree(disk)).count()) == BATCH_COMMITS + 1


def test_none_keeps_changes_in_memory_until_a_flush() -> None:
    disk = Counting()
    store = drive(opened(disk, "none"))
    for number in range(100):
        drive(store.put(b"%03d" % number, b"value"))
    assert (disk.writes, disk.flushes) == (0, 0)
    drive(store.flush())
    assert (disk.writes, disk.flushes) == (1, 1)
    drive(store.put(b"lost", b""))
    disk.cut()
    assert drive(drive(open_btree(disk)).count()) == 101


def test_one_transaction_may_ask_for_more() -> None:
    disk = Counting()
    store = drive(opened(disk, "none"))

    async def both() -> None:
        await store.put(b"a", b"1")
        async with store.transaction("sync") as transaction:
            await transaction.put(b"b", b"2")

    drive(both())
    disk.cut()
    assert drive(drive(open_btree(disk)).get(b"a")) == b"1"
    assert disk.flushes == 1
