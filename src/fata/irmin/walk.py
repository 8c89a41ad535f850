"""Walking a tree from its root, without recursion, in one of three orders."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any, Literal, NamedTuple

from fata.irmin.node import Leaf, Miss, Node
from fata.irmin.objects import Objects
from fata.irmin.path import Steps, beneath

Order = Literal["sorted", "undefined", "random"]


class Depth(NamedTuple):
    """Which depths are reported; the root's is 0. `Depth("le", 2)`: two steps at most."""

    relation: Literal["eq", "le", "lt", "ge", "gt"]
    steps: int

    def reports(self, depth: int) -> bool:
        """Whether what is at a depth is reported."""
        match self.relation:
            case "eq":
                return depth == self.steps
            case "le":
                return depth <= self.steps
            case "lt":
                return depth < self.steps
            case "ge":
                return depth >= self.steps
            case "gt":
                return depth > self.steps

    def goes_below(self, depth: int) -> bool:
        """Whether something below a depth may be reported."""
        match self.relation:
            case "eq" | "le":
                return depth < self.steps
            case "lt":
                return depth + 1 < self.steps
            case "ge" | "gt":
                return True


ANY = Depth("ge", 0)


class Visit(NamedTuple):
    """Something on the way. A directory is visited twice: before what is in it, and `leaving` it."""

    path: Steps
    entry: Node | Leaf
    leaving: bool = False
    skipped: bool = False  # it was not in memory, and the walk was told not to read


async def walk(
    objects: Objects[Any],
    root: Node | Leaf,
    *,
    order: Order = "sorted",
    depth: Depth = ANY,
    force: bool = True,
    uniq: bool = False,
    rng: random.Random | None = None,
) -> AsyncIterator[Visit]:
    """Yield what is in a tree. Without `force` directories that would have to be read are skipped; with `uniq` each
    different directory is entered once, wherever it stands."""
    chance = rng or random.Random(0)
    entered: set[bytes] = set()
    stack = [Visit((), root)]
    while stack:
        visit = stack.pop()
        path, entry, leaving, _ = visit
        report = depth.reports(len(path))
        if type(entry) is not Node or leaving:
            if report:
                yield visit
            continue
        if uniq:
            oid = objects.hash(entry)
            if oid in entered:
                continue
            entered.add(oid)
        below = await _beneath(objects, path, entry, force) if depth.goes_below(len(path)) else []
        if report:
            yield visit._replace(skipped=below is None)
        stack.append(visit._replace(leaving=True))
        if order == "random" and below:
            chance.shuffle(below)
        stack.extend(reversed(below or []))


async def _beneath(objects: Objects[Any], path: Steps, node: Node, force: bool) -> list[Visit] | None:
    """Return the entries of a directory; None if it is not in memory and must not be read."""
    if force:
        entries = await objects.ask(objects.entries, node)
    else:
        try:
            entries = objects.entries(node)
        except Miss:
            return None
    return [Visit(beneath(path, name), entry) for name, entry in entries]


class Stats(NamedTuple):
    """How large a tree is: directories, contents, those skipped, the longest path, the widest directory."""

    nodes: int
    leafs: int
    skips: int
    depth: int
    width: int


async def stats(objects: Objects[Any], root: Node | Leaf, force: bool = True) -> Stats:
    """Count what is in a tree."""
    nodes = leafs = skips = depth = width = 0
    async for path, entry, leaving, skipped in walk(objects, root, force=force):
        depth = max(depth, len(path))
        if type(entry) is not Node:
            leafs += 1
        elif skipped:
            skips += 1
        elif not leaving:
            nodes += 1
            width = max(width, len(await objects.ask(objects.names, entry)))
    return Stats(nodes, leafs, skips, depth, width)
