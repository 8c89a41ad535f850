"""Which lines two texts share: Myers' difference algorithm (Algorithmica 1, 1986), with a bound on its work."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

MOST_EDITS = 1_000  # lines put in and taken out, up to which the fewest are searched for: half a second, and 4 MB


def matches(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Return pairs of line numbers that hold the same line, ascending in both: as many as possible.

    Texts that differ by more than `MOST_EDITS` lines share what they begin and end with, and nothing between.
    """
    start = 0
    shorter = min(len(old), len(new))
    while start < shorter and old[start] == new[start]:
        start += 1
    tail = 0
    while tail < shorter - start and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    middle = _shortest(old[start : len(old) - tail], new[start : len(new) - tail])
    return [
        *((at, at) for at in range(start)),
        *((start + before, start + after) for before, after in middle),
        *((len(old) - back, len(new) - back) for back in range(tail, 0, -1)),
    ]


def _shortest(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Return the matches along a shortest edit script."""
    if not old or not new:
        return []
    limit = min(len(old) + len(new), MOST_EDITS)
    middle = limit + 1
    furthest = array("i", [0]) * (2 * middle + 1)  # line of `old`, by diagonal (old - new) from `middle` on
    trace = []  # what that was before each round, as far as the round looks at it
    for edits in range(limit + 1):
        trace.append(furthest[middle - edits - 1 : middle + edits + 2])
        for diagonal in range(-edits, edits + 1, 2):
            at = _step(furthest, middle + diagonal, diagonal, edits)
            while at < len(old) and at - diagonal < len(new) and old[at] == new[at - diagonal]:
                at += 1
            furthest[middle + diagonal] = at
            if at >= len(old) and at - diagonal >= len(new):
                return _walk_back(trace, len(old), len(new))
    return []


def _step(furthest: array[int], index: int, diagonal: int, edits: int) -> int:
    """Return where the best edit onto a diagonal ends: an inserted line from above, or a removed one from the left."""
    if _is_insertion(furthest, index, diagonal, edits):
        return furthest[index + 1]
    return furthest[index - 1] + 1 if edits else 0


def _is_insertion(furthest: array[int], index: int, diagonal: int, edits: int) -> bool:
    return edits > 0 and (diagonal == -edits or (diagonal != edits and furthest[index - 1] < furthest[index + 1]))


def _walk_back(trace: list[array[int]], at: int, other: int) -> list[tuple[int, int]]:
    found = []
    for edits in range(len(trace) - 1, -1, -1):
        furthest, diagonal = trace[edits], at - other
        index = diagonal + edits + 1
        begin = _step(furthest, index, diagonal, edits)
        while at > begin:
            at, other = at - 1, other - 1
            found.append((at, other))
        if _is_insertion(furthest, index, diagonal, edits):
            other -= 1
        else:
            at -= 1
    return found[::-1]
