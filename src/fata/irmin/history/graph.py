"""The graph of commits, in arrays: numbers for ids, parents, generations, and what each commit changed.

A commit's *generation* is one more than the highest of its parents', so no commit can be reached from one of a lower
generation. That orders every walk without looking at dates, which lie. The graph of a store's own commits grows with
them; of others it is read once, when somebody asks for history.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any

from fata.disk.git.commits import parse_links
from fata.disk.git.errors import Malformed
from fata.disk.git.objects import COMMIT
from fata.irmin.backend.contract import Linked, Shallow
from fata.irmin.errors import CorruptObject, MissingObject, TooManyLcas
from fata.irmin.objects import Objects
from fata.irmin.path import Steps

OURS, THEIRS, STALE = 1, 2, 4
BOTH = OURS | THEIRS
PATHS = 256  # of which it is remembered where they have not changed


class CommitGraph:
    """All commits that were ever asked for, with all that led to them."""

    def __init__(self, objects: Objects[Any]) -> None:
        self._objects = objects
        self._linked = False  # whether the backend was asked for what it knows of links
        self.number: dict[bytes, int] = {}
        self.ids: list[bytes] = []
        self.parents: list[tuple[int, ...]] = []
        self.generation: list[int] = []
        self.changed: list[int | bytes | None] = []  # as in changed.py, or as git notes it
        self._jumps: dict[Steps, dict[int, int]] = {}  # of the paths that were asked for last
        self.trees: list[bytes | None] = []  # None: the commit says it

    def __len__(self) -> int:
        return len(self.ids)

    def jumps_of(self, path: Steps) -> dict[int, int]:
        """Return what was found out of a path: from a commit to one further back with the same there."""
        jumps = self._jumps.pop(path, None) or {}
        self._jumps[path] = jumps
        if len(self._jumps) > PATHS:
            del self._jumps[next(iter(self._jumps))]
        return jumps

    def add(
        self, oid: bytes, parents: tuple[bytes, ...], changed: int | bytes | None = None, tree: bytes | None = None
    ) -> None:
        """Note a commit. If a parent is not known yet nothing is noted: it will be read when it is needed."""
        number = self.number
        if oid in number:
            return
        generation = self.generation
        links: list[int] = []
        highest = 0
        for parent in parents:
            link = number.get(parent)
            if link is None:
                return
            links.append(link)
            if generation[link] > highest:
                highest = generation[link]
        number[oid] = len(self.ids)
        self.ids.append(oid)
        self.parents.append(tuple(links))
        generation.append(highest + 1)
        self.changed.append(changed)
        self.trees.append(tree)

    async def load(self, oid: bytes) -> int:
        """Return a commit's number, after reading what is not known of its history.

        A parent that is not in the store ends the history, and so does a commit where it was cut. Raises
        `MissingObject` if the commit itself is not there, and `CorruptObject`.
        """
        if oid not in self.number and not self._linked:
            self._linked = True
            backend = self._objects.backend
            for each, parents, tree, changed in backend.links() if isinstance(backend, Linked) else ():
                self.add(each, parents, changed, tree)
        if oid not in self.number:
            await self._load(oid)
        return self.number[oid]

    async def _load(self, oid: bytes) -> None:
        backend = self._objects.backend
        cut = await backend.shallow() if isinstance(backend, Shallow) else set()
        read: dict[bytes, tuple[bytes, tuple[bytes, ...]]] = {oid: await self._read(oid)}
        gone: set[bytes] = set()
        stack = [oid]
        while stack:
            top = stack[-1]
            tree, parents = read[top]
            parents = () if top in cut else parents
            unknown = [each for each in parents if each not in self.number and each not in gone]
            for each in unknown:
                try:
                    read[each] = await self._read(each)
                    stack.append(each)
                except MissingObject:
                    gone.add(each)
            if stack[-1] is top:
                self.add(top, tuple([each for each in parents if each not in gone]), None, tree)
                del read[top]
                stack.pop()

    async def tree(self, number: int) -> bytes:
        """Return the id of a commit's tree. Raises `MissingObject`, `CorruptObject`."""
        tree = self.trees[number]
        return (await self._read(self.ids[number]))[0] if tree is None else tree

    async def _read(self, oid: bytes) -> tuple[bytes, tuple[bytes, ...]]:
        """Return the ids of a commit's tree and parents."""
        objects = self._objects
        found = objects.peek(oid)
        body = found[1] if found is not None and found[0] == COMMIT else await objects.read(oid, COMMIT)
        try:
            return parse_links(body, objects.id_size)[:2]
        except Malformed as error:
            raise CorruptObject(oid, str(error)) from None

    async def lcas(self, ours: bytes, theirs: bytes, max_depth: int | None = None, n: int | None = None) -> list[bytes]:
        """Return the common ancestors that are no ancestors of other common ones, in a fixed order.

        Raises `TooManyLcas` if there are more than `n`, or if more than `max_depth` generations have to be looked at.
        """
        return await self.shared([ours], theirs, max_depth, n)

    async def shared(
        self, ours: Sequence[bytes], theirs: bytes, max_depth: int | None = None, n: int | None = None
    ) -> list[bytes]:
        """Return the lowest common ancestors of a commit and of what a merge of all of `ours` would be."""
        mine, yours = {await self.load(each) for each in ours}, await self.load(theirs)
        lowest = 0 if max_depth is None else max(self.generation[each] for each in (*mine, yours)) - max_depth
        found = sorted(self.ids[number] for number in self._paint(mine, yours, lowest))
        if n is not None and len(found) > n:
            raise TooManyLcas(f"{len(found)} common ancestors, the limit is {n}")
        return found

    def _paint(self, mine: set[int], yours: int, lowest: int) -> list[int]:
        """Walk from all heads, highest generation first: what both reach first are the lowest common ancestors."""
        if yours in mine:
            return [yours]
        generation, parents = self.generation, self.parents
        colours = {**dict.fromkeys(mine, OURS), yours: THEIRS}
        queue = [(-generation[number], number) for number in sorted(colours, key=lambda each: -generation[each])]
        open_ends = len(queue)  # entries of the queue that are not stale
        found = []
        while queue and open_ends:
            _, number = heappop(queue)
            colour = colours[number]
            if not colour & STALE:
                open_ends -= 1
                if generation[number] < lowest:
                    raise TooManyLcas("the common ancestors are deeper than the limit")
                if colour == BOTH:
                    found.append(number)
                    colour |= STALE
            for parent in parents[number]:
                known = colours.get(parent)
                if known is None:
                    heappush(queue, (-generation[parent], parent))
                    open_ends += not colour & STALE
                elif not known & STALE and colour & STALE:
                    open_ends -= 1
                colours[parent] = colour | (known or 0)
        return found

    async def is_ancestor(self, old: bytes, new: bytes) -> bool:
        """Whether one commit led to another, or is it."""
        low, high = await self.load(old), await self.load(new)
        floor = self.generation[low]
        seen = {high}
        work = [high]
        for number in work:  # grows while it is walked
            if number == low:
                return True
            for parent in self.parents[number]:
                if parent not in seen and self.generation[parent] >= floor:
                    seen.add(parent)
                    work.append(parent)
        return False
