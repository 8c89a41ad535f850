"""Histories: the commits between some and some others, as a graph."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heappop, heappush
from typing import Generic, NamedTuple, TypeVar

from fata.irmin.commit import Commit
from fata.irmin.commits import Commits

T = TypeVar("T")


class History(NamedTuple, Generic[T]):
    """Commits, newest first (each before its parents), and which of them are a commit's parents."""

    commits: list[Commit[T]]
    parents: dict[Commit[T], list[Commit[T]]]


async def history(
    commits: Commits[T], heads: Iterable[bytes], oldest: Iterable[bytes] = (), depth: int | None = None
) -> History[T]:
    """Return what led to the heads, without what led to `oldest` (which are in it), `depth` generations deep."""
    graph = commits.graph
    numbers = [await graph.load(oid) for oid in dict.fromkeys(heads)]
    stops = {await graph.load(oid) for oid in oldest}
    hidden = _ancestors(graph.parents, stops) - stops
    queue = [(-graph.generation[number], number) for number in numbers if number not in hidden]
    lowest = -min((generation for generation, _ in queue), default=0) - (depth or 0)
    heapify(queue)
    seen = {number for _, number in queue}
    order: list[int] = []
    while queue:
        _, number = heappop(queue)
        order.append(number)
        for parent in graph.parents[number] if number not in stops else ():
            if parent in seen or parent in hidden or (depth is not None and graph.generation[parent] <= lowest):
                continue
            seen.add(parent)
            heappush(queue, (-graph.generation[parent], parent))
    found = {number: await commits.commit(graph.ids[number]) for number in order}
    links = {found[number]: [found[each] for each in graph.parents[number] if each in found] for number in order}
    return History(list(found.values()), links)


def _ancestors(parents: list[tuple[int, ...]], numbers: Iterable[int]) -> set[int]:
    seen = set(numbers)
    work = list(seen)
    for number in work:  # grows while it is walked
        for parent in parents[number]:
            if parent not in seen:
                seen.add(parent)
                work.append(parent)
    return seen
