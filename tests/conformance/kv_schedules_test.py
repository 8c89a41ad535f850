"""KvRw under every cancellation and interleaving: a key holds one whole value, and the store goes on working."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from fata.device.kv import KvRw, NotFound
from fata.disk.fat.plan import Wish
from fata.driver.block.ramdisk import RamDisk
from fata.driver.kv.directory import Directory, open_directory
from fata.driver.kv.memory import MemoryKv
from fata.errors import StateError
from fata.runtime.drive import drive
from fata.sim.exploring_loop import pause
from fata.sim.interleave import Explored, Outcome, explore
from fata.sim.suspending import SuspendingKvRw
from fata.store.fat.kv import open_fat_kv
from fata.store.fat.mount import format_volume

pytestmark = pytest.mark.slow  # in all, some seconds

OLD, RED, BLUE = b"old" * 10, b"red" * 20, b"blue" * 30

Build = Callable[[], Coroutine[Any, Any, KvRw]]
Task = Callable[[KvRw], Coroutine[Any, Any, object]]


async def _peek(store: KvRw, key: str) -> bytes | None:
    try:
        return await store.get(key)
    except NotFound:
        return None


async def _check_usable(store: KvRw) -> None:
    await store.set("usable/key", b"1")
    await store.set_partial("usable/key", 1, b"2")
    await store.rename("usable/key", "usable/other")
    assert await store.get("usable/other") == b"12"
    await store.remove("usable")
    await store.flush()
    assert {name for name, _ in await store.list("")} <= {"d", "e", "usable"}  # an emptied dictionary may stay


def explore_a_cancelled_change(build: Build, change: Task, allowed: Sequence[bytes | None]) -> Explored:
    """Cancel one change of d/v anywhere; the last of `allowed` is what it must be when it was not."""

    async def check(store: KvRw, outcomes: Sequence[Outcome]) -> None:
        value = await _peek(store, "d/v")
        assert value in allowed, "a value is neither the old nor the new one"
        assert outcomes[0].cancelled or value == allowed[-1], "a change has returned and is not there"
        assert await _peek(store, "d/w") == OLD, "a value has changed that nobody touched"
        await _check_usable(store)

    return explore(build, [change], check, cancellations=1)


def explore_two_sets(build: Build) -> Explored:
    """Two tasks set one key while a third reads it; one may be cancelled."""

    async def check(store: KvRw, outcomes: Sequence[Outcome]) -> None:
        assert outcomes[2].cancelled or outcomes[2].value in (OLD, RED, BLUE), "a reader saw no whole value"
        value = await store.get("d/v")
        assert value in ((OLD, RED, BLUE) if any(outcome.cancelled for outcome in outcomes) else (RED, BLUE))
        await _check_usable(store)

    tasks: list[Task] = [
        lambda store: store.set("d/v", RED),
        lambda store: store.set("d/v", BLUE),
        lambda store: store.get("d/v"),
    ]
    return explore(build, tasks, check, cancellations=1)


def explore_a_rename(build: Build) -> Explored:
    """A rename beside a reader of both keys: the value is at one of them, never at both, and is whole."""

    async def check(store: KvRw, outcomes: Sequence[Outcome]) -> None:
        found = await _peek(store, "d/v"), await _peek(store, "e/v")
        assert found in ((OLD, None), (None, OLD)), "a value is lost or doubled"
        assert outcomes[0].cancelled or found == (None, OLD)
        await _check_usable(store)

    async def read(store: KvRw) -> None:
        first = await _peek(store, "d/v")
        second = await _peek(store, "e/v")
        assert (first or second) == OLD, "a value was nowhere while it moved"

    return explore(build, [lambda store: store.rename("d/v", "e/v"), read], check, cancellations=1)


def explore_parts(build: Build) -> Explored:
    """Two tasks change different parts of a value: no change is lost."""

    async def check(store: KvRw, outcomes: Sequence[Outcome]) -> None:
        value = await store.get("d/v")
        assert value[:2] == b"AA" or (outcomes[0].cancelled and value[:2] == OLD[:2]), "a change is lost"
        assert value[4:6] == b"BB" or (outcomes[1].cancelled and value[4:6] == OLD[4:6]), "a change is lost"
        assert value[6:] == OLD[6:]
        await _check_usable(store)

    tasks: list[Task] = [
        lambda store: store.set_partial("d/v", 0, b"AA"),
        lambda store: store.set_partial("d/v", 4, b"BB"),
    ]
    return explore(build, tasks, check, cancellations=2)


def explore_a_removal(build: Build) -> Explored:
    """A dictionary is removed while a value is put into it, and while it is listed."""

    async def check(store: KvRw, outcomes: Sequence[Outcome]) -> None:
        await store.set("d/v", OLD)
        await _check_usable(store)

    tasks: list[Task] = [
        lambda store: store.remove("d"),
        lambda store: store.set("d/v", RED),
        lambda store: store.list("d"),
    ]
    return explore(build, tasks, check, cancellations=1, expect=(NotFound,))


CHANGES: dict[str, tuple[Task, list[bytes | None]]] = {
    "set": (lambda store: store.set("d/v", RED), [OLD, RED]),
    "set_partial": (lambda store: store.set_partial("d/v", 3, b"RED"), [OLD, OLD[:3] + b"RED" + OLD[6:]]),
    "growing set_partial": (lambda store: store.set_partial("d/v", 32, b"r"), [OLD, OLD + b"\0\0r"]),
    "remove": (lambda store: store.remove("d/v"), [OLD, None]),
    "rename away": (lambda store: store.rename("d/v", "d/x"), [OLD, None]),
    "rename over": (lambda store: store.rename("e", "d/v"), [OLD, RED]),
    "flush": (lambda store: store.flush(), [OLD]),
}

EXPLORATIONS: list[Callable[[Build], Explored]] = [
    explore_two_sets,
    explore_a_rename,
    explore_parts,
    explore_a_removal,
]


@pytest.fixture(
    params=["memory", "FAT", pytest.param("directory", marks=pytest.mark.slow)]
)  # it syncs, in each schedule
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Build]:
    """Return what makes a store that suspends at every operation, with OLD at d/v and d/w."""
    opened: list[Directory] = []

    async def build_it() -> KvRw:
        while opened:
            await opened.pop().close()
        store: KvRw = MemoryKv()
        if request.param == "FAT":
            block = RamDisk(64)
            await format_volume(block, Wish(root_entries=16))
            store = await open_fat_kv(block)
        if request.param == "directory":
            store = await open_directory(str(tmp_path))
            opened.append(store)
            await store.remove("")
        for key in ("d/v", "d/w"):
            await store.set(key, OLD)
        return SuspendingKvRw(store)

    yield build_it
    for store in opened:
        drive(store.close())


@pytest.mark.parametrize("name", CHANGES)
def test_a_cancelled_change_happens_whole_or_not_at_all(build: Build, name: str) -> None:
    change, allowed = CHANGES[name]

    async def with_e() -> KvRw:
        store = await build()
        if name == "rename over":
            await store.set("e", RED)
        return store

    assert explore_a_cancelled_change(with_e, change, allowed).schedules == 3


@pytest.mark.parametrize("exploration", EXPLORATIONS)
def test_values_are_whole_in_every_schedule(build: Build, exploration: Callable[[Build], Explored]) -> None:
    assert exploration(build).schedules > 10


class _RemovesFirst(MemoryKv):
    async def set(self, key: str, value: bytes) -> None:
        await self.remove(key)
        await pause("removed")
        await super().set(key, value)


class _WritesByHalves(MemoryKv):
    async def set(self, key: str, value: bytes) -> None:
        await super().set(key, value[: len(value) // 2])
        await pause("half-way")
        await super().set(key, value)


class _ReadsThenWrites(MemoryKv):
    async def set_partial(self, key: str, offset: int, data: bytes) -> None:
        value = await self.get(key)
        await pause("read")
        await self.set(key, value[:offset] + data + value[offset + len(data) :])


class _CopiesThenRemoves(MemoryKv):
    async def rename(self, source: str, destination: str) -> None:
        await self.set(destination, await self.get(source))
        await pause("copied")
        await self.remove(source)


class _RemovesThenCopies(MemoryKv):
    async def rename(self, source: str, destination: str) -> None:
        value = await self.get(source)
        await self.remove(source)
        await pause("removed")
        await self.set(destination, value)


class _StaysLocked(MemoryKv):
    _locked = False

    async def set(self, key: str, value: bytes) -> None:
        if self._locked:
            raise StateError("locked")
        self._locked = True
        await pause("locked")
        await super().set(key, value)
        self._locked = False  # not reached when the call is cancelled


@pytest.mark.parametrize(
    ("mutant", "exploration"),
    [
        (_RemovesFirst, explore_two_sets),
        (_WritesByHalves, explore_two_sets),
        (_WritesByHalves, lambda build: explore_a_cancelled_change(build, *CHANGES["set"])),
        (_StaysLocked, lambda build: explore_a_cancelled_change(build, *CHANGES["set"])),
        (_ReadsThenWrites, explore_parts),
        (_CopiesThenRemoves, explore_a_rename),
        (_RemovesThenCopies, explore_a_rename),
        (_StaysLocked, explore_a_removal),
    ],
)
def test_a_broken_store_is_caught(mutant: type[MemoryKv], exploration: Callable[[Build], Explored]) -> None:
    async def build() -> KvRw:
        store = mutant()
        for key in ("d/v", "d/w"):
            await store.set(key, OLD)
        return SuspendingKvRw(store)

    with pytest.raises((AssertionError, NotFound, StateError)) as caught:
        exploration(build)
    assert "repeat with replay=" in caught.value.__notes__[0]
