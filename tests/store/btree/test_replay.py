"""After a power cut: what the log says of a leaf waits until it is read, and nobody can tell."""

from __future__ import annotations

import pytest

from fata.disk.btree.corrupt import Corrupt
from fata.driver.block.ramdisk import RamDisk
from fata.driver.block.statistics import CountingBlock
from fata.runtime.drive import drive
from fata.store.btree.errors import Failed
from fata.store.btree.opening import format_btree, open_btree
from fata.store.btree.store import Btree
from tests.store.btree.stores import UUID, items, sound

COUNT = 200  # keys, about twelve to a leaf
LOGGED = range(0, COUNT, 9)


def key_of(number: int) -> bytes:
    """Return a key."""
    return b"%03d" % number


async def crashed(pages: int = 512, *, log: int = 65536) -> tuple[CountingBlock, dict[bytes, bytes]]:
    """Return the disk of a store whose log has changes to every leaf, some of them deletions, and what is in it."""
    disk = CountingBlock(RamDisk(pages * 8))
    await format_btree(disk, UUID, log_octets=log)
    store = await open_btree(disk)
    async with store.transaction() as transaction:
        await transaction.put_all({key_of(number): bytes(300) for number in range(COUNT)})
    await store.checkpoint()
    for number in LOGGED:
        await store.put(key_of(number) + b"new", bytes([number]) * 300)
        await store.delete(key_of(number))
    return disk, await items(store)


def test_opening_reads_no_leaf() -> None:
    disk, model = drive(crashed())
    before = disk.counters.read_octets
    store = drive(open_btree(disk))
    stats = store.stats()
    assert stats.dirty_leaves == stats.leaves > 10
    assert disk.counters.read_octets - before < (stats.log_used + stats.leaves) * 512 + 16384
    assert drive(items(store)) == model


def test_what_is_read_and_what_is_not_comes_to_the_disk() -> None:
    disk, model = drive(crashed())
    store = drive(open_btree(disk))
    assert drive(store.get(key_of(9) + b"new")) == bytes([9]) * 300
    assert drive(store.get(key_of(9))) is None
    drive(store.put(key_of(100), b"later"))
    model[key_of(100)] = b"later"
    drive(sound(store))
    assert not store._tree.behind
    assert drive(items(store)) == model
    assert drive(items(drive(open_btree(disk)))) == model


def test_a_leaf_that_the_log_empties_is_taken_out() -> None:
    async def run() -> Btree:
        disk, model = await crashed()
        store = await open_btree(disk)
        async with store.transaction() as transaction:
            await transaction.delete_range(key_of(50), key_of(150))
        store = await open_btree(disk)
        leaves = store.stats().leaves
        assert await items(store) == {key: model[key] for key in model if not key_of(50) <= key < key_of(150)}
        await sound(store)
        assert store.stats().leaves < leaves
        return store

    drive(run())


def test_leaves_that_the_log_overfills_are_cut_when_they_are_written() -> None:
    async def run() -> None:
        disk, model = await crashed()
        store = await open_btree(disk)
        more = {key_of(number) + b"more": bytes(500) for number in range(60)}
        async with store.transaction() as transaction:
            await transaction.put_all(more)
        store = await open_btree(disk)
        leaves = store.stats().leaves
        assert await items(store) == model | more
        await sound(store)
        assert store.stats().leaves > leaves
        assert await items(store) == model | more

    drive(run())


def test_a_reader_sees_the_store_as_it_was_opened() -> None:
    async def run() -> None:
        disk, model = await crashed()
        store = await open_btree(disk)
        snapshot = store.snapshot()
        async with store.transaction() as transaction:
            await transaction.delete_range(key_of(20), key_of(90))
            await transaction.put(key_of(150), b"other")
        await store.checkpoint()
        assert dict([item async for item in snapshot.range()]) == model
        snapshot.close()
        await sound(store)

    drive(run())


def test_few_pages_are_free() -> None:
    """What is not known to fit is read at once; so the full disk takes deletions, and what they make room for."""

    async def run() -> None:
        disk, model = await crashed(64, log=16384)
        store = await open_btree(disk)
        assert 0 < len(store._tree.behind) < store.stats().leaves
        for key in list(model)[::2]:
            await store.delete(key)
            del model[key]
        for number in range(20):
            await store.put(b"x%02d" % number, bytes(300))
            model[b"x%02d" % number] = bytes(300)
        await sound(store)
        assert await items(store) == model
        assert await items(await open_btree(disk)) == model

    drive(run())


def test_the_first_commit_does_not_pay_for_all() -> None:
    async def run() -> None:
        disk, _ = await crashed()
        store = await open_btree(disk)
        before = disk.counters.reads
        await store.put(key_of(3), b"3")
        assert len(store._tree.behind) > store.stats().leaves // 2
        assert disk.counters.reads - before < store.stats().leaves // 2

    drive(run())


def test_a_page_that_rots_beneath_the_log_is_told_with_its_place() -> None:
    """The store opens, and the rest of it can be read; a checkpoint that needs the page ends it, with nothing lost."""

    async def run() -> None:
        disk, model = await crashed()
        store = await open_btree(disk)
        leaf = store._tree.find(key_of(100))
        address = leaf.where[0]
        page = bytearray(await disk.read(address * 8, 8))
        page[200] ^= 1
        await disk.write(address * 8, page)
        assert await store.get(key_of(5)) == model[key_of(5)]
        with pytest.raises(Corrupt, match=f"leaf at {address}"):
            await store.get(key_of(100))
        with pytest.raises(Corrupt, match=f"leaf at {address}"):
            await store.put(key_of(100), b"new")
        with pytest.raises(Corrupt, match=f"leaf at {address}"):
            await store.checkpoint()
        with pytest.raises(Failed, match=f"leaf at {address}"):
            await store.put(key_of(5), b"5")
        page[200] ^= 1
        await disk.write(address * 8, page)
        assert await items(await open_btree(disk)) == model

    drive(run())
