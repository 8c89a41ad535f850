"""Which commits changed a path last."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any, TypeVar

from fata.disk.git import changed_paths, trees
from fata.disk.git.objects import TREE
from fata.disk.git.trees import DIRECTORY
from fata.irmin.commits import Commits
from fata.irmin.history.changed import bits_of
from fata.irmin.history.graph import CommitGraph
from fata.irmin.merge.trees import identity
from fata.irmin.node import Node
from fata.irmin.objects import Objects
from fata.irmin.path import Steps

T = TypeVar("T")

Identity = tuple[bytes, bytes]  # mode and id: what tells two entries apart
MOST_KNOWN = 64  # trees


async def last_modified(
    commits: Commits[T], head: bytes, path: Steps, n: int = 1, depth: int | None = None
) -> list[bytes]:
    """Return the last `n` commits that changed what is at a path, newest first; looks back `depth` generations.

    As in git, a merge that has the same there as one of its parents did not change it, and only that parent's
    history is followed.
    """
    graph = commits.graph
    at = await graph.load(head)
    lowest = 0 if depth is None else graph.generation[at] - depth
    bits = bits_of(b"/".join(path)) if path else 0
    hashes = changed_paths.hashes(b"/".join(path)) if path else ()
    jumps = graph.jumps_of(path)
    left: int | None = None  # where the line began on which nothing has changed so far
    queue = [(-graph.generation[at], at)]
    seen = {at}
    found: list[bytes] = []
    looks = Looks(commits.objects, path)
    while queue and len(found) < n:
        _, at = heappop(queue)
        alone = not queue
        at = _skip(graph, at, bits, hashes, jumps) if alone else at
        below = graph.generation[at] < lowest
        same, changed = (None, False) if below else await _compare(graph, looks, at)
        if alone and same is not None:
            left = at if left is None else left
        elif left is not None:
            jumps[left], left = at, None
        if below:
            continue
        if changed:
            found.append(graph.ids[at])
        for parent in graph.parents[at] if same is None else (same,):
            if parent not in seen:
                seen.add(parent)
                heappush(queue, (-graph.generation[parent], parent))
    return found


def _skip(graph: CommitGraph, at: int, bits: int, hashes: Sequence[int], jumps: dict[int, int]) -> int:
    """Follow first parents as long as commits are known not to have touched the path."""
    changed, parents = graph.changed, graph.parents
    while True:
        signature = changed[at]
        if isinstance(signature, bytes):
            untouched = changed_paths.excludes(signature, hashes)
        else:
            untouched = signature is not None and signature & bits != bits
        if untouched and len(parents[at]) == 1:
            at = parents[at][0]
        elif at in jumps:
            at = jumps[at]
        else:
            return at


async def _compare(graph: CommitGraph, looks: Looks, at: int) -> tuple[int | None, bool]:
    """Return a parent that has the same at the path, or None; and whether the commit changed it."""
    tree = await graph.tree(at)
    mine: Identity | None = None
    for count, parent in enumerate(graph.parents[at]):
        other = await graph.tree(parent)
        if other == tree:
            return parent, False
        if not count:
            mine = await looks.identity(tree)
        if await looks.identity(other) == mine:
            return parent, False
    return None, bool(graph.parents[at]) or await looks.identity(tree) is not None


class Looks:
    """What is at one path of many trees. The last few answers are kept: a parent's tree is asked for again as such."""

    def __init__(self, objects: Objects[Any], path: Steps) -> None:
        self._objects = objects
        self._path = path
        self._known: dict[bytes, Identity | None] = {}

    async def identity(self, oid: bytes) -> Identity | None:
        """Return mode and id of what is at the path of a tree; None if nothing is."""
        if oid in self._known:
            return self._known[oid]
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        found = self._known[oid] = await self._look(oid)
        return found

    async def _look(self, oid: bytes) -> Identity | None:
        """Look for one name in each directory: whole ones are not parsed."""
        objects = self._objects
        if objects.wide is not None:
            return identity(objects, await objects.ask(objects.find, Node(oid), self._path))
        mode = DIRECTORY
        for step in self._path:
            if mode != DIRECTORY:
                return None
            entry = trees.find(await objects.read(oid, TREE), step, objects.id_size)
            if entry is None:
                return None
            mode, oid = DIRECTORY if trees.is_directory(entry.mode) else entry.mode, entry.id
        return mode, oid
