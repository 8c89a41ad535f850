"""Trees: immutable maps from paths to contents, read as far as somebody looks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any, Generic, Literal, TypeVar

from fata.disk.git.trees import EXECUTABLE, NORMAL, SUBMODULE
from fata.irmin.concrete import Concrete, to_concrete
from fata.irmin.diff import diff
from fata.irmin.errors import InvalidPath, NotFound, WrongKind
from fata.irmin.merge.trees import merge_trees
from fata.irmin.node import Leaf, Miss, Node, empty
from fata.irmin.objects import Objects
from fata.irmin.path import CACHED, Path, Steps, divided, joined, steps, text, texts
from fata.irmin.walk import ANY, Depth, Order, Stats, stats, walk

T = TypeVar("T")
P = TypeVar("P", bound=Path)

A = TypeVar("A")

Kind = Literal["contents", "node"]
Fold = Callable[[tuple[str, ...], T, A], A]


class Tree(Generic[T]):
    """A tree, or contents alone (what `find_tree` gives for a path to contents).

    Changing returns another tree; nothing is written until a store commits it.
    """

    __slots__ = ("objects", "root")

    def __init__(self, objects: Objects[T], root: Node | Leaf | None = None) -> None:
        self.objects = objects
        self.root: Node | Leaf = empty() if root is None else root

    # Reading

    async def locate(self, path: Path) -> Node | Leaf | None:
        """Return what is at a path, as the store has it."""
        objects, root = self.objects, self.root
        where = steps(path)
        if type(root) is not Node:
            return None if where else root
        try:
            return objects.find(root, where)
        except Miss:
            return await objects.ask(objects.find, root, where)

    async def find(self, path: Path) -> T | None:
        """Return the contents at a path; None if there are none."""
        # The way of nearly all look-ups: everything is in memory, and no call stands in between. Whatever is out of
        # the ordinary (not asked for before, not there, changed, a long path) raises here and goes the other way.
        try:
            above, name = divided(path) if len(path) < CACHED else ((), b"")
            node: Any = self.root
            for step in above:
                node = node.children[step]
            return self.objects.decode(node.bodies[name])
        except (AttributeError, KeyError, TypeError, ValueError):
            pass
        found = await self.locate(path)
        if type(found) is not tuple:
            return None
        body = await self.objects.octets(found)
        if self.objects.immediate and len(path) < CACHED:
            self._remember(*divided(path), body)
        return self.objects.decoded(found, body)

    def _remember(self, above: Steps, name: bytes, body: bytes) -> None:
        """Keep the octets of contents at their directory, which never changes once it has no edits."""
        node: Node | Leaf | None = self.root
        for step in above:
            node = node.children.get(step) if type(node) is Node else None  # beneath a wide one it is elsewhere
        if type(node) is Node and node.edits is None and name:
            if node.bodies is None:
                node.bodies = {}
            node.bodies[name] = body

    async def get(self, path: Path) -> T:
        """Return the contents at a path. Raises `NotFound`."""
        found = await self.locate(path)
        if type(found) is not tuple:
            raise NotFound(repr(path))
        return await self.objects.value(found)

    async def kind(self, path: Path) -> Kind | None:
        """Say what is at a path."""
        found = await self.locate(path)
        return None if found is None else "node" if type(found) is Node else "contents"

    async def mem(self, path: Path) -> bool:
        """Whether contents are at a path."""
        return type(await self.locate(path)) is tuple

    async def mem_tree(self, path: Path) -> bool:
        """Whether anything is at a path."""
        return await self.locate(path) is not None

    async def find_tree(self, path: Path) -> Tree[T] | None:
        """Return what is at a path as a tree; None if there is nothing."""
        found = await self.locate(path)
        return None if found is None else Tree(self.objects, found)

    async def get_tree(self, path: Path) -> Tree[T]:
        """Return what is at a path as a tree. Raises `NotFound`."""
        found = await self.locate(path)
        if found is None:
            raise NotFound(repr(path))
        return Tree(self.objects, found)

    async def names(self, path: Path = "", offset: int = 0, length: int | None = None) -> list[str]:
        """Return a directory's names in the order of the store; [] where there is none."""
        found = await self.locate(path)
        if type(found) is not Node:
            return []
        names = await self.objects.ask(self.objects.names, found)
        return [text(name) for name in names[offset : None if length is None else offset + length]]

    async def list(self, path: Path = "", offset: int = 0, length: int | None = None) -> list[tuple[str, Tree[T]]]:
        """Return a directory's names and trees; [] where there is none."""
        found = await self.locate(path)
        if type(found) is not Node:
            return []
        objects = self.objects
        entries = await objects.ask(objects.entries, found, offset, length)
        return [(text(name), Tree(objects, entry)) for name, entry in entries]

    async def seq(
        self, path: Path = "", offset: int = 0, length: int | None = None
    ) -> AsyncIterator[tuple[str, Tree[T]]]:
        """Yield a directory's names and trees one by one."""
        found = await self.locate(path)
        if type(found) is not Node:
            return
        objects = self.objects
        names = await objects.ask(objects.names, found)
        for name in names[offset : None if length is None else offset + length]:
            yield text(name), Tree(objects, await objects.ask(objects.entry, found, name))

    async def length(self, path: Path = "") -> int:
        """Return how many names a directory has; 0 where there is none."""
        return len(await self.names(path))

    async def walk(
        self, path: Path = "", *, order: Order = "sorted", depth: Depth = ANY, force: bool = True, uniq: bool = False
    ) -> AsyncIterator[tuple[tuple[str, ...], Tree[T]]]:
        """Yield paths (from `path` on) and trees, directories before what is in them; see `fata.irmin.walk`."""
        found = await self.locate(path)
        if found is not None:
            async for visit in walk(self.objects, found, order=order, depth=depth, force=force, uniq=uniq):
                if not visit.leaving:
                    yield texts(visit.path), Tree(self.objects, visit.entry)

    async def items(
        self, path: Path = "", *, order: Order = "sorted", depth: Depth = ANY
    ) -> AsyncIterator[tuple[str, T]]:
        """Yield the paths of all contents, from `path` on, and their values."""
        found = await self.locate(path)
        if found is not None:
            async for visit in walk(self.objects, found, order=order, depth=depth):
                if type(visit.entry) is tuple and visit.entry[0] != SUBMODULE:
                    yield joined(visit.path), await self.objects.value(visit.entry)

    async def fold(
        self,
        start: A,
        *,
        contents: Fold[T, A] | None = None,
        pre: Fold[Tree[T], A] | None = None,
        post: Fold[Tree[T], A] | None = None,
        order: Order = "sorted",
        depth: Depth = ANY,
        force: bool = True,
        uniq: bool = False,
    ) -> A:
        """Return what functions make of `start`: `contents` at contents, `pre` and `post` around directories.

        Each is given the path, the value or directory, and what the one before has returned.
        """
        objects = self.objects
        async for path, entry, leaving, _ in walk(objects, self.root, order=order, depth=depth, force=force, uniq=uniq):
            step = post if leaving else pre
            if type(entry) is tuple:
                start = start if contents is None else contents(texts(path), await objects.value(entry), start)
            elif step is not None:
                start = step(texts(path), Tree(objects, entry), start)
        return start

    async def stats(self, force: bool = True) -> Stats:
        """Count directories, contents, the longest path and the widest directory."""
        return await stats(self.objects, self.root, force)

    async def to_concrete(self) -> Concrete:
        """Return the tree as dicts, contents as `Value`."""
        return await to_concrete(self.objects, self.root)

    def cleared(self) -> Tree[T]:
        """Return an equal tree that has nothing of it in memory; one that is not stored yet stays as it is."""
        root = self.root
        return Tree(self.objects, Node(root.oid)) if type(root) is Node and root.oid and not root.edits else self

    async def diff(self, other: Tree[T]) -> AsyncIterator[tuple[str, T | None, T | None]]:
        """Yield where contents differ: the path, ours and the other's; None where there are none."""
        objects = self.objects
        async for path, old, new in diff(objects, self.root, other.root):
            sides = [await objects.value(side) if type(side) is tuple else None for side in (old, new)]
            yield joined(path), sides[0], sides[1]

    async def merge(self, base: Tree[T] | None, other: Tree[T]) -> Tree[T]:
        """Merge another tree, made from `base` as this was, into this one. Raises `Conflict`."""
        ours, theirs = self._node(), other._node()
        return Tree(self.objects, await merge_trees(self.objects, None if base is None else base.root, ours, theirs))

    def hash(self) -> bytes:
        """Return the tree's id: what git calls it. Computes what has not been computed yet."""
        root = self.root
        return self.objects.hash(root) if type(root) is Node else self.objects.leaf_id(root)

    def is_empty(self) -> bool:
        """Whether it is the empty tree."""
        return type(self.root) is Node and self.hash() == self.objects.empty_id

    # Changing

    async def add(self, path: Path, value: T, mode: bytes | None = None) -> Tree[T]:
        """Return the tree with `value` at `path`. Without a `mode` (git's) a file stays executable if it was."""
        if mode is None:
            found = await self.locate(path)
            mode = EXECUTABLE if type(found) is tuple and found[0] == EXECUTABLE else NORMAL
        return await self._put(path, self.objects.leaf(value, mode))

    async def add_tree(self, path: Path, tree: Tree[T]) -> Tree[T]:
        """Return the tree with another one at `path`; at the root that is the other one."""
        return await self._put(path, tree.root)

    async def add_all(self, values: Mapping[P, T] | Iterable[tuple[Path, T]]) -> Tree[T]:
        """Return the tree with many values: quicker than one by one."""
        leaf = self.objects.leaf
        items = values.items() if isinstance(values, Mapping) else values
        leaves = [(steps(path), leaf(value)) for path, value in items]
        if any(not path for path, _ in leaves):
            raise InvalidPath("the root cannot hold contents beside others")
        return Tree(self.objects, await self.objects.ask(self.objects.put_all, self._node(), leaves))

    async def remove(self, path: Path) -> Tree[T]:
        """Return the tree without what is at `path`, and without directories that this leaves empty."""
        where = steps(path)
        if not where:
            return Tree(self.objects)
        root = await self.objects.ask(self.objects.put, self._node(), where, None)
        return self if root is self.root else Tree(self.objects, root)

    async def update(self, path: Path, change: Callable[[T | None], T | None]) -> Tree[T]:
        """Return the tree with what `change` makes of the contents at `path`; None is "no contents", both ways."""
        new = change(await self.find(path))
        return await self.remove(path) if new is None else await self.add(path, new)

    async def update_tree(self, path: Path, change: Callable[[Tree[T] | None], Awaitable[Tree[T] | None]]) -> Tree[T]:
        """Return the tree with what `change` makes of the tree at `path`."""
        new = await change(await self.find_tree(path))
        return await self.remove(path) if new is None else await self.add_tree(path, new)

    async def _put(self, path: Path, value: Node | Leaf) -> Tree[T]:
        where = steps(path)
        if not where:
            return Tree(self.objects, value)
        return Tree(self.objects, await self.objects.ask(self.objects.put, self._node(), where, value))

    def _node(self) -> Node:
        if type(self.root) is not Node:
            raise WrongKind("the tree is contents, which have nothing beneath them")
        return self.root

    def __repr__(self) -> str:
        return f"<Tree {self.hash().hex()[:10]}>"
