"""Trees: immutable maps from paths to contents, read as far as somebody looks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Generic, Literal, TypeVar

from fata.disk.git.trees import EXECUTABLE, NORMAL
from fata.irmin.errors import InvalidPath, NotFound, WrongKind
from fata.irmin.node import Leaf, Miss, Node, empty
from fata.irmin.objects import Objects
from fata.irmin.path import Path, steps, text

T = TypeVar("T")
P = TypeVar("P", bound=Path)

Kind = Literal["contents", "node"]


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
        found = await self.locate(path)
        return await self.objects.value(found) if type(found) is tuple else None

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
