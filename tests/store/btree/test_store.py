"""The store's calls, beside a dict, over a RAM disk."""

# ruff: noqa: PT012 -- an error is raised by the end of a block, so that the whole block must be expected to raise

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import pytest

from fata.driver.block.ramdisk import RamDisk
from fata.errors import StateError
from fata.store.btree.errors import Failed, OtherWriter, OutOfSpace, TooLarge
from fata.store.btree.opening import format_btree, open_btree
from tests.store.btree.stores import UUID, disk_of, items, made, sound


@pytest.mark.virtual_time
async def test_single_calls() -> None:
    store = await made()
    assert await store.get(b"a") is None
    await store.put(b"a", b"1")
    await store.put(b"", b"empty key")
    assert (await store.get(b"a"), await store.get(b""), await store.contains(b"b")) == (b"1", b"empty key", False)
    assert await store.delete(b"a")
    assert not await store.delete(b"a")
    assert await store.test_and_set(b"t", None, b"1")
    assert not await store.test_and_set(b"t", b"2", b"3")
    assert await store.test_and_set(b"t", b"1", None)
    assert await items(store) == {b"": b"empty key"}


@pytest.mark.virtual_time
async def test_ranges() -> None:
    store = await made()
    keys = [b"%03d" % number for number in range(300)]
    async with store.transaction() as transaction:
        for key in keys:
            await transaction.put(key, key * 10)

    async def found(**options: object) -> list[bytes]:
        return [key async for key, _ in store.range(**options)]  # type: ignore[arg-type]

    assert await found() == keys
    assert await found(start=b"1055", end=b"110") == keys[106:110]
    assert await found(prefix=b"29") == keys[290:]
    assert await found(prefix=b"29", reverse=True) == keys[:289:-1]
    assert await found(start=b"295", prefix=b"29", end=b"298", reverse=True) == [b"297", b"296", b"295"]
    assert await found(start=b"5", end=b"4") == await found(start=b"5", end=b"4", reverse=True) == []
    assert await store.count() == 300
    assert await store.count(b"010", b"020") == 10
    assert await store.first() == (b"000", b"000" * 10)
    assert await store.last(b"1") == (b"199", b"199" * 10)
    assert await store.first(b"x") is None


@pytest.mark.virtual_time
async def test_a_transaction_sees_its_own_changes_and_nobody_else_does() -> None:
    store = await made()
    for key in (b"a", b"b", b"c"):
        await store.put(key, b"old")
    async with store.transaction() as transaction:
        await transaction.put(b"b", b"new")
        await transaction.put(b"bb", b"new")
        assert await transaction.delete(b"c")
        assert [key async for key, _ in transaction.range()] == [b"a", b"b", b"bb"]
        assert [key async for key, _ in transaction.range(reverse=True)] == [b"bb", b"b", b"a"]
        assert await transaction.get(b"c") is None
        assert await store.get(b"c") == b"old"
        assert await transaction.test_and_set(b"b", b"new", b"newer")
    assert await items(store) == {b"a": b"old", b"b": b"newer", b"bb": b"new"}
    with pytest.raises(StateError):
        await transaction.get(b"a")


class Stop(Exception):
    """Leaves a block."""


@pytest.mark.virtual_time
async def test_many_at_once_are_as_one_by_one() -> None:
    store = await made()
    many = [(b"a", b"0"), (b"b", b"1"), (b"large", bytes(range(256)) * 20), (b"a", b"2")]
    async with store.transaction() as transaction:
        await transaction.put_all([(b"c", b"3")])
        await transaction.put_all([])
        with pytest.raises(Stop), transaction.savepoint():
            await transaction.put_all({b"c": b"4", b"d": b"5"})
            raise Stop
        await transaction.put_all(many)
        with pytest.raises(TooLarge):
            await transaction.put_all([(bytes(1000), b"")])
    assert await items(store) == {**dict(many), b"c": b"3"}
    await sound(store)


@pytest.mark.virtual_time
async def test_savepoints_and_failure_undo() -> None:
    store = await made()
    async with store.transaction() as transaction:
        await transaction.put(b"a", b"1")
        with pytest.raises(Stop), transaction.savepoint():
            await transaction.put(b"a", b"2")
            with transaction.savepoint():
                await transaction.put(b"b", bytes(5000))
            raise Stop
        with transaction.savepoint():
            await transaction.put(b"c", b"3")
    assert await items(store) == {b"a": b"1", b"c": b"3"}
    with pytest.raises(Stop):
        async with store.transaction() as transaction:
            await transaction.put(b"d", bytes(9000))
            await transaction.delete_range(prefix=b"")
            raise Stop
    assert await items(store) == {b"a": b"1", b"c": b"3"}
    await sound(store)


