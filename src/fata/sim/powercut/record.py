"""What has happened to a disk, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

NONE: frozenset[int] = frozenset()


class Write(NamedTuple):
    """Sectors that were asked to be written, from the first on. `beside`: the writes that were under way then."""

    number: int
    sector: int
    contents: tuple[bytes, ...]
    label: str
    beside: frozenset[int]


class Discard(NamedTuple):
    """Sectors whose contents do not matter any more; it counts as a write of zeros that may never happen."""

    number: int
    sector: int
    sectors: int
    label: str


class Flush(NamedTuple):
    """A flush that has returned: all writes before it are durable, but for those `open`."""

    open: frozenset[int]


class Promise(NamedTuple):
    """From here on another promise holds: `promises[number]` of the record."""

    number: int


class Label(NamedTuple):
    """From here on a state in which no write has arrived counts in this class."""

    label: str


Event = Write | Discard | Flush | Promise | Label


@dataclass(slots=True)
class Record:
    """A disk before the workload, and the workload. `before` holds the sectors that are not zeros."""

    sectors: int
    sector_size: int
    before: Mapping[int, bytes]
    events: list[Event] = field(default_factory=list)
    promises: list[object] = field(default_factory=lambda: [None])
