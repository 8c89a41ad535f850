"""The explorer itself: it takes every way exactly once, finds what is wrong, and says how to see it again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from math import comb
from typing import Any

import pytest

from fata.errors import StateError
from fata.sim.exploring_loop import Deadlock, pause
from fata.sim.interleave import Explored, Outcome, explore


async def _journal() -> list[str]:
    return []


async def _nothing(_world: Any, _outcomes: Sequence[Outcome]) -> None:
    pass


def walker(name: str, steps: int) -> Any:
    """Return a task that writes its name down after each of its pauses."""

    async def walk(journal: list[str]) -> None:
        for _ in range(steps):
            await pause()
            journal.append(name)

    return walk


@pytest.mark.parametrize(("first", "second"), [(1, 1), (2, 2), (3, 2), (4, 4), (0, 3)])
def test_two_tasks_meet_in_every_order_once(first: int, second: int) -> None:
    seen: Counter[str] = Counter()

    async def note(journal: list[str], _outcomes: Sequence[Outcome]) -> None:
        seen["".join(journal)] += 1

    explored = explore(_journal, [walker("a", first), walker("b", second)], note)
    assert explored.schedules == len(seen) == comb(first + second, first)
    assert set(seen.values()) == {1}
    assert explored.longest == first + second


def test_a_cancellation_strikes_at_every_await() -> None:
    seen: list[tuple[str, bool]] = []

    async def note(journal: list[str], outcomes: Sequence[Outcome]) -> None:
        seen.append(("".join(journal), outcomes[0].cancelled))

    explore(_journal, [walker("a", 3)], note, cancellations=1)
    assert sorted(seen) == [("", True), ("a", True), ("aa", True), ("aaa", False)]


def test_a_second_cancellation_strikes_the_cleaning_up() -> None:
    seen: list[str] = []

    async def clean_up(journal: list[str]) -> None:
        try:
            await pause("work")
        finally:
            journal.append("cleaning")
            await pause("cleaning")
            journal.append("clean")

    async def note(journal: list[str], _outcomes: Sequence[Outcome]) -> None:
        seen.append(" ".join(journal))

    explore(_journal, [clean_up], note, cancellations=2)
    assert sorted(seen) == ["cleaning", "cleaning", "cleaning clean", "cleaning clean"]


def test_only_the_cancellable_are_cancelled() -> None:
    async def check(_journal: list[str], outcomes: Sequence[Outcome]) -> None:
        assert not outcomes[0].cancelled

    explore(_journal, [walker("a", 2), walker("b", 2)], check, cancellations=2, cancellable=[1])


class Account:
    """Money that two tasks add to."""

    def __init__(self) -> None:
        self.money = 0
        self.lock = asyncio.Lock()

    async def add(self) -> None:
        """Forget what others add meanwhile."""
        money = self.money
        await pause("transfer")
        self.money = money + 1

    async def add_locked(self) -> None:
        """Forget nothing."""
        async with self.lock:
            await self.add()


async def _account() -> Account:
    return Account()


async def _all_there(account: Account, outcomes: Sequence[Outcome]) -> None:
    assert account.money == sum(not outcome.cancelled for outcome in outcomes)
    assert not account.lock.locked()


def test_a_lost_update_is_found_told_and_repeated() -> None:
    with pytest.raises(AssertionError) as caught:
        explore(_account, [Account.add, Account.add], _all_there)
    story = caught.value.__notes__[0]
    assert "task 0 goes on from 'transfer'\n  task 1 goes on from 'transfer'" in story
    assert story.endswith("repeat with replay=(0, 0)")
    with pytest.raises(AssertionError):
        explore(_account, [Account.add, Account.add], _all_there, replay=(0, 0))


def test_a_lock_of_asyncio_keeps_what_it_promises() -> None:
    explored = explore(_account, [Account.add_locked] * 3, _all_there, cancellations=2)
    assert explored.schedules > 10


def test_waiting_for_each_other_is_a_deadlock() -> None:
    async def wait_for_ever(account: Account) -> None:
        await account.lock.acquire()
        await pause()

    with pytest.raises(Deadlock, match="task 1") as caught:
        explore(_account, [wait_for_ever, wait_for_ever], _nothing)
    assert "schedule:" in caught.value.__notes__[0]


def test_an_error_that_nobody_expects_ends_the_search() -> None:
    async def fail(_journal: list[str]) -> None:
        await pause()
        raise KeyError("x")

    with pytest.raises(KeyError):
        explore(_journal, [fail], _nothing)
    assert explore(_journal, [fail], _nothing, expect=(KeyError,)) == Explored(1, 1, 1)


def test_outcomes_say_how_a_task_ended() -> None:
    async def seven(_journal: list[str]) -> int:
        return 7

    async def fail(_journal: list[str]) -> None:
        raise KeyError("x")

    async def check(_journal: list[str], outcomes: Sequence[Outcome]) -> None:
        assert outcomes[0] == Outcome(7, None)
        assert isinstance(outcomes[1].error, KeyError)
        assert not outcomes[1].cancelled

    explore(_journal, [seven, fail], check, expect=(KeyError,))


def test_an_exploration_that_would_not_end_says_so() -> None:
    with pytest.raises(StateError, match="more than 100 schedules"):
        explore(_journal, [walker("a", 9), walker("b", 9)], _nothing, limit=100)


def test_a_world_that_differs_from_run_to_run_is_found_out() -> None:
    runs = iter(range(1000))

    async def moody(journal: list[str]) -> None:
        for _ in range(3 if next(runs) == 0 else 0):
            await pause()

    with pytest.raises(StateError, match="did not do the same again"):
        explore(_journal, [moody, walker("b", 3)], _nothing)


def test_time_passes_when_nothing_else_can_happen() -> None:
    async def slow(journal: list[str]) -> None:
        try:
            async with asyncio.timeout(3600):
                await asyncio.sleep(7200)
        except TimeoutError:
            journal.append("late")

    async def check(journal: list[str], _outcomes: Sequence[Outcome]) -> None:
        assert journal[-1] == "late"

    explore(_journal, [slow, walker("a", 2)], check)


def test_tasks_that_are_left_behind_are_cancelled_and_errors_of_the_loop_told() -> None:
    ends: list[str] = []

    async def leave(_journal: list[str]) -> asyncio.Task[None]:
        async def background() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ends.append("cancelled")

        return asyncio.ensure_future(background())

    explore(_journal, [leave], _nothing)
    assert ends == ["cancelled"]

    async def call_badly(_journal: list[str]) -> None:
        asyncio.get_running_loop().call_soon(int, "x")
        await asyncio.sleep(0)

    with pytest.raises(StateError, match="invalid literal"):
        explore(_journal, [call_badly], _nothing)


def test_queues_and_groups_of_asyncio_work() -> None:
    async def work(journal: list[str]) -> None:
        queue: asyncio.Queue[str] = asyncio.Queue(1)

        async def produce() -> None:
            for item in "xyz":
                await pause("produce")
                await queue.put(item)

        async def consume() -> None:
            for _ in range(3):
                journal.append(await queue.get())
                await pause("consume")

        async with asyncio.TaskGroup() as group:
            group.create_task(produce())
            group.create_task(consume())

    async def check(journal: list[str], outcomes: Sequence[Outcome]) -> None:
        assert "xyz".startswith("".join(journal))
        assert outcomes[0].cancelled or journal == ["x", "y", "z"]

    assert explore(_journal, [work], check, cancellations=1).schedules > 20


def test_a_pause_outside_an_exploration_is_one_turn_of_the_loop() -> None:
    async def both() -> list[str]:
        journal: list[str] = []
        await asyncio.gather(walker("a", 2)(journal), walker("b", 2)(journal))
        return journal

    assert asyncio.run(both()) == ["a", "b", "a", "b"]
