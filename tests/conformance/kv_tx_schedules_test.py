"""KvTx under every cancellation and interleaving: batches happen whole or not at all, one after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from fata.device.kv import BatchConflict, KvRw, KvTx
from fata.driver.kv.memory import MemoryKv
from fata.sim.exploring_loop import pause
from fata.sim.interleave import Explored, Outcome, explore
from fata.sim.suspending import SuspendingKvTx
from tests.conformance.btree_kv import btree_kv

pytestmark = pytest.mark.slow  # in all, some seconds

TOTAL = 10  # what the two accounts hold together, whatever is moved between them

Build = Callable[[], Coroutine[Any, Any, KvTx]]


async def _number(store: KvRw, key: str) -> int:
    return int(await store.get(key))


async def _move(store: KvTx, amount: int) -> None:
    for _ in range(3):
        try:
            async with store.batch() as batch:
                left, right = await _number(batch, "left"), await _number(batch, "right")
                await batch.set("left", b"%d" % (left - amount))
                await batch.set("right", b"%d" % (right + amount))
        except BatchConflict:
            continue
        return
    raise AssertionError("three conflicts with one other task")


async def _sum(store: KvTx) -> int | None:
    try:
        async with store.batch() as batch:
            return await _number(batch, "left") + await _number(batch, "right")
    except BatchConflict:
        return None


async def _check_accounts(store: KvTx, moved: Sequence[tuple[Outcome, int]]) -> None:
    left, right = await _number(store, "left"), await _number(store, "right")
    assert left + right == TOTAL, "half of a batch has happened"
    certain = sum(amount for outcome, amount in moved if not outcome.cancelled)
    doubtful = [amount for outcome, amount in moved if outcome.cancelled]
    assert right in {certain, *(certain + amount for amount in doubtful)}, "a batch is lost"
    await _move(store, 1)
    assert await _number(store, "left") == left - 1


def explore_two_batches(build: Build) -> Explored:
    """Two batches over the same keys: as if one had run after the other."""

    async def check(store: KvTx, outcomes: Sequence[Outcome]) -> None:
        await _check_accounts(store, [(outcomes[0], 3), (outcomes[1], 5)])

    return explore(build, [lambda store: _move(store, 3), lambda store: _move(store, 5)], check)


def explore_a_cancelled_batch(build: Build) -> Explored:
    """A batch that is cancelled anywhere, beside one that only reads."""

    async def check(store: KvTx, outcomes: Sequence[Outcome]) -> None:
        assert outcomes[1].value in (None, TOTAL), "a batch saw half of another"
        await _check_accounts(store, [(outcomes[0], 3)])

    return explore(build, [lambda store: _move(store, 3), _sum], check, cancellations=1)


def explore_test_and_set(build: Build) -> Explored:
    """Two tasks count a number up; either may be cancelled."""

    async def count(store: KvTx) -> None:
        while not await store.test_and_set("left", old := await store.get("left"), b"%d" % (int(old) + 1)):
            pass

    async def check(store: KvTx, outcomes: Sequence[Outcome]) -> None:
        cancelled = sum(outcome.cancelled for outcome in outcomes)
        assert TOTAL + 2 - cancelled <= await _number(store, "left") <= TOTAL + 2, "a step is lost or doubled"

    return explore(build, [count, count], check, cancellations=1)


def explore_a_half_batch(build: Build) -> Explored:
    """A batch that is cancelled between its two changes."""

    async def move(store: KvTx) -> None:
        async with store.batch() as batch:
            await batch.set("left", b"%d" % (TOTAL - 3))
            await pause("between the changes")
            await batch.set("right", b"3")

    async def check(store: KvTx, outcomes: Sequence[Outcome]) -> None:
        await _check_accounts(store, [(outcomes[0], 3)])

    return explore(build, [move], check, cancellations=2)


EXPLORATIONS = [explore_two_batches, explore_a_cancelled_batch, explore_a_half_batch, explore_test_and_set]


async def _fill(store: KvTx) -> KvTx:
    await store.set("left", b"%d" % TOTAL)
    await store.set("right", b"0")
    return store


class _SlowKv(SuspendingKvTx):
    """Suspends at the ends of batches and in the middle, not at each operation inside: there would be no end."""

    def batch(self) -> AbstractAsyncContextManager[KvRw]:
        return _slow_batch(self._atomic)


@asynccontextmanager
async def _slow_batch(store: KvTx) -> AsyncIterator[KvRw]:
    await pause("before the batch")
    async with store.batch() as batch:
        await pause("inside")
        yield batch
        await pause("before its end")
    await pause("after its end")


IMPLEMENTATIONS: dict[str, Callable[[], KvTx]] = {"memory": MemoryKv, "btree": btree_kv}


@pytest.mark.parametrize("exploration", EXPLORATIONS)
@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_batches_are_whole_in_every_schedule(name: str, exploration: Callable[[Build], Explored]) -> None:
    async def build() -> KvTx:
        return _SlowKv(await _fill(IMPLEMENTATIONS[name]()))

    assert exploration(build).schedules > 5


@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_a_batch_is_whole_wherever_it_is_cancelled_twice(name: str) -> None:
    async def build() -> KvTx:
        return SuspendingKvTx(await _fill(IMPLEMENTATIONS[name]()))

    async def check(store: KvTx, outcomes: Sequence[Outcome]) -> None:
        await _check_accounts(store, [(outcomes[0], 3)])

    assert explore(build, [lambda store: _move(store, 3)], check, cancellations=2).schedules > 10


class _AppliesOneByOne(MemoryKv):
    @asynccontextmanager
    async def batch(self) -> AsyncIterator[KvRw]:
        staged = MemoryKv()
        for name in ("left", "right"):
            await staged.set(name, await self.get(name))
        yield staged
        for name in ("left", "right"):
            await self.set(name, await staged.get(name))
            await pause("one applied")


class _OverwritesOthers(MemoryKv):
    @asynccontextmanager
    async def batch(self) -> AsyncIterator[KvRw]:
        staged = MemoryKv()
        for name in ("left", "right"):
            await staged.set(name, await self.get(name))
        yield staged
        for name in ("left", "right"):
            await self.set(name, await staged.get(name))


class _SeesOthers(MemoryKv):
    @asynccontextmanager
    async def batch(self) -> AsyncIterator[KvRw]:
        yield _PausesAfterReads(self)


class _PausesAfterReads(MemoryKv):
    def __init__(self, store: MemoryKv) -> None:
        super().__init__()
        self._tree = store._tree

    async def get(self, key: str) -> bytes:
        value = await super().get(key)
        await pause("read")
        return value


class _AppliesWhenCancelled(MemoryKv):
    @asynccontextmanager
    async def batch(self) -> AsyncIterator[KvRw]:
        yield self


class _ComparesTooEarly(MemoryKv):
    async def test_and_set(self, key: str, test: bytes | None, new: bytes | None) -> bool:
        same = await self.get(key) == test
        await pause("compared")
        if same and new is not None:
            await self.set(key, new)
        return same


@pytest.mark.parametrize(
    ("mutant", "exploration"),
    [
        (_AppliesOneByOne, explore_a_cancelled_batch),
        (_OverwritesOthers, explore_two_batches),
        (_SeesOthers, explore_a_cancelled_batch),
        (_AppliesWhenCancelled, explore_a_half_batch),
        (_ComparesTooEarly, explore_test_and_set),
    ],
)
def test_a_broken_store_is_caught(mutant: type[MemoryKv], exploration: Callable[[Build], Explored]) -> None:
    async def build() -> KvTx:
        return _SlowKv(await _fill(mutant()))

    with pytest.raises(AssertionError):
        exploration(build)
