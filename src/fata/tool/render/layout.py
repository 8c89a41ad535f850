"""Places a graph's boxes in columns, each node to the right of all that need it, and finds ways for the arrows.

The steps are Sugiyama's: columns by longest path; an arrow that spans several columns gets a waypoint in each it
crosses, so that it passes between boxes; the order in a column by barycentres, keeping the best of several sweeps;
heights by moving towards the neighbours, as near as order and spacing allow. Units are CSS pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from fata.config.picture import PictureEdge
from fata.errors import StateError

SWEEPS = 12  # over the columns, there and back by turns; more changed nothing on graphs of 60 nodes
GAP = 22.0  # between boxes of a column
WAYPOINT = 10.0  # an arrow's share of a column's height
BEND = 56.0  # between columns, for arrows to go up or down in, besides the room for their labels
MARGIN = 24.0  # around everything


class Size(NamedTuple):
    """What a box needs."""

    width: float
    height: float


class Box(NamedTuple):
    """Where a box stands: its top left corner and size."""

    x: float
    y: float
    width: float
    height: float


class Stretch(NamedTuple):
    """A level part of an arrow; the last one of an arrow has no length: it is the point where it arrives."""

    start: float  # x
    end: float  # x
    y: float


class Layout(NamedTuple):
    """Everything in place. `ways` stand in the order of the edges; a label has room on its way's first stretch."""

    width: float
    height: float
    boxes: Mapping[str, Box]
    ways: tuple[tuple[Stretch, ...], ...]


class Span(NamedTuple):
    """A column: its boxes from `left` to `right`, labels of leaving arrows up to `bend`, where these may turn."""

    left: float
    right: float
    bend: float


@dataclass(slots=True, eq=False)
class Slot:
    """A place in a column: a node's box, or a waypoint of an arrow that crosses the column."""

    column: int
    size: Size
    node: str = ""  # "" for a waypoint
    before: list[Slot] = field(default_factory=list)  # in the column to the left
    after: list[Slot] = field(default_factory=list)  # in the column to the right
    centre: float = 0.0


def place(sizes: Mapping[str, Size], edges: Sequence[PictureEdge], label_widths: Sequence[float]) -> Layout:
    """Lay a graph out. `sizes` in the order in which nodes are preferred; `label_widths` one for each edge.

    Raises `StateError` for a graph with a cycle.
    """
    column = columns(list(sizes), edges)
    slots = {node: Slot(column[node], size, node) for node, size in sizes.items()}
    paths = [path(slots[edge.source], slots[edge.target]) for edge in edges]
    rows: list[list[Slot]] = [[] for _ in range(max(column.values(), default=-1) + 1)]
    for slot in dict.fromkeys([*slots.values(), *(slot for steps in paths for slot in steps)]):
        rows[slot.column].append(slot)
    rows = ordered(rows)
    settle(rows)
    spans = column_spans(rows, paths, label_widths)
    boxes = {node: box_of(slot, spans[slot.column]) for node, slot in slots.items()}
    lowest = max((slot.centre + slot.size.height / 2 for row in rows for slot in row), default=0.0)
    width = max((span.right for span in spans), default=0.0)
    return Layout(width + MARGIN, lowest + MARGIN, boxes, tuple(ways_of(paths, spans)))


def columns(nodes: Sequence[str], edges: Sequence[PictureEdge]) -> dict[str, int]:
    """Number each node's column: one more than the last of those that need it."""
    needed_by = dict.fromkeys(nodes, 0)
    needs: dict[str, list[str]] = {node: [] for node in nodes}
    for edge in edges:
        needed_by[edge.target] += 1
        needs[edge.source].append(edge.target)
    column = dict.fromkeys(nodes, 0)
    ready = [node for node in nodes if not needed_by[node]]
    for node in ready:  # grows while it is walked
        for target in needs[node]:
            column[target] = max(column[target], column[node] + 1)
            needed_by[target] -= 1
            if not needed_by[target]:
                ready.append(target)
    if len(ready) != len(nodes):
        raise StateError(f"a graph with a cycle cannot be drawn: {sorted(set(nodes) - set(ready))}")
    return column


def path(source: Slot, target: Slot) -> list[Slot]:
    """Link a node to one that it needs, through a new waypoint in each column between them; return all of these."""
    between = [Slot(column, Size(0.0, WAYPOINT)) for column in range(source.column + 1, target.column)]
    steps = [source, *between, target]
    for one, other in pairwise(steps):
        one.after.append(other)
        other.before.append(one)
    return steps


def ordered(rows: list[list[Slot]]) -> list[list[Slot]]:
    """Return each column's slots in an order that crosses few arrows: the best seen in several sweeps."""
    best, fewest = [list(row) for row in rows], crossings(rows)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        for row, beside in pairwise(rows if forward else rows[::-1]):
            rank = {slot: position for position, slot in enumerate(row)}
            centres = {
                slot: barycentre(slot.before if forward else slot.after, rank, position)
                for position, slot in enumerate(beside)
            }
            beside.sort(key=centres.__getitem__)
        if (now := crossings(rows)) < fewest:
            best, fewest = [list(row) for row in rows], now
    return best


