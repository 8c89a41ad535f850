"""Failing calls, changed octets, full disks: a typed error or the right answer, never wrong data."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest

from fata.driver.block.ramdisk import RamDisk
from fata.errors import DeviceError
from fata.runtime.drive import drive
from fata.store.btree.errors import NotAStore, OutOfSpace
from fata.store.btree.fsck import check_store, salvage
from fata.store.btree.opening import format_btree, open_btree
from fata.store.btree.store import Btree

UUID = bytes(range(16))
PAGES = 64
OPERATIONS = int(os.environ.get("FATA_BTREE_OPERATIONS", "20000"))


class Failing(RamDisk):
    """A disk whose n-th call fails, and every later one if `for_good`."""

    def __init__(self, sectors: int) -> None:
        super().__init__(sectors)
        self.calls = 0
        self.fails_at = 1 << 60
        self.for_good = False

    def _count(self) -> None:
        self.calls += 1
        if self.calls == self.fails_at or (self.for_good and self.calls > self.fails_at):
            raise DeviceError("the disk says no")

    async def read(self, sector: int, count: int) -> bytes:
        self._count()
        return await super().read(sector, count)

    async def write(self, sector: int, data: bytes | bytearray | memoryview) -> None:
        self._count()
        await super().write(sector, data)

    async def flush(self) -> None:
        self._count()


async def made() -> Failing:
    """Return a disk with a small store, some of it in the log only."""
    disk = Failing(PAGES * 8)
    await format_btree(disk, UUID, log_octets=8192)
    store = await open_btree(disk)
    for number in range(60):
        await store.put(b"%02d" % number, bytes([number]) * 100)
    await store.put(b"x", bytes(range(256)) * 40)
    await store.checkpoint()
    for number in range(0, 60, 7):
        await store.put(b"%02d" % number, b"new")
    return disk


def copy_of(disk: RamDisk) -> Failing:
    """Return a disk with the same octets."""
    copy = Failing(disk.sectors)
    copy._octets[:] = disk._octets
    return copy


async def content(disk: RamDisk) -> dict[bytes, bytes]:
    """Open, and read everything."""
    return {key: value async for key, value in (await open_btree(disk)).range()}


async def work(disk: RamDisk, done: list[dict[bytes, bytes]]) -> None:
    """Do a bit of everything; `done` grows by what the store may hold from then on."""
    store = await open_btree(disk, cache_octets=1)
    model = {key: value async for key, value in store.range()}
    done.append(dict(model))

    async def step(change: Callable[[], object]) -> None:
        change()
        done.append(dict(model))

    for number in range(12):
        await step(lambda number=number: model.update({b"%02d" % (number * 5): bytes(700)}))  # type: ignore[misc]
        await store.put(b"%02d" % (number * 5), bytes(700))
    await step(lambda: model.update({b"y": bytes(9000)}))
    await store.put(b"y", bytes(9000))
    await step(lambda: model.pop(b"x"))
    await store.delete(b"x")
    await store.save_snapshot("one")
    await step(lambda: model.pop(b"11"))
    await store.delete(b"11")
    await store.drop_snapshot("one")
    await store.close()


@pytest.mark.slow
@pytest.mark.parametrize("for_good", [False, True])
def test_an_error_at_the_nth_call(for_good: bool) -> None:
    origin = drive(made())
    number = 0
    while True:
        number += 1
        disk = copy_of(origin)
        disk.fails_at, disk.for_good = number, for_good
        done: list[dict[bytes, bytes]] = []
        try:
            drive(work(disk, done))
        except DeviceError:
            disk.fails_at, disk.for_good = 1 << 60, False
            found = drive(content(disk))
            assert not done or found in done[-2:], number
            assert drive(check_store(disk)).problems == [] or not done
            continue
        break
    assert number > 60


def test_after_a_failed_write_the_store_says_so() -> None:
    disk = drive(made())
    store = drive(open_btree(disk))
    disk.fails_at, disk.for_good = disk.calls + 1, False
    with pytest.raises(DeviceError, match="says no"):
        drive(store.put(b"a", b"1"))
    with pytest.raises(DeviceError, match="earlier write failed"):
        drive(store.put(b"a", b"1"))
    with pytest.raises(DeviceError, match="earlier write failed"):
        drive(store.get(b"a"))
    drive(store.close())


@pytest.mark.slow
def test_no_changed_octet_goes_unnoticed() -> None:
    """In every sector that is in use: a bit here and there, zeros, and the octets of another sector."""
    origin = drive(made())
    wanted = drive(content(origin))
    rng = random.Random(1)
    for sector in range(origin.sectors):
        if not any(origin._octets[sector * 512 : sector * 512 + 512]):
            continue
        for attempt in range(12):
            disk = copy_of(origin)
            _damage(disk, sector, attempt, rng)
            if disk._octets == origin._octets:
                continue
            try:
                found = drive(content(disk))
            except (DeviceError, NotAStore):
                continue
            assert found == wanted or _lost_the_end_of_the_log(found, wanted), (sector, attempt)


def _damage(disk: RamDisk, sector: int, attempt: int, rng: random.Random) -> None:
    start = sector * 512
    if attempt == 0:
        disk._octets[start : start + 512] = bytes(512)
    elif attempt == 1:
        other = rng.randrange(disk.sectors) * 512
        disk._octets[start : start + 512] = disk._octets[other : other + 512]
    else:
        disk._octets[start + rng.randrange(512) if attempt > 2 else start] ^= 1 << rng.randrange(8)


def _lost_the_end_of_the_log(found: dict[bytes, bytes], wanted: dict[bytes, bytes]) -> bool:
    """A damaged log record ends the log: that is how the log's end is known, so the store is as it was before."""
    old = {key: value if value != b"new" else bytes([int(key)]) * 100 for key, value in wanted.items()}
    news = [key for key, value in wanted.items() if value == b"new"]
    return any(found == {**old, **dict.fromkeys(news[:count], b"new")} for count in range(len(news)))


