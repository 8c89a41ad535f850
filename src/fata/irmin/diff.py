"""What differs between two trees."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from fata.irmin.merge.trees import Entry, identity
from fata.irmin.node import Node, empty
from fata.irmin.objects import Objects
from fata.irmin.path import Steps, beneath


class Difference(NamedTuple):
    """A path at which two trees have different contents; None where one has none."""

    path: Steps
    old: Entry
    new: Entry


async def diff(objects: Objects[Any], old: Entry, new: Entry) -> AsyncIterator[Difference]:
    """Yield where contents differ, in the order of paths. Equal directories are not read."""
    work = [Difference((), old, new)]
    while work:
        path, before, after = work.pop()
        if identity(objects, before) == identity(objects, after):
            continue
        if type(before) is not Node and type(after) is not Node:
            yield Difference(path, before, after)
            continue
        below = await objects.ask(_beneath, objects, path, before, after)
        if type(before) is tuple or type(after) is tuple:  # contents against a directory
            yield Difference(path, before if type(before) is tuple else None, after if type(after) is tuple else None)
        work.extend(reversed(below))


def _beneath(objects: Objects[Any], path: Steps, old: Entry, new: Entry) -> list[Difference]:
    mine, yours = (side if type(side) is Node else empty() for side in (old, new))
    found = []
    for name in objects.differing(mine, yours):
        before = objects.entry(old, name) if type(old) is Node else None
        after = objects.entry(new, name) if type(new) is Node else None
        found.append(Difference(beneath(path, name), before, after))
    return found
