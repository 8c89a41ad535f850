"""Tasks that meet at every await, and are cancelled at every await: nothing is lost, nothing is half done."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple

import pytest

from fata.irmin import TEXT, MemoryBackend, Repo, Store
from fata.irmin.errors import TestFailed
from fata.sim.interleave import Outcome, explore
from fata.sim.suspending_backend import SuspendingBackend

pytestmark = pytest.mark.slow  # some seconds in all

FILES = {"a/x": "0", "a/y": "0", "b": "0"}


class World(NamedTuple):
    """A store whose backend makes everybody wait, and a look beneath it that does not wait."""

    store: Store[str]
    beneath: Repo[str]


async def build() -> World:
    memory = MemoryBackend()
    beneath = Repo(memory, TEXT, now=lambda: 0)
    await (await beneath.main()).set_all(FILES)
    await (await (await beneath.main()).clone("side")).set("c", "side")
    return World(Repo(SuspendingBackend(memory), TEXT, now=lambda: 1).of_branch("main"), beneath)


async def contents(world: World) -> dict[str, str]:
    return {path: value async for path, value in (await (await world.beneath.main()).tree()).items()}


async def sound(world: World) -> None:
    assert [problem async for problem in world.beneath.check()] == []


def setting(path: str, value: str) -> Callable[[World], Coroutine[Any, Any, object]]:
    async def task(world: World) -> None:
        await world.store.set(path, value)

    return task


async def swap(world: World) -> None:
    await world.store.test_and_set("b", "0", "1")


async def merge(world: World) -> None:
    await world.store.merge_with("side")


async def collect(world: World) -> None:
    await world.store.repo.collect()


async def all_happened(world: World, outcomes: Sequence[Outcome]) -> None:
    await sound(world)
    found = await contents(world)
    for path, outcome in zip(("b" if found["a/x"] == "0" else "a/x", "a/y"), outcomes, strict=False):
        assert found[path] == "1" or outcome.cancelled, path


def test_two_writers_lose_nothing() -> None:
    explored = explore(build, [setting("a/x", "1"), setting("a/y", "1")], all_happened)
    assert explored.schedules > 50


def test_a_cancelled_write_happens_wholly_or_not_at_all() -> None:
    explore(build, [setting("a/x", "1")], all_happened, cancellations=1)


def test_a_writer_beside_one_that_is_cancelled() -> None:
    explore(build, [setting("b", "1"), setting("a/y", "1")], all_happened, cancellations=1, cancellable=[0])


def test_of_two_that_test_and_set_one_wins() -> None:
    async def check(world: World, outcomes: Sequence[Outcome]) -> None:
        await sound(world)
        assert sorted(type(outcome.error).__name__ for outcome in outcomes) == ["NoneType", "TestFailed"]
        assert (await contents(world))["b"] == "1"

    explore(build, [swap, swap], check, expect=(TestFailed,))


def test_a_merge_beside_a_writer() -> None:
    async def check(world: World, outcomes: Sequence[Outcome]) -> None:
        await sound(world)
        assert await contents(world) == {**FILES, "a/x": "1", "c": "side"}

    explore(build, [merge, setting("a/x", "1")], check, limit=60_000)


def test_a_collector_beside_a_writer() -> None:
    async def check(world: World, outcomes: Sequence[Outcome]) -> None:
        await sound(world)
        assert (await contents(world))["a/x"] == "1"

    explore(build, [collect, setting("a/x", "1")], check, limit=60_000)
