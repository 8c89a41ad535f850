"""Recover from every state that a power cut could leave, and from cuts in the recovery; judge what is seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Generic, NamedTuple

from fata.blocking import drive
from fata.sim.powercut.record import Record
from fata.sim.powercut.recovery import Broken, Judge, Recover, Run, Seen, cut_of, judged, recovered, weight_of
from fata.sim.powercut.replay import violation
from fata.sim.powercut.states import Cut, Medium, State, label_of, moments, states


@dataclass(slots=True)
class Report:
    """What has been looked at. A state counts once, in the class where it was first seen."""

    seed: object = 0
    classes: Counter[str] = field(default_factory=Counter)
    judged: int = 0  # pairs of what recovery saw and a promise
    seen: set[int] = field(default_factory=set, repr=False)  # weights of the images

    @property
    def states(self) -> int:
        """Distinct states recovered from, those inside a recovery included."""
        return len(self.seen)

    def count(self, weight: int, label: str) -> None:
        """Count an image, if it is new, in a class."""
        if weight not in self.seen:
            self.seen.add(weight)
            self.classes[label] += 1

    def __str__(self) -> str:
        classes = ", ".join(f"{label} {count:,}" for label, count in self.classes.most_common())
        return f"power cuts: {self.states:,} distinct states, 0 violations, seed {self.seed!r}: {classes}"


class _Sight(NamedTuple, Generic[Seen]):
    """What recovery saw of an image: after no further cut, or after those of `then`."""

    seen: Seen
    then: Cut | None = None


def check(
    record: Record,
    recover: Recover[Seen],
    judge: Judge[Seen],
    *,
    seed: int | str = 0,
    limit: int = 256,
    recoveries: int = 8,
    depth: int = 1,
    report: Report | None = None,
    run: Run[Seen] = drive,
) -> Report:
    """Recover from the states of `record` and judge them; raises `Violation`, shrunk, at the first that is wrong.

    `recover` opens a disk and returns what it sees, and writes only what recovery writes; after `disk.stop()` it
    may write more, to see whether the store is usable. Any error of it is a violation. `judge` gets what was seen
    and the promise of the moment, and raises if they do not agree. At most `limit` states (and some more that are
    telling) of one moment, at most `recoveries` of one inside a recovery, `depth` recoveries inside each other.
    """
    report = Report(seed) if report is None else report
    checker = _Checker(record, recover, judge, report, Random(seed), (limit, recoveries), depth, run)
    try:
        checker.check()
    except Broken as broken:
        raise violation(record, broken.cut, recover, judge, run) from broken.__cause__
    return report


class _Checker(Generic[Seen]):
    def __init__(
        self,
        record: Record,
        recover: Recover[Seen],
        judge: Judge[Seen],
        report: Report,
        rng: Random,
        limits: tuple[int, int],
        depth: int,
        run: Run[Seen],
    ) -> None:
        self._record = record
        self._recover = recover
        self._judge = judge
        self._report = report
        self._rng = rng
        self._limit, self._recoveries = limits
        self._depth = depth
        self._run = run
        self._sights: dict[int, list[_Sight[Seen]]] = {}  # by the image's weight
        self._inside: dict[int, Seen] = {}  # the same for images inside a recovery, which are not cut as often
        self._judged: set[tuple[int, int]] = set()  # weight and promise

    def check(self) -> None:
        """Look at every moment."""
        for medium in moments(self._record, Medium(self._record.before)):
            promise = self._record.promises[medium.promise]
            for state in states(medium, self._limit, self._rng):
                weight = weight_of(medium, state)
                if (weight, medium.promise) in self._judged:
                    continue
                self._judged.add((weight, medium.promise))
                for sight in self._sights_of(weight, medium, state):
                    self._report.judged += 1
                    cut = partial(cut_of, medium, state, sight.then)
                    judged(self._judge, sight.seen, promise, cut)

    def _sights_of(self, weight: int, medium: Medium, state: State) -> list[_Sight[Seen]]:
        known = self._sights.get(weight)
        if known is None:
            self._report.count(weight, label_of(medium, state))
            known = self._sights[weight] = list(self._look(weight, medium, state, self._depth))
        return known

    def _look(self, weight: int, medium: Medium, state: State, depth: int) -> Iterator[_Sight[Seen]]:
        """Recover from a state; then cut that recovery."""
        seen, recovery = recovered(self._record, medium, state, self._recover, self._run)
        yield _Sight(seen)
        if not depth or not recovery.events:
            return
        told_apart = {weight}
        for inner in moments(recovery, Medium(recovery.before, weight)):
            for left in states(inner, self._recoveries, self._rng):
                if (weight := weight_of(inner, left)) not in told_apart:
                    told_apart.add(weight)
                    for sight in self._look_inside(weight, inner, left, depth - 1, medium, state):
                        yield _Sight(sight.seen, cut_of(inner, left, sight.then))

    def _look_inside(
        self, weight: int, inner: Medium, left: State, depth: int, medium: Medium, state: State
    ) -> Iterator[_Sight[Seen]]:
        if weight in self._inside:
            yield _Sight(self._inside[weight])
            return
        level = self._depth - depth
        self._report.count(weight, "recovery" if level == 1 else f"recovery {level} deep")
        try:
            for sight in self._look(weight, inner, left, depth):
                if sight.then is None:
                    self._inside[weight] = sight.seen
                yield sight
        except Broken as broken:
            raise Broken(cut_of(medium, state, broken.cut)) from broken.__cause__