@pytest.mark.virtual_time
async def test_large_values_are_streamed() -> None:
    store = await made(1024)
    value = random.Random(1).randbytes(1_000_000)

    async def pieces(step: int) -> AsyncIterator[bytes]:
        for start in range(0, len(value), step):
            yield value[start : start + step]

    async with store.transaction() as transaction:
        await transaction.put_stream(b"x", pieces(7777), len(value))
        assert await transaction.get(b"x") == value
    assert await store.size(b"x") == len(value)
    assert b"".join([piece async for piece in store.stream(b"x", 99_999)]) == value[99_999:]
    assert await store.get_partial(b"x", 65_530, 20) == value[65_530:65_550]
    assert await store.get_partial(b"x", 999_990, 99) == value[999_990:]
    with pytest.raises(StateError, match="was announced"):
        async with store.transaction() as transaction:
            await transaction.put_stream(b"y", pieces(7777), len(value) - 1)
    again = await open_btree(disk_of(store))
    assert await again.get(b"x") == value
    await again.delete(b"x")
    await sound(again)
    assert again.stats().used == 1


@pytest.mark.virtual_time
async def test_a_snapshot_stays_while_writers_go_on() -> None:
    store = await made()
    before = {}
    for number in range(200):
        before[b"%03d" % number] = bytes([number]) * 50
        await store.put(b"%03d" % number, before[b"%03d" % number])
    large = bytes(range(250)) * 40
    await store.put(b"x", large)
    async with store.snapshot() as snapshot:
        for number in range(200):
            await store.put(b"%03d" % number, b"new")
        await store.delete(b"x")
        await store.checkpoint()
        for number in range(100, 300):
            await store.put(b"n%03d" % number, bytes(100))
        await store.checkpoint()
        assert {key: value async for key, value in snapshot.range()} == {**before, b"x": large}
        assert await snapshot.get(b"x") == large
    with pytest.raises(StateError):
        await snapshot.get(b"x")
    assert (await store.get(b"000"), await store.get(b"x")) == (b"new", None)
    await sound(store)


@pytest.mark.virtual_time
async def test_named_snapshots() -> None:
    store = await made()
    for number in range(100):
        await store.put(b"%03d" % number, bytes(100))
    await store.put(b"x", bytes(5000))
    await store.save_snapshot("first")
    await store.delete(b"x")
    await store.put(b"000", b"changed")
    await store.save_snapshot("second")
    async with store.transaction() as transaction:
        await transaction.delete_range()
    await store.close()
    store = await open_btree(disk_of(store))
    assert store.snapshots() == ["first", "second"]
    first = await store.open_snapshot("first")
    assert (await first.count(), await first.get(b"x"), await first.get(b"000")) == (101, bytes(5000), bytes(100))
    assert await (await store.open_snapshot("second")).get(b"000") == b"changed"
    with pytest.raises(StateError):
        await store.save_snapshot("second")
    with pytest.raises(StateError):
        await store.open_snapshot("third")
    await sound(store)
    await store.drop_snapshot("first")
    await sound(store)
    assert await (await store.open_snapshot("second")).count() == 100
    await store.drop_snapshot("second")
    await sound(store)
    assert store.stats().used == 1


@pytest.mark.virtual_time
async def test_bulk_load_and_compact() -> None:
    store = await made(1024)
    wanted = {b"%06d" % number: bytes([number % 256]) * (number % 90) for number in range(8000)}
    wanted[b"x"] = bytes(3000)

    async def source() -> AsyncIterator[tuple[bytes, bytes]]:
        for item in wanted.items():
            yield item

    assert await store.load(source()) == 8001
    assert await items(store) == wanted
    await sound(store)
    full = store.stats().leaves
    with pytest.raises(StateError, match="needs an empty store"):
        await store.load(source())
    rng = random.Random(1)
    for _ in range(40):
        async with store.transaction() as transaction:
            for key in rng.sample(list(wanted), 100):
                await transaction.put(key, bytes(80))
                wanted[key] = bytes(80)
            for key in rng.sample(list(wanted), 60):
                await transaction.delete(key)
                del wanted[key]
    used = store.stats().leaves
    await store.compact()
    assert await items(store) == wanted
    await sound(store)
    assert full // 2 < store.stats().leaves < used

    async def wrong() -> AsyncIterator[tuple[bytes, bytes]]:
        yield b"b", b""
        yield b"x", bytes(5000)
        yield b"a", b""

    other = await made()
    with pytest.raises(StateError, match="ascending"):
        await other.load(wrong())
    assert await items(other) == {}
    await sound(other)


