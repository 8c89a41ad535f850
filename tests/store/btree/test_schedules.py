"""The store under every cancellation and interleaving at its awaits."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from fata.driver.block.ramdisk import RamDisk
from fata.sim.interleave import Outcome, explore
from fata.sim.suspending import SuspendingBlock
from fata.store.btree.fsck import check_store
from fata.store.btree.opening import format_btree, open_btree
from fata.store.btree.store import Btree

pytestmark = pytest.mark.slow

UUID = bytes(range(16))


async def filled(log: int, fill: int) -> RamDisk:
    """Return the disk of a store that was closed."""
    disk = RamDisk(64 * 8)
    await format_btree(disk, UUID, log_octets=log)
    store = await open_btree(disk)
    for number in range(fill):
        await store.put(b"%02d" % number, bytes([number]) * 300)
    await store.close()
    return disk


async def build(*, log: int = 8192, fill: int = 30) -> Btree:
    """Return a store on a slow disk, with nothing in its cache."""
    return await open_btree(SuspendingBlock(await filled(log, fill)), cache_octets=1)


async def behind(*, log: int = 8192, fill: int = 30) -> Btree:
    """Return such a store after a power cut: of some leaves the log knows more than their pages, and none was read."""
    disk = await filled(log, fill)
    store = await open_btree(disk)
    for number in range(2, fill, 9):
        await store.put(b"%02d" % number, bytes([number]) * 299)
    store = await open_btree(SuspendingBlock(disk), cache_octets=1)
    assert len(store._tree.behind) > 1
    return store


Make = Callable[..., Coroutine[Any, Any, Btree]]
BOTH = pytest.mark.parametrize("made", [build, behind])


async def sound(store: Btree) -> None:
    """See that the store still works, and that memory and medium agree."""
    await store.put(b"later", b"1")
    await store.checkpoint()
    seen = {key: value async for key, value in store.range()}
    disk = store.medium.block
    again = await open_btree(disk)
    assert {key: value async for key, value in again.range()} == seen
    report = await check_store(disk)
    assert report.problems == []
    stats = store.stats()
    assert (report.used, report.free) == (stats.used, stats.free)


def changes_of(store: Btree, number: int) -> dict[bytes, bytes]:
    """Return what the task with this number writes."""
    return {b"%02d" % number: b"task %d" % number, b"n%d" % number: bytes(900), b"20": b"both"}


async def write(store: Btree, number: int) -> None:
    """Make a transaction of three changes."""
    async with store.transaction() as transaction:
        for key, value in changes_of(store, number).items():
            await transaction.put(key, value)


async def has(store: Btree, number: int) -> bool:
    """Say whether the task's transaction is there; it is whole or not at all."""
    found = [await store.get(key) == value for key, value in changes_of(store, number).items() if key != b"20"]
    assert all(found) or not any(found)
    return all(found)


@BOTH
def test_two_writers_at_every_await(made: Make) -> None:
    async def check(store: Btree, outcomes: Sequence[Outcome]) -> None:
        assert await has(store, 1)
        assert await has(store, 45)
        await sound(store)

    async def wide() -> Btree:
        return await made(fill=60)

    explored = explore(wide, [lambda store: write(store, 1), lambda store: write(store, 45)], check)
    assert explored.schedules > 3


@BOTH
def test_a_writer_beside_readers(made: Make) -> None:
    async def read(store: Btree) -> int:
        seen = {key: value async for key, value in store.range(end=b"03")}
        assert [key for key in seen if not key.startswith(b"n")] == [b"00", b"01", b"02"]
        assert (seen[b"01"] == b"task 1") in (True, False)
        return len(seen)

    async def check(store: Btree, outcomes: Sequence[Outcome]) -> None:
        assert await has(store, 1)
        await sound(store)

    explore(made, [lambda store: write(store, 1), read], check)


@BOTH
def test_a_cancellation_at_every_await(made: Make) -> None:
    async def check(store: Btree, outcomes: Sequence[Outcome]) -> None:
        assert await has(store, 1) or outcomes[0].cancelled
        await sound(store)

    explored = explore(made, [lambda store: write(store, 1)], check, cancellations=2)
    assert explored.schedules > 10


def test_a_cancelled_writer_beside_another() -> None:
    async def check(store: Btree, outcomes: Sequence[Outcome]) -> None:
        assert await has(store, 1) or outcomes[0].cancelled
        assert await has(store, 12)
        await sound(store)

    explore(
        build,
        [lambda store: write(store, 1), lambda store: write(store, 12)],
        check,
        cancellations=1,
        cancellable=[0],
    )


@BOTH
def test_a_cancelled_checkpoint_beside_a_writer(made: Make) -> None:
    async def check(store: Btree, outcomes: Sequence[Outcome]) -> None:
        assert await has(store, 12)
        await sound(store)

    async def dirty() -> Btree:
        store = await made(fill=24)
        await write(store, 5)
        return store

    explore(
        dirty,
        [lambda store: store.checkpoint(), lambda store: write(store, 12)],
        check,
        cancellations=1,
        cancellable=[0],
    )


def test_a_large_value_that_is_cancelled_anywhere() -> None:
    async def check(store: Btree, outcomes: Sequence[Outcome]) -> None:
        assert await store.get(b"x") in ((bytes(9000),) if not outcomes[0].cancelled else (None, bytes(9000)))
        await sound(store)

    explore(build, [lambda store: store.put(b"x", bytes(9000))], check, cancellations=1)


@BOTH
def test_a_change_larger_than_the_log_that_is_cancelled_anywhere(
    made: Make,
) -> None:
    async def large(store: Btree) -> None:
        async with store.transaction() as transaction:
            for number in range(10):
                await transaction.put(b"l%d" % number, bytes(900))

    async def check(store: Btree, outcomes: Sequence[Outcome]) -> None:
        found = await store.count(prefix=b"l") - (await store.get(b"later") is not None)
        assert found == 10 or (outcomes[0].cancelled and found == 0)
        await sound(store)

    explore(lambda: made(log=4096, fill=5 if made is build else 24), [large], check, cancellations=1)


@pytest.mark.parametrize("call", ["save", "drop", "compact", "close"])
def test_the_rest_cancelled_anywhere(call: str) -> None:
    async def ready() -> Btree:
        store = await build(fill=20)
        if call == "drop":
            await store.save_snapshot("one")
        await store.put(b"a", b"1")
        return store

    async def run(store: Btree) -> None:
        if call == "save":
            await store.save_snapshot("one")
        elif call == "drop":
            await store.drop_snapshot("one")
        elif call == "compact":
            await store.compact()
        else:
            await store.flush()

    async def check(store: Btree, outcomes: Sequence[Outcome]) -> None:
        assert await store.count() == 21
        if "one" in store.snapshots():
            assert await (await store.open_snapshot("one")).count() in (20, 21)
            await store.drop_snapshot("one")
        await sound(store)

    explore(ready, [run], check, cancellations=1)