def test_nodes_that_changed_places_are_noticed() -> None:
    disk = drive(made())
    drive(drive(open_btree(disk)).checkpoint())
    first, second = 6 * 4096, 9 * 4096
    octets = disk._octets
    octets[first : first + 4096], octets[second : second + 4096] = (
        octets[second : second + 4096],
        octets[first : first + 4096],
    )
    with pytest.raises(DeviceError, match="btree: "):
        drive(content(disk))


@pytest.mark.parametrize("pages", range(24, 60, 3))
def test_no_space_at_any_moment(pages: int) -> None:
    """Disks of every size: what is refused has changed nothing, what was accepted is there."""
    disk = RamDisk(pages * 8)
    drive(format_btree(disk, UUID, log_octets=4096))
    store = drive(open_btree(disk))
    rng = random.Random(pages)
    model: dict[bytes, bytes] = {}
    refused = 0
    for _ in range(400):
        key = b"%02d" % rng.randrange(60)
        if rng.random() < 0.3:
            assert drive(store.delete(key)) == (model.pop(key, None) is not None)
            continue
        value = rng.randbytes(rng.choice((10, 500, 1000, 9000)))
        try:
            drive(store.put(key, value))
            model[key] = value
        except OutOfSpace:
            refused += 1
    assert dict(_all(store)) == model
    assert drive(content(disk)) == model
    drive(store.checkpoint())
    assert drive(check_store(disk)).sound
    assert refused or pages > 40


def _all(store: Btree) -> list[tuple[bytes, bytes]]:
    async def read() -> list[tuple[bytes, bytes]]:
        return [item async for item in store.range()]

    return drive(read())


@pytest.mark.slow
def test_nothing_leaks_and_space_stays_small() -> None:
    """Random operations: in the end every page is accounted for, and the store takes at most twice its payload."""
    disk = RamDisk(8 * 4096)
    drive(format_btree(disk, UUID, log_octets=128 << 10))
    store = drive(open_btree(disk, durability="batch"))
    rng = random.Random(7)
    model: dict[bytes, bytes] = {}
    for _ in range(OPERATIONS // 50):
        drive(_fifty(store, model, rng))
    drive(store.checkpoint())
    report = drive(check_store(disk))
    stats = store.stats()
    assert report.sound
    assert (report.used, report.free) == (stats.used, stats.free)
    assert dict(_all(store)) == model
    payload = sum(len(key) + len(value) for key, value in model.items())
    print(f"{OPERATIONS} operations: {report.used * 4096 / payload:.2f} of the payload")
    assert report.used * 4096 <= 2 * payload


async def _fifty(store: Btree, model: dict[bytes, bytes], rng: random.Random) -> None:
    async with store.transaction() as transaction:
        for _ in range(50):
            key = rng.randrange(40_000).to_bytes(16)
            if rng.random() < 0.4:
                await transaction.delete(key)
                model.pop(key, None)
            else:
                model[key] = bytes(100)
                await transaction.put(key, model[key])


def test_salvage_brings_back_what_can_be_read() -> None:
    disk = drive(made())
    drive(drive(open_btree(disk)).checkpoint())
    wanted = drive(content(disk))
    root = next(page for page in range(4, PAGES) if disk._octets[page * 4096 + 6] == 2 and _is_root(disk, page))
    disk._octets[root * 4096 + 100] ^= 1
    with pytest.raises(DeviceError):
        drive(content(disk))
    assert drive(check_store(disk)).problems

    async def saved() -> dict[bytes, bytes]:
        return {key: value async for key, value in salvage(disk)}

    assert drive(saved()) == wanted


def _is_root(disk: RamDisk, page: int) -> bool:
    from fata.store.btree.mount import newest_superblock

    return drive(newest_superblock(disk)).root.address == page
