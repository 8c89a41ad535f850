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
    while queue and len(found) < n:
        _, at = heappop(queue)
        alone = not queue
        at = _skip(graph, at, bits, hashes, jumps) if alone else at
        below = graph.generation[at] < lowest
        same, changed = (None, False) if below else await _compare(commits, at, path)
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


async def _compare(commits: Commits[T], at: int, path: Steps) -> tuple[int | None, bool]:
    """Return a parent that has the same at the path, or None; and whether the commit changed it."""
    graph, objects = commits.graph, commits.objects
    tree = await graph.tree(at)
    mine: Identity | None = None
    for count, parent in enumerate(graph.parents[at]):
        other = await graph.tree(parent)
        if other == tree:
            return parent, False
        if not count:
            mine = await _identity(objects, tree, path)
        if await _identity(objects, other, path) == mine:
            return parent, False
    return None, bool(graph.parents[at]) or await _identity(objects, tree, path) is not None


async def _identity(objects: Objects[Any], oid: bytes, path: Steps) -> Identity | None:
    """Return mode and id of what is at a path of a tree; None if nothing is. Whole directories are not parsed."""
    if objects.wide is not None:
        return identity(objects, await objects.ask(objects.find, Node(oid), path))
    mode = DIRECTORY
    for step in path:
        if mode != DIRECTORY:
            return None
        entry = trees.find(await objects.read(oid, TREE), step, objects.id_size)
        if entry is None:
            return None
        mode, oid = DIRECTORY if trees.is_directory(entry.mode) else entry.mode, entry.id
    return mode, oid
