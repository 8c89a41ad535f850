"""What a disk may hold at a moment of a record: which moments there are, and which states each has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from random import Random
from typing import NamedTuple

from fata.errors import StateError
from fata.sim.powercut.image import weigh
from fata.sim.powercut.record import Discard, Flush, Label, Promise, Record, Write


class Version(NamedTuple):
    """What a write that is not durable yet would put into a sector, and by how much that changes the image's weight."""

    write: int
    content: bytes
    change: int
    discard: bool = False


State = dict[int, Version]  # by sector, what has arrived of that which is not durable


class Cut(NamedTuple):
    """One state, to be repeated: after so many events the versions of these (sector, number of the write) had arrived.

    `then` is the cut in the recovery from it.
    """

    moment: int
    arrived: tuple[tuple[int, int], ...]
    then: Cut | None = None


class Medium:
    """What is on a disk for certain, and what may be, at a moment of a record."""

    def __init__(self, before: Mapping[int, bytes], weight: int | None = None) -> None:
        self.durable = dict(before)
        self.weight = sum(weigh(*item) for item in before.items()) if weight is None else weight
        self.pending: dict[int, list[Version]] = {}
        self.labels: dict[int, str] = {}  # by number of the write
        self.label = "start"  # of the state in which no write has arrived
        self.moment = 0  # events that have happened
        self.promise = 0
        self._beside: dict[int, frozenset[int]] = {}

    def write(self, event: Write) -> None:
        """Let a write begin."""
        self.labels[event.number] = event.label
        self._beside[event.number] = event.beside
        for sector, content in enumerate(event.contents, event.sector):
            change = weigh(sector, content) - weigh(sector, self.durable.get(sector, b""))
            self.pending.setdefault(sector, []).append(Version(event.number, content, change))

    def discard(self, event: Discard, zeros: bytes) -> None:
        """Let sectors be discarded: each becomes zeros now, later or never."""
        self.labels[event.number] = event.label
        for sector in range(event.sector, event.sector + event.sectors):
            change = -weigh(sector, self.durable.get(sector, b""))
            self.pending.setdefault(sector, []).append(Version(event.number, zeros, change, discard=True))

    def flush(self, still_open: frozenset[int]) -> None:
        """Let a flush return."""
        doubtful: dict[int, list[Version]] = {}
        for sector, versions in self.pending.items():
            settled = [version for version in versions if version.write not in still_open and not version.discard]
            last = settled[-1] if settled else None
            if last is not None:
                self.durable[sector] = last.content
                self.weight += last.change
            left = [version for version in versions if last is None or self._outlives(version, last, still_open)]
            if left:
                shift = last.change if last is not None else 0
                doubtful[sector] = [version._replace(change=version.change - shift) for version in left]
        self.pending = doubtful

    def _outlives(self, version: Version, last: Version, still_open: frozenset[int]) -> bool:
        """Say whether a version may still arrive after `last`, which is durable."""
        if version.write > last.write:
            return True
        return version.write in still_open and version.write in self._beside.get(last.write, ())


def moments(record: Record, medium: Medium) -> Iterator[Medium]:
    """Take `medium` through the record; yield it wherever no more may arrive under one promise."""
    zeros = bytes(record.sector_size)
    for number, event in enumerate(record.events):
        match event:
            case Write():
                medium.write(event)
            case Discard():
                medium.discard(event, zeros)
            case Flush():
                yield medium
                medium.flush(event.open)
            case Promise():
                yield medium
                medium.promise = event.number
            case Label():
                medium.label = event.label
        medium.moment = number + 1
    yield medium


def states(medium: Medium, limit: int, rng: Random) -> Iterator[State]:
    """Yield what may have arrived: everything if that is at most `limit`, else the telling ones and `limit` others."""
    if prod(len(versions) + 1 for versions in medium.pending.values()) <= limit:
        yield from _all(medium.pending)
        return
    writes: defaultdict[int, State] = defaultdict(dict)
    for sector, versions in medium.pending.items():
        for version in versions:
            writes[version.write][sector] = version
    in_order = [writes[number] for number in sorted(writes)]
    yield from _telling(in_order, limit, rng)
    for _ in range(limit):
        yield _random(in_order, rng)


def _all(pending: dict[int, list[Version]]) -> Iterator[State]:
    sectors = list(pending)
    for chosen in product(*((None, *versions) for versions in pending.values())):
        yield {sector: version for sector, version in zip(sectors, chosen, strict=True) if version is not None}


def _telling(in_order: list[State], limit: int, rng: Random) -> Iterator[State]:
    """Yield every prefix; then each write (of a sample, if they are many) lost alone and there alone."""
    arrived: State = {}
    yield {}
    for write in in_order:
        arrived |= write
        yield dict(arrived)
    for alone in rng.sample(in_order, min(len(in_order), limit)):
        rest: State = {}
        for write in in_order:
            if write is not alone:
                rest |= write
        yield rest
        yield alone


def _random(in_order: list[State], rng: Random) -> State:
    writes = in_order[: rng.randint(1, len(in_order))]
    if rng.random() < 0.25:
        rng.shuffle(writes)
    share = rng.choice((0.1, 0.5, 0.9))
    arrived: State = {}
    for write in writes:
        if rng.random() < share:
            arrived |= _torn(write, rng) if len(write) > 1 and rng.random() < 0.25 else write
    return arrived


def _torn(write: State, rng: Random) -> State:
    sectors = sorted(write)
    if rng.random() < 0.5:
        kept = sectors[: rng.randrange(1, len(sectors))]
    else:
        kept = [sector for sector in sectors if rng.random() < 0.5]
    return {sector: write[sector] for sector in kept}


def state_of(medium: Medium, cut: Cut) -> State:
    """Find what a cut says has arrived. StateError if nothing like it was written."""
    found: State = {}
    for sector, write in cut.arrived:
        versions = [version for version in medium.pending.get(sector, ()) if version.write == write]
        if not versions:
            raise StateError(f"write {write} has left no version of sector {sector} that could be lost")
        found[sector] = versions[0]
    return found


def label_of(medium: Medium, state: State) -> str:
    """Name the class of a state: that of its youngest write."""
    return medium.labels[max(version.write for version in state.values())] if state else medium.label
