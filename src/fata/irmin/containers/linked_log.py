"""A long log: every entry is a file of its own below a path, so that appending does not grow dearer with the length.

Irmin links entries by their hashes; git collects what no tree names, so here directories do what links do there. An
entry's name is its time in hexadecimal and a tag, cut into three steps; no two replicas make the same name, and merging
the directories merges the logs. Works for any type of contents.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Generic, TypeVar, Unpack

from fata.irmin.commit import Commit
from fata.irmin.containers.stamp import Clock, now
from fata.irmin.containers.tags import Tags, random_tag
from fata.irmin.path import Path, steps, texts
from fata.irmin.store.options import Options
from fata.irmin.store.store import Store
from fata.irmin.tree import Tree

T = TypeVar("T")

DIGITS = 16  # of the time
CUTS = (5, 8)  # a directory holds what came within 4.9 hours, one in it within 4.3 s


class LinkedLog(Generic[T]):
    """A log below a path, which holds nothing else."""

    def __init__(self, store: Store[T], path: Path, clock: Clock = now, tags: Tags = random_tag) -> None:
        self._store = store
        self._path = texts(steps(path))
        self._clock = clock
        self._tags = tags

    async def append(self, value: T, **options: Unpack[Options]) -> Commit[T] | None:
        """Append an entry, later than all that this replica knows."""
        tag = self._tags()

        async def longer(tree: Tree[T]) -> Tree[T]:
            log = await tree.find_tree(self._path)
            last = None if log is None else await anext(_times(log), None)
            time = self._clock() if last is None else max(self._clock(), last + 1)
            return await tree.add((*self._path, *_name(time, tag)), value)

        return await self._store.change(longer, **options)

    async def cursor(self) -> Cursor[T]:
        """Return a place from which to read: behind the newest entry. What is appended later is not seen."""
        tree = await (await self._store.tree()).find_tree(self._path)
        return Cursor(tree)

    async def read_all(self) -> list[T]:
        """Return all values, newest first."""
        return [value async for value in await self.cursor()]


class Cursor(Generic[T]):
    """A place in a log that moves from new to old; an asynchronous iterator of values."""

    def __init__(self, tree: Tree[T] | None) -> None:
        self._entries = _newest_first(tree)

    async def read(self, count: int) -> list[T]:
        """Return the next `count` values, newest first; fewer only at the log's beginning."""
        found: list[T] = []
        while len(found) < count:
            try:
                found.append(await anext(self._entries))
            except StopAsyncIteration:
                break
        return found

    def __aiter__(self) -> AsyncIterator[T]:
        return self._entries


async def _newest_first(tree: Tree[T] | None) -> AsyncIterator[T]:
    work = [] if tree is None else [tree]
    while work:
        found = work.pop()
        if await found.kind("") == "contents":
            yield await found.get("")
        else:
            work += [child for _, child in await found.list()]


async def _times(tree: Tree[T]) -> AsyncIterator[int]:
    """Yield the times of entries, newest first."""
    work = [("", tree)]
    while work:
        name, found = work.pop()
        if await found.kind("") == "contents":
            yield int(name[:DIGITS], 16)
        else:
            work += [(name + step, child) for step, child in await found.list()]


def _name(time: int, tag: str) -> tuple[str, str, str]:
    name = f"{time:0{DIGITS}x}-{tag}"
    first, second = CUTS
    return name[:first], name[first:second], name[second:]