def barycentre(neighbours: Sequence[Slot], rank: Mapping[Slot, int], position: int) -> float:
    """Return the mean rank of the neighbours; the slot's own position, where it then stays, without any."""
    return sum(rank[slot] for slot in neighbours) / len(neighbours) if neighbours else position


def crossings(rows: Sequence[Sequence[Slot]]) -> int:
    """Count the pairs of arrows that cross between two columns."""
    count = 0
    for row, beside in pairwise(rows):
        rank = {slot: position for position, slot in enumerate(beside)}
        ends = [rank[after] for slot in row for after in sorted(slot.after, key=rank.__getitem__)]
        count += sum(end > later for position, end in enumerate(ends) for later in ends[position + 1 :])
    return count


def settle(rows: Sequence[Sequence[Slot]]) -> None:
    """Set the slots' centres: each near the mean of its neighbours', in order, without touching the next."""
    for row in rows:
        spread(row, [0.0] * len(row))
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            spread(row, [wish(slot) for slot in row])
    top = min((slot.centre - slot.size.height / 2 for row in rows for slot in row), default=0.0)
    for row in rows:
        for slot in row:
            slot.centre += MARGIN - top


def wish(slot: Slot) -> float:
    """Return where a slot would like to be."""
    neighbours = slot.before + slot.after
    return sum(other.centre for other in neighbours) / len(neighbours) if neighbours else slot.centre


def spread(row: Sequence[Slot], wishes: Sequence[float]) -> None:
    """Set centres as near to the wishes as order and spacing allow, in the sense of least squares.

    Without the room that the slots take, the task is isotonic regression: neighbours that would overlap are
    pooled at the mean of their wishes.
    """
    offsets = [0.0]
    for one, other in pairwise(row):
        offsets.append(offsets[-1] + (one.size.height + other.size.height) / 2 + GAP)
    pools: list[tuple[float, int]] = []  # (mean, slots)
    for wanted, offset in zip(wishes, offsets, strict=False):
        pools.append((wanted - offset, 1))
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            (mean, many), (upper, more) = pools.pop(), pools.pop()
            pools.append(((mean * many + upper * more) / (many + more), many + more))
    means: Iterable[float] = (mean for mean, many in pools for _ in range(many))
    for slot, mean, offset in zip(row, means, offsets, strict=False):
        slot.centre = mean + offset


def box_of(slot: Slot, span: Span) -> Box:
    """Return a node's box, as wide as its column."""
    return Box(span.left, slot.centre - slot.size.height / 2, span.right - span.left, slot.size.height)


def column_spans(
    rows: Sequence[Sequence[Slot]], paths: Sequence[Sequence[Slot]], label_widths: Sequence[float]
) -> list[Span]:
    """Return where each column stands, from left to right."""
    label_room = [0.0] * len(rows)
    for (source, *_), width in zip(paths, label_widths, strict=True):
        label_room[source.column] = max(label_room[source.column], width)
    spans = []
    left = MARGIN
    for row, room in zip(rows, label_room, strict=True):
        right = left + max(slot.size.width for slot in row)
        spans.append(Span(left, right, right + room))
        left = right + room + BEND
    return spans


def ways_of(paths: Sequence[Sequence[Slot]], spans: Sequence[Span]) -> Iterator[tuple[Stretch, ...]]:
    """Yield the arrows. Those of one box leave and arrive at different heights, in the order of where they go."""
    leaving = ports([(steps[0], steps[1]) for steps in paths])
    arriving = ports([(steps[-1], steps[-2]) for steps in paths])
    for (source, *between, target), start, end in zip(paths, leaving, arriving, strict=True):
        from_box = Stretch(spans[source.column].right, spans[source.column].bend, start)
        past_boxes = [Stretch(spans[slot.column].left, spans[slot.column].bend, slot.centre) for slot in between]
        to_box = Stretch(spans[target.column].left, spans[target.column].left, end)
        yield (from_box, *past_boxes, to_box)


def ports(ends: Sequence[tuple[Slot, Slot]]) -> list[float]:
    """Return a height on its box for each end of an arrow, given as (box, where the arrow goes next)."""
    at: dict[Slot, list[int]] = {}
    for number, (box, _) in enumerate(ends):
        at.setdefault(box, []).append(number)
    heights = [0.0] * len(ends)
    for box, numbers in at.items():
        numbers.sort(key=lambda number: ends[number][1].centre)
        step = box.size.height / len(numbers)
        for position, number in enumerate(numbers):
            heights[number] = box.centre - box.size.height / 2 + step * (position + 0.5)
    return heights
