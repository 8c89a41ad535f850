"""Which commits changed a path last."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TypeVar

from fata.irmin.commits import Commits
from fata.irmin.history.changed import bits_of
from fata.irmin.history.graph import CommitGraph
from fata.irmin.merge.trees import identity
from fata.irmin.path import Steps

T = TypeVar("T")


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
    queue = [(-graph.generation[at], at)]
    seen = {at}
    found: list[bytes] = []
    while queue and len(found) < n:
        _, at = heappop(queue)
        at = at if queue else _skip(graph, at, bits)
        if graph.generation[at] < lowest:
            continue
        same, changed = await _compare(commits, at, path)
        if changed:
            found.append(graph.ids[at])
        for parent in graph.parents[at] if same is None else (same,):
            if parent not in seen:
                seen.add(parent)
                heappush(queue, (-graph.generation[parent], parent))
    return found


def _skip(graph: CommitGraph, at: int, bits: int) -> int:
    """Follow first parents as long as commits are known not to have touched the path."""
    changed, parents = graph.changed, graph.parents
    while True:
        signature = changed[at]
        if signature is None or signature & bits == bits or len(parents[at]) != 1:
            return at
        at = parents[at][0]


async def _compare(commits: Commits[T], at: int, path: Steps) -> tuple[int | None, bool]:
    """Return a parent that has the same at the path, or None; and whether the commit changed it."""
    graph = commits.graph
    mine = await _identity(commits, graph.ids[at], path)
    for parent in graph.parents[at]:
        if await _identity(commits, graph.ids[parent], path) == mine:
            return parent, False
    return None, bool(graph.parents[at]) or mine is not None


async def _identity(commits: Commits[T], oid: bytes, path: Steps) -> tuple[bytes, bytes] | None:
    commit = await commits.commit(oid)
    return identity(commits.objects, await commits.objects.ask(commits.objects.find, commit.root, path))