@pytest.mark.parametrize(("node_size", "sector"), [(4096, 512), (4096, 4096), (8192, 1024), (65536, 512)])
@pytest.mark.virtual_time
async def test_every_size_of_nodes_and_sectors(node_size: int, sector: int) -> None:
    store = await made(64, node_size=node_size, sector=sector, log=node_size)
    wanted = {}
    rng = random.Random(2)
    for number in range(60):
        key = bytes([number]) * rng.choice((1, 100, node_size // 8))
        wanted[key] = rng.randbytes(rng.choice((0, 100, node_size // 4, node_size // 4 + 1)))
        await store.put(key, wanted[key])
    with pytest.raises(TooLarge):
        await store.put(bytes(node_size // 8 + 1), b"")
    assert await items(store) == wanted
    assert await items(await open_btree(disk_of(store))) == wanted
    await sound(store)


@pytest.mark.virtual_time
async def test_a_transaction_larger_than_the_log() -> None:
    store = await made(512, log=4096)
    wanted = {b"%05d" % number: bytes(50) for number in range(3000)}
    async with store.transaction() as transaction:
        for key, value in wanted.items():
            await transaction.put(key, value)
    assert await items(await open_btree(disk_of(store))) == wanted
    async with store.transaction() as transaction:
        assert await transaction.delete_range(b"00010") == 2990
    assert await (await open_btree(disk_of(store))).count() == 10
    await sound(store)


@pytest.mark.virtual_time
async def test_a_full_store_says_so_and_can_be_emptied() -> None:
    store = await made(48, log=8192)
    wanted: dict[bytes, bytes] = {}
    with pytest.raises(OutOfSpace):
        for number in range(10_000):
            wanted[b"%05d" % number] = bytes(200)
            await store.put(b"%05d" % number, bytes(200))
    del wanted[max(wanted)]
    with pytest.raises(OutOfSpace):
        await store.put(b"x", bytes(300_000))
    assert await items(store) == wanted
    await sound(store)
    for key in list(wanted):
        assert await store.delete(key)
    await sound(store)
    assert store.stats().used == 1
    await store.put(b"again", b"1")


@pytest.mark.virtual_time
async def test_growing() -> None:
    class Growing(RamDisk):
        size = 64 * 8

        @property
        def sectors(self) -> int:
            return self.size

    disk = Growing(128 * 8)
    await format_btree(disk, UUID, log_octets=8192)
    store = await open_btree(disk)
    await store.put(b"a", bytes(3000))
    assert await store.grow() == 0
    disk.size = 128 * 8
    assert await store.grow() == 64
    await store.put(b"b", bytes(200_000))
    await sound(store)
    again = await open_btree(disk)
    assert (await again.get(b"b"), again.stats().pages) == (bytes(200_000), 128)


@pytest.mark.virtual_time
async def test_of_two_writers_the_second_is_refused() -> None:
    first = await made()
    second = await open_btree(disk_of(first))
    await first.put(b"a", b"1")
    for _ in range(2):
        with pytest.raises((OtherWriter, Failed)):
            await second.put(b"a", b"2")
    await first.put(b"b", b"1")
    assert await items(await open_btree(disk_of(first))) == {b"a": b"1", b"b": b"1"}


@pytest.mark.virtual_time
async def test_a_leaf_too_large_for_its_page_is_cut_beneath_a_reader() -> None:
    store = await made(log=128 << 10)
    await store.put(b"0", bytes(700))
    await store.checkpoint()
    for number in range(1, 8):
        await store.put(b"%d" % number, bytes(700))
    assert store.stats().leaves == 1  # as long as it is in memory only
    before = await items(store)
    reader = store.snapshot()
    await store.put(b"8", b"unseen")
    await store.checkpoint()
    assert store.stats().leaves == 2
    assert {key: value async for key, value in reader.range()} == before
    assert await items(store) == {**before, b"8": b"unseen"}
    reader.close()
    await sound(store)
