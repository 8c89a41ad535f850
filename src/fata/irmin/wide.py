"""Wide directories of our own formats: a tree of forks beneath one node, read and rebuilt only where it matters.

To the rest of the store such a directory is a `Node` like any other: `edits` lie over it, and when it is hashed they
are handed down to the few parts that they belong to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fata.disk import inode
from fata.disk.git.objects import TREE, Object, object_id
from fata.disk.git.trees import Entry, serialize
from fata.disk.inode import INODE, LEVELS, WIDEST, Fork, Part, part_of, place
from fata.irmin.node import Miss, Node, Wide, fold_edits

if TYPE_CHECKING:
    from fata.irmin.reading import Reading

REMEMBERED = 8192  # inner nodes that a directory keeps from one commit to the next

Identity = tuple[bytes, bytes]  # mode and id
Entries = dict[bytes, Identity | None]  # name -> what shall be there


class WideDirectories:
    """Looks into forks, and makes them."""

    def __init__(self, objects: Reading[Any]) -> None:
        self._objects = objects

    def bucket(self, node: Node, name: bytes) -> Node | None:
        """Return the part of a wide directory in which a name is, if it is there at all. Raises `Miss`."""
        assert node.wide is not None
        inner, fork = node.wide.inner, node.wide.fork
        hashed = place(name)
        for level in range(LEVELS):
            part = fork.get(part_of(hashed, level))
            if part is None:
                return None
            below = self._inner(inner, part)
            if below.wide is None:
                return below
            fork = below.wide.fork
        return None

    def _inner(self, inner: dict[bytes, Node], part: Part) -> Node:
        found = inner.get(part.id)
        if found is None:
            found = inner[part.id] = Node(part.id)
        self._objects.shape(found)
        return found

    def buckets(self, inner: dict[bytes, Node], fork: Fork) -> list[Node]:
        """Return all parts that hold entries. What is not at hand is missed at once, level by level. Raises `Miss`."""
        found: list[Node] = []
        missed: list[Node] = []
        work = [fork]
        while work:
            for part in work.pop().values():
                try:
                    below = self._inner(inner, part)
                except Miss as miss:
                    missed += miss.nodes
                    continue
                if below.wide is None:
                    found.append(below)
                else:
                    work.append(below.wide.fork)
        if missed:
            raise Miss(*missed)
        return found

    def ids(self, node: Node) -> dict[bytes, Identity]:
        """Return mode and id of every name. Raises `Miss`."""
        assert node.wide is not None
        found: dict[bytes, Identity] = {}
        for bucket in self.buckets(node.wide.inner, node.wide.fork):
            found.update(self._objects.ids_in(bucket))
        return found

    def differing(self, ours: Node, theirs: Node) -> list[bytes]:
        """Return the names at which two wide directories differ; equal parts are not read. Raises `Miss`."""
        assert ours.wide is not None
        assert theirs.wide is not None
        mine: list[Node] = []
        yours: list[Node] = []
        work = [(ours.wide.fork, theirs.wide.fork)]
        while work:
            left, right = work.pop()
            for number in left.keys() | right.keys():
                a, b = left.get(number), right.get(number)
                if a is not None and b is not None and a.id == b.id:
                    continue
                if a is not None and b is not None and a.fork and b.fork:
                    work.append((self._fork(ours.wide, a), self._fork(theirs.wide, b)))
                    continue
                mine += self._beneath(ours.wide, a)
                yours += self._beneath(theirs.wide, b)
        old = {name: entry for bucket in mine for name, entry in self._objects.ids_in(bucket).items()}
        new = {name: entry for bucket in yours for name, entry in self._objects.ids_in(bucket).items()}
        return sorted({name for name, _ in old.items() ^ new.items()})

    def _fork(self, wide: Wide, part: Part) -> Fork:
        below = self._inner(wide.inner, part).wide
        assert below is not None
        return below.fork

    def _beneath(self, wide: Wide, part: Part | None) -> list[Node]:
        return [] if part is None else self.buckets(wide.inner, {0: part})

    def prepare(self, node: Node, name: bytes, removing: bool) -> None:
        """See to it that hashing the node later, with a change of `name`, will miss nothing. Raises `Miss`."""
        assert node.wide is not None
        self.bucket(node, name)
        if not removing:
            return
        # A fork that gets small becomes a tree: then all of its parts are needed.
        few = WIDEST + len(node.edits or ()) + 1
        fork, hashed = node.wide.fork, place(name)
        for level in range(LEVELS):
            if inode.count_of(fork) <= few:
                self.buckets(node.wide.inner, fork)
                return
            part = fork.get(part_of(hashed, level))
            if part is None or not part.fork:
                return
            fork = self._fork(node.wide, part)

    def fold(self, node: Node, entries: Entries) -> bytes:
        """Put entries into a directory that is wide, or may become so; return its id."""
        wide = node.wide
        inner = {} if wide is None else wide.inner
        making = _Making(self._objects, self, inner, {} if wide is None else dict(wide.fresh))
        part = making.rebuild(node, 0, entries, {name: place(name) for name in entries})
        kind, body = making.fresh.pop(part.id) if part else (TREE, b"")
        node.base = body
        made = Node(None, body) if part is None else inner[part.id]
        node.wide = Wide(made.wide.fork, inner, making.fresh) if made.wide is not None else None
        node.shape = made.shape
        return object_id(kind, body, self._objects.new) if part is None else part.id


class _Making:
    """One rebuilding: what it makes goes into `fresh` and `inner`."""

    def __init__(
        self, objects: Reading[Any], directories: WideDirectories, inner: dict[bytes, Node], fresh: dict[bytes, Object]
    ) -> None:
        self._objects = objects
        self._directories = directories
        self._inner = inner
        self.fresh = fresh

    def rebuild(self, node: Node | None, level: int, entries: Entries, hashes: dict[bytes, int]) -> Part | None:
        """Return the part that `node` becomes; None if nothing is left in it."""
        if node is not None and node.wide is not None:
            return self._divided(dict(node.wide.fork), level, entries, hashes)
        if node is None or not node.base:
            left: dict[bytes, Identity] = {name: entry for name, entry in entries.items() if entry is not None}
        else:
            # Most changes leave a tree a tree, with one id replaced.
            made = Node(None, node.base, node.shape)
            fold_edits(made, entries, self._objects.id_size)
            count = len(self._objects.shape(made))
            if count <= WIDEST or level >= LEVELS:
                return self._keep_tree(made, count)
            left = self._objects.ids_in(made)
        if len(left) > WIDEST and level < LEVELS:
            return self._divided({}, level, left, {name: hashes.get(name) or place(name) for name in left})
        return self._tree(left)

    def _divided(
        self, fork: Fork, level: int, entries: Mapping[bytes, Identity | None], hashes: dict[bytes, int]
    ) -> Part | None:
        groups: dict[int, Entries] = {}
        for name, entry in entries.items():
            groups.setdefault(part_of(hashes[name], level), {})[name] = entry
        for number, group in groups.items():
            part = fork.get(number)
            below = None if part is None else self._directories._inner(self._inner, part)
            new = self.rebuild(below, level + 1, group, hashes)
            if new is None:
                fork.pop(number, None)
            else:
                fork[number] = new
        count = inode.count_of(fork)
        if count <= WIDEST:
            return self._tree(dict(self._all(fork)))
        fork = dict(sorted(fork.items()))
        made = Node(None, inode.serialize(fork), {}, wide=Wide(fork, {}, {}))
        return Part(True, count, self._keep(INODE, made))

    def _all(self, fork: Fork) -> Iterator[tuple[bytes, Identity]]:
        for bucket in self._directories.buckets(self._inner, fork):
            yield from self._objects.ids_in(bucket).items()

    def _tree(self, entries: dict[bytes, Identity]) -> Part | None:
        found = [Entry(mode, name, oid) for name, (mode, oid) in entries.items()]
        return self._keep_tree(Node(None, serialize(found)), len(found))

    def _keep_tree(self, made: Node, count: int) -> Part | None:
        return Part(False, count, self._keep(TREE, made)) if count else None

    def _keep(self, kind: bytes, made: Node) -> bytes:
        assert made.base is not None
        made.oid = oid = object_id(kind, made.base, self._objects.new)
        self._inner.setdefault(oid, made)
        self.fresh[oid] = (kind, made.base)
        return oid


def saved(nodes: Iterable[Node]) -> None:
    """Note that what wide directories have made is in the store now."""
    for node in nodes:
        wide = node.wide
        if wide is not None:
            node.wide = Wide(wide.fork, wide.inner if len(wide.inner) < REMEMBERED else {}, {})
