"""Merging text line by line (diff3): what one side alone has changed goes in, what both have changed is a conflict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fata.irmin.errors import Conflict
from fata.irmin.merge.contract import Base
from fata.irmin.merge.lines import matches

Lines = Sequence[str]


class Region(NamedTuple):
    """A part of the three texts: all three agree on it, or somebody has changed it. `line` counts from 1, in ours."""

    line: int
    base: Lines
    ours: Lines
    theirs: Lines


async def text(base: Base[str], ours: str, theirs: str) -> str:
    """Merge texts. A conflict shows the lines of the first place that both sides have changed differently.

    Changes count as apart if at least one line that nobody has changed lies between them, as for git and diff3.
    Commutative.
    """
    old = await base() or ""
    merged: list[str] = []
    for region in regions(old.split("\n"), ours.split("\n"), theirs.split("\n")):
        resolved = resolve(region)
        if resolved is None:
            reason = f"line {region.line}: both sides changed it"
            raise Conflict(reason, (), "\n".join(region.ours), "\n".join(region.theirs))
        merged += resolved
    return "\n".join(merged)


def resolve(region: Region) -> Lines | None:
    """Return the merged lines of a region; None if it is a conflict."""
    _, base, ours, theirs = region
    if ours in (base, theirs):
        return theirs
    return ours if theirs == base else None


def regions(base: Lines, ours: Lines, theirs: Lines) -> Iterator[Region]:
    """Cut three texts into regions, in order; those on which all three agree have one line each."""
    mine, yours = dict(matches(base, ours)), dict(matches(base, theirs))
    at = our = their = 0
    for line in range(len(base)):
        if line not in mine or line not in yours:
            continue
        if line > at or mine[line] > our or yours[line] > their:
            yield Region(our + 1, base[at:line], ours[our : mine[line]], theirs[their : yours[line]])
        at, our, their = line + 1, mine[line] + 1, yours[line] + 1
        yield Region(our, base[line:at], ours[our - 1 : our], theirs[their - 1 : their])
    if at < len(base) or our < len(ours) or their < len(theirs):
        yield Region(our + 1, base[at:], ours[our:], theirs[their:])
