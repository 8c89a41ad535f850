"""One state: recovered from, and judged."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fata.sim.powercut.image import CrashDisk
from fata.sim.powercut.record import Record
from fata.sim.powercut.recorder import Recorder
from fata.sim.powercut.states import Cut, Medium, State

Seen = TypeVar("Seen")  # what recovery sees on a disk

Recover = Callable[[Recorder], Coroutine[Any, Any, Seen]]
Judge = Callable[[Seen, Any], object]
Run = Callable[[Coroutine[Any, Any, Seen]], Seen]

WORD = (1 << 64) - 1


class Broken(Exception):
    """A state is wrong; `__cause__` says how."""

    def __init__(self, cut: Cut) -> None:
        super().__init__(cut)
        self.cut = cut


def recovered(
    record: Record, medium: Medium, state: State, recover: Recover[Seen], run: Run[Seen]
) -> tuple[Seen, Record]:
    """Recover from a state; return what was seen and what was written. Any error of `recover` is a Broken."""
    changes = {sector: version.content for sector, version in state.items()}
    disk = Recorder(CrashDisk(record.sectors, record.sector_size, medium.durable, dict(changes)))
    try:
        seen = run(recover(disk))
    except Exception as error:
        raise Broken(cut_of(medium, state)) from error
    if disk.record.events:
        disk.record.before = medium.durable | changes
    return seen, disk.record


def judged(judge: Judge[Seen], seen: Seen, promise: object, cut: Callable[[], Cut]) -> None:
    """Judge what was seen after a cut. Any error of `judge` is a Broken."""
    try:
        judge(seen, promise)
    except Exception as error:
        raise Broken(cut()) from error


def weight_of(medium: Medium, state: State) -> int:
    """Return the number that tells the image of a state from others."""
    return (medium.weight + sum([version.change for version in state.values()])) & WORD


def cut_of(medium: Medium, state: State, then: Cut | None = None) -> Cut:
    """Say what a state is, so that it can be repeated."""
    return Cut(medium.moment, tuple(sorted((sector, version.write) for sector, version in state.items())), then)
