"""The cache: what it saves, what it writes when, and that neither schedules nor power cuts find it out."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from random import Random
from typing import Any

import pytest

from fata.device.block import Block
from fata.driver.block.cache import LARGEST_RUN, CachedBlock
from fata.driver.block.faults import Fault, FaultyBlock
from fata.driver.block.ramdisk import RamDisk
from fata.driver.block.statistics import CountingBlock
from fata.errors import ConfigError, DeviceError
from fata.runtime.drive import drive
from fata.sim.exploring_loop import pause
from fata.sim.interleave import Outcome, explore
from fata.sim.powercut import Record, Recorder, Violation, campaign
from fata.sim.suspending import SuspendingBlock

pytestmark = pytest.mark.virtual_time

OLD, RED, BLUE = (letter * 512 for letter in (b"o", b"r", b"b"))


@pytest.fixture
def beneath() -> CountingBlock:
    return CountingBlock(RamDisk(1024))


async def test_what_was_read_is_not_read_again(beneath: CountingBlock) -> None:
    cache = CachedBlock(beneath)
    for _ in range(3):
        assert await cache.read(3, 5) == bytes(5 * 512)
        assert await cache.read(4, 1) == bytes(512)
    assert (beneath.counters.reads, beneath.counters.read_octets) == (1, 5 * 512)
    assert cache.cached(4, 2) == bytes(1024)
    assert cache.cached(2, 2) is None


async def test_writes_wait_for_the_flush_and_neighbours_go_out_together(beneath: CountingBlock) -> None:
    cache = CachedBlock(beneath)
    for sector in (7, 5, 6, 20, 5):
        await cache.write(sector, RED)
    assert beneath.counters.writes == 0
    await cache.flush()
    assert (beneath.counters.writes, beneath.counters.written_octets) == (2, 4 * 512)
    assert beneath.counters.flushes == 1
    await cache.flush()
    assert (beneath.counters.writes, beneath.counters.flushes) == (2, 2)
    assert await beneath.read(5, 4) == RED * 3 + bytes(512)


async def test_a_long_run_goes_out_in_pieces(beneath: CountingBlock) -> None:
    cache = CachedBlock(beneath)
    await cache.write(0, RED * (LARGEST_RUN + 1))
    await cache.flush()
    assert beneath.counters.writes == 2


async def test_memory_is_bounded_and_the_longest_unused_goes_first(beneath: CountingBlock) -> None:
    cache = CachedBlock(beneath, 8)
    for sector in range(8):
        await cache.read(sector, 1)
    await cache.read(0, 1)
    await cache.read(100, 1)
    assert cache.cached(0, 1) is not None
    assert cache.cached(1, 1) is None
    for sector in range(200):
        await cache.write(sector, RED)
    assert beneath.counters.writes >= 196 // 5
    assert len(cache._sectors) <= 8
    await cache.flush()
    assert await beneath.read(0, 201) == RED * 200 + bytes(512)


async def test_a_write_that_failed_is_tried_again_by_the_next_flush() -> None:
    faulty = FaultyBlock(RamDisk(16), {1: Fault.ERROR})
    cache = CachedBlock(faulty)
    await cache.write(3, RED)
    with pytest.raises(DeviceError):
        await cache.flush()
    await cache.flush()
    assert await faulty.read(3, 1) == RED


def test_a_cache_of_one_sector_is_refused() -> None:
    with pytest.raises(ConfigError):
        CachedBlock(RamDisk(8), 1)


def _over_a_slow_disk(capacity: int) -> Callable[[], Coroutine[Any, Any, Block]]:
    async def build() -> Block:
        disk = RamDisk(4)
        await disk.write(0, OLD * 4)
        return CachedBlock(SuspendingBlock(disk), capacity)

    return build


@pytest.mark.parametrize("capacity", [2, 8])
def test_what_has_been_written_is_read_whatever_is_written_back_meanwhile(capacity: int) -> None:
    async def write_then_read(cache: Block) -> bytes:
        await cache.write(1, RED)
        return await cache.read(0, 3)

    async def check(cache: Block, outcomes: Sequence[Outcome]) -> None:
        if isinstance(outcomes[0].value, bytes):
            assert outcomes[0].value == OLD + RED + OLD
        await cache.flush()
        assert (
            await cache.read(0, 4) == OLD + (OLD if outcomes[0].cancelled else RED) + OLD * 2 or outcomes[0].cancelled
        )

    tasks = [write_then_read, lambda cache: cache.flush(), lambda cache: cache.read(1, 2)]
    assert explore(_over_a_slow_disk(capacity), tasks, check).schedules > 10
    explore(_over_a_slow_disk(capacity), tasks[:2], check, cancellations=1)


def test_two_versions_of_a_sector_reach_the_disk_in_their_order() -> None:
    async def write_both(cache: Block) -> None:
        await cache.write(1, RED)
        await cache.flush()
        await cache.write(1, BLUE)
        await cache.flush()

    async def check(cache: Block, outcomes: Sequence[Outcome]) -> None:
        await cache.flush()
        assert isinstance(cache, CachedBlock)
        assert await cache._block.read(1, 1) == BLUE

    assert explore(_over_a_slow_disk(8), [write_both, lambda cache: cache.flush()], check).schedules > 10


def test_a_sector_that_is_written_again_while_it_goes_out_is_still_to_be_written() -> None:
    async def build() -> Block:
        cache = await _over_a_slow_disk(8)()
        await cache.write(1, RED)
        return cache

    async def check(cache: Block, outcomes: Sequence[Outcome]) -> None:
        await cache.flush()
        assert isinstance(cache, CachedBlock)
        assert await cache._block.read(1, 1) == BLUE

    async def write_at_any_moment(cache: Block) -> None:
        await pause("about to write")
        await cache.write(1, BLUE)

    assert explore(build, [lambda cache: cache.flush(), write_at_any_moment], check).schedules > 2


def test_a_read_that_was_overtaken_leaves_nothing_old_behind() -> None:
    async def write_and_forget(cache: Block) -> None:
        for sector, octets in ((1, RED), (2, BLUE), (3, BLUE), (0, BLUE)):
            await cache.write(sector, octets)
            await cache.flush()

    async def check(cache: Block, outcomes: Sequence[Outcome]) -> None:
        assert await cache.read(1, 1) == RED

    tasks = [lambda cache: cache.read(1, 1), write_and_forget]
    assert explore(_over_a_slow_disk(2), tasks, check).schedules > 10


def _workload(rng: Random, kind: Callable[[Block], Block]) -> Record:
    """Write sectors, sometimes flush; the promise is what each may hold: a frozenset for each sector."""
    disk = Recorder(RamDisk(6))
    cache = kind(disk)

    async def work() -> None:
        durable = [b"\0"] * 6
        maybe: list[set[bytes]] = [set() for _ in range(6)]
        for _ in range(30):
            sector, letter = rng.randrange(6), bytes([rng.randrange(97, 123)])
            if rng.random() < 0.2:
                await cache.flush()
                durable = [letter_of(await cache.read(at, 1)) for at in range(6)]
                maybe = [set() for _ in range(6)]
            else:
                maybe[sector].add(letter)
                disk.promise(tuple(frozenset({*maybe[at], durable[at]}) for at in range(6)))
                await cache.write(sector, letter * 512)
            disk.promise(tuple(frozenset({*maybe[at], durable[at]}) for at in range(6)))

    drive(work())
    return disk.record


def letter_of(octets: bytes) -> bytes:
    """Return the letter that a sector is full of."""
    return octets[:1]


async def _recover(disk: Recorder) -> list[bytes]:
    return [(await disk.read(at, 1))[:1] for at in range(6)]


def _judge(seen: list[bytes], promise: tuple[frozenset[bytes], ...] | None) -> None:
    for at, letter in enumerate(seen):
        assert letter in (promise[at] if promise else b"\0"), f"sector {at}"


def test_no_power_cut_takes_what_was_flushed() -> None:
    report = campaign(
        lambda rng: _workload(rng, lambda disk: CachedBlock(disk, rng.choice((2, 4, 64)))),
        _recover,
        _judge,
        states=3000,
    )
    print(report)


class _ForgetsToFlush(CachedBlock):
    async def flush(self) -> None:
        async with self._writing_back:
            await self._write_back(self._dirty)


class _FlushesFirst(CachedBlock):
    async def flush(self) -> None:
        await self._block.flush()
        async with self._writing_back:
            await self._write_back(self._dirty)


@pytest.mark.parametrize("mutant", [_ForgetsToFlush, _FlushesFirst])
def test_a_cache_that_flushes_wrongly_is_caught(mutant: type[CachedBlock]) -> None:
    with pytest.raises(Violation):
        campaign(lambda rng: _workload(rng, lambda disk: mutant(disk, 4)), _recover, _judge, states=3000)
