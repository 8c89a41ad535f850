"""Run tasks in every order that their waiting allows, and with a cancellation at every await.

    async def build() -> Counter: ...                       # a fresh world for each run
    async def check(world: Counter, outcomes: Sequence[Outcome]) -> None:
        assert world.value == 2                             # what must hold however it went

    explore(build, [Counter.add, Counter.add], check)                    # all interleavings
    explore(build, [Counter.add], check, cancellations=1)                # a cancellation at every await
    explore(build, [Counter.add, Counter.add], check, cancellations=1)   # both at once

Tasks give way where they await `fata.sim.exploring_loop.pause`, or a device wrapped by `fata.sim.suspending`.
The search is exhaustive: it runs the world again from the start for every sequence of choices. When `check`
fails, the error carries the choices, and `replay=` repeats that one run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Any, NamedTuple, TypeVar

from fata.errors import StateError
from fata.sim.exploring_loop import Deadlock, ExploringLoop

W = TypeVar("W")


class Outcome(NamedTuple):
    """How a task ended: with a value, or with an error (CancelledError when it was cancelled)."""

    value: object
    error: BaseException | None

    @property
    def cancelled(self) -> bool:
        """Whether it ended because it was cancelled."""
        return isinstance(self.error, asyncio.CancelledError)


class Explored(NamedTuple):
    """How far a search went: runs, choices made in all of them, and the most in one."""

    schedules: int
    choices: int
    longest: int


class _Choice(NamedTuple):
    chosen: int
    options: int | None  # None: whoever asked for a replay does not say
    label: str


def explore(
    build: Callable[[], Coroutine[Any, Any, W]],
    tasks: Sequence[Callable[[W], Coroutine[Any, Any, object]]],
    check: Callable[[W, Sequence[Outcome]], Coroutine[Any, Any, None]],
    *,
    cancellations: int = 0,
    cancellable: Collection[int] | None = None,
    expect: tuple[type[Exception], ...] = (),
    limit: int = 20_000,
    replay: Sequence[int] | None = None,
) -> Explored:
    """Run `tasks` on a world from `build` in every order, with up to `cancellations` of them struck anywhere.

    `cancellable` are the indices of the tasks that may be struck; None is all of them. `check` gets the world
    and how each task ended. A task may end in an error only if it was cancelled, or if the error is of a type
    in `expect`. More than `limit` runs are a StateError, never a silent half.
    """
    plan: list[_Choice] | None = [_Choice(chosen, None, "") for chosen in replay or ()]
    explored = Explored(0, 0, 0)
    while plan is not None:
        if explored.schedules == limit:
            raise StateError(f"more than {limit} schedules: explore fewer tasks or awaits, or raise the limit")
        run = _Run(plan, cancellations, range(len(tasks)) if cancellable is None else cancellable)
        try:
            run.go(build, tasks, check, expect)
        except BaseException as error:
            error.add_note(run.story())
            raise
        choices = len(run.choices)
        explored = Explored(explored.schedules + 1, explored.choices + choices, max(explored.longest, choices))
        plan = None if replay is not None else _next_plan(run.choices)
    return explored


def _next_plan(choices: list[_Choice]) -> list[_Choice] | None:
    """Take another way at the last fork that has one left; None when all have been taken."""
    while choices and choices[-1].chosen + 1 == choices[-1].options:
        choices.pop()
    if not choices:
        return None
    return [*choices[:-1], choices[-1]._replace(chosen=choices[-1].chosen + 1)]


class _Run:
    """One run: it follows a plan as far as that goes, then takes the first option at every fork."""

    def __init__(self, plan: Sequence[_Choice], cancellations: int, cancellable: Collection[int]) -> None:
        self.choices: list[_Choice] = []
        self._plan = plan
        self._cancellations = cancellations
        self._cancellable = cancellable
        self._loop = ExploringLoop()  # type: ignore[abstract]  # what it lacks is meant to raise

    def go(
        self,
        build: Callable[[], Coroutine[Any, Any, W]],
        tasks: Sequence[Callable[[W], Coroutine[Any, Any, object]]],
        check: Callable[[W, Sequence[Outcome]], Coroutine[Any, Any, None]],
        expect: tuple[type[Exception], ...],
    ) -> None:
        """Build, run and check."""
        with self._loop.running():
            world = self._loop.run_through(build())
            running = [self._loop.create_task(task(world), name=f"task {n}") for n, task in enumerate(tasks)]
            self._interleave(running)
            if len(self.choices) < len(self._plan):
                raise StateError("the run has ended before its plan: the world did not do the same again")
            outcomes = [_outcome(task) for task in running]
            for outcome in outcomes:
                if outcome.error is not None and not outcome.cancelled and not isinstance(outcome.error, expect):
                    raise outcome.error
            self._loop.run_through(check(world, outcomes))
        if self._loop.problems:
            raise StateError(f"the event loop was told of {self._loop.problems[0]}")

    def _interleave(self, running: list[asyncio.Task[object]]) -> None:
        self._loop.settle()
        while left := [task for task in running if not task.done()]:
            pauses = self._loop.pauses()
            if not pauses and not self._loop.let_time_pass():
                raise Deadlock("the tasks wait for each other: " + ", ".join(task.get_name() for task in left))
            if pauses:
                targets = self._targets(running)
                labels = [f"{_name(pause.task)} goes on from {pause.label!r}" for pause in pauses]
                chosen = self._choose(labels + [f"{task.get_name()} is cancelled" for task in targets])
                if chosen < len(pauses):
                    pauses[chosen].ended.set_result(None)
                else:
                    self._cancellations -= 1
                    targets[chosen - len(pauses)].cancel()
            self._loop.settle()

    def _targets(self, running: list[asyncio.Task[object]]) -> list[asyncio.Task[object]]:
        if not self._cancellations:
            return []
        return [task for index, task in enumerate(running) if index in self._cancellable and not task.done()]

    def _choose(self, labels: list[str]) -> int:
        depth = len(self.choices)
        chosen, options, _ = self._plan[depth] if depth < len(self._plan) else _Choice(0, None, "")
        if options not in (None, len(labels)) or chosen >= len(labels):
            raise StateError(f"fork {depth} has {len(labels)} ways now: the world did not do the same again")
        self.choices.append(_Choice(chosen, len(labels), labels[chosen]))
        return chosen

    def story(self) -> str:
        """Tell what was chosen, so that a failure can be understood and repeated."""
        steps = "".join(f"\n  {choice.label}" for choice in self.choices)
        return f"schedule:{steps}\nrepeat with replay={tuple(choice.chosen for choice in self.choices)!r}"


def _name(task: asyncio.Task[Any] | None) -> str:
    return "somebody" if task is None else task.get_name()


def _outcome(task: asyncio.Task[object]) -> Outcome:
    if task.cancelled():
        return Outcome(None, asyncio.CancelledError())
    error = task.exception()
    return Outcome(None if error else task.result(), error)
