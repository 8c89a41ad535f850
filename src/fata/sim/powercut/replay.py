"""Repeat one state, make it smaller while it stays wrong, and say what it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

from fata.blocking import drive
from fata.errors import StateError
from fata.sim.powercut.record import Record
from fata.sim.powercut.recovery import Broken, Judge, Recover, Run, Seen, judged, recovered
from fata.sim.powercut.states import Cut, Medium, moments, state_of

TRIES = 400  # recoveries spent on making a failure smaller


class Violation(AssertionError):
    """A state that breaks the promise; `cut` repeats it."""

    def __init__(self, reason: str, cut: Cut) -> None:
        super().__init__(reason)
        self.cut = cut


def replay(record: Record, cut: Cut, recover: Recover[Seen], judge: Judge[Seen], run: Run[Seen] = drive) -> Seen:
    """Recover from one state and judge it; return what recovery saw. Raises `Violation` if it is wrong."""
    try:
        return _repeat(record, cut, recover, judge, run, [])
    except Broken as broken:
        raise violation(record, cut, recover, judge, run, tries=0) from broken.__cause__


def violation(
    record: Record, cut: Cut, recover: Recover[Seen], judge: Judge[Seen], run: Run[Seen], tries: int = TRIES
) -> Violation:
    """Return the error for a state that is wrong, made smaller first by at most `tries` further recoveries."""

    def fails(candidate: Cut) -> bool:
        try:
            _repeat(record, candidate, recover, judge, run, [])
        except Broken:
            return True
        except StateError:
            return False  # there is no such state
        return False

    cut = _shrunk(cut, fails, tries)
    story: list[str] = []
    reason = "recovery went well this time: it does not do the same again"
    try:
        _repeat(record, cut, recover, judge, run, story)
    except Broken as broken:
        reason = repr(broken.__cause__)
    return Violation("\n  ".join([f"power cut: {reason}", *story, f"repeat with replay(record, {cut!r}, …)"]), cut)


def _repeat(
    record: Record, cut: Cut, recover: Recover[Seen], judge: Judge[Seen], run: Run[Seen], story: list[str]
) -> Seen:
    """Go through the cuts of `cut`; tell in `story` what each leaves. Raises Broken, or StateError: no such state."""
    level, here, promise = record, cut, None
    while True:
        medium = Medium(level.before, weight=0)
        if all(medium.moment != here.moment for medium in moments(level, medium)):
            raise StateError(f"the record has no moment {here.moment}")
        state = state_of(medium, here)
        story += _told(level, medium, here)
        if level is record:
            promise = record.promises[medium.promise]
            story.append(f"promise: {promise!r}")
        seen, written = recovered(level, medium, state, recover, run)
        if here.then is None:
            judged(judge, seen, promise, lambda: cut)
            return seen
        level, here = written, here.then


def _shrunk(cut: Cut, fails: Callable[[Cut], bool], tries: int) -> Cut:
    """Take away what had arrived, whole writes first, while the state stays wrong."""
    smaller = True
    while smaller:
        smaller = False
        for candidate in _smaller(cut):
            if not tries:
                return cut
            tries -= 1
            if fails(candidate):
                cut, smaller = candidate, True
                break
    return cut


def _smaller(cut: Cut) -> Iterator[Cut]:
    """Yield the cuts with less arrived: without one write, then without one sector, then the same one level further."""
    by_write = defaultdict(list)
    for place in cut.arrived:
        by_write[place[1]].append(place)
    for places in [*by_write.values(), *([place] for place in cut.arrived)]:
        yield cut._replace(arrived=tuple(place for place in cut.arrived if place not in places))
    if cut.then is not None:
        yield from (cut._replace(then=then) for then in _smaller(cut.then))


def _told(level: Record, medium: Medium, cut: Cut) -> list[str]:
    """Say in words what has become of each write that was not durable."""
    in_question: defaultdict[int, list[int]] = defaultdict(list)
    for sector, versions in medium.pending.items():
        for version in versions:
            in_question[version.write].append(sector)
    there = set(cut.arrived)
    lines = [f"after event {cut.moment} of {len(level.events)} ({medium.label}):"]
    for write, sectors in sorted(in_question.items()):
        kept = [sector for sector in sectors if (sector, write) in there]
        fate = "arrived" if len(kept) == len(sectors) else f"only {_ranges(kept)} arrived" if kept else "lost"
        lines.append(f"  write {write} ({medium.labels[write]}) of sectors {_ranges(sectors)}: {fate}")
    return lines if in_question else [lines[0] + " all was durable"]


def _ranges(sectors: list[int]) -> str:
    """Write sector numbers as 3, 5–8."""
    spans: list[list[int]] = []
    for sector in sorted(sectors):
        if spans and sector == spans[-1][1] + 1:
            spans[-1][1] = sector
        else:
            spans.append([sector, sector])
    return ", ".join(f"{first}–{last}" if last > first else str(first) for first, last in spans)
