"""Reading and writing through a backend: octets to nodes, contents and commits, and back.

What is asked of a tree is answered by plain functions. Where one meets a node that has not been read, it raises `Miss`;
whoever called awaits `fetch` and asks again. A node that was read keeps its octets, so each question makes progress
however small a cache is; a backend that has everything at hand (`peek`) never makes anybody wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from fata.disk.git.errors import Malformed
from fata.disk.git.objects import BLOB, TREE, Hash, Object, object_id
from fata.disk.git.trees import DIRECTORY, NORMAL, Shape, parse_shape
from fata.irmin.backend.contract import Backend, Immediate
from fata.irmin.cache import ObjectCache
from fata.irmin.contents.contract import Contents
from fata.irmin.errors import CorruptObject, MissingObject, WrongKind
from fata.irmin.node import Leaf, Miss, Node, empty, fold_edits, put
from fata.irmin.path import Steps

T = TypeVar("T")
A = TypeVar("A")


class Objects(Generic[T]):
    """The objects of one store."""

    def __init__(self, backend: Backend, contents: Contents[T], new: Hash) -> None:
        self.backend = backend
        self.contents = contents
        self.new = new  # the hash
        self.id_size = len(new(b"").digest())
        self.empty_id = object_id(TREE, b"", new)
        self.cache = ObjectCache()
        self.keep: Callable[[bytes, Object], None] = self.cache.keep
        self.peek: Callable[[bytes], Object | None] = self.cache.get
        if isinstance(backend, Immediate):
            self.keep, self.peek = _forget, backend.peek

    # Reading

    async def read(self, oid: bytes, kind: bytes) -> bytes:
        """Return an object's body. Raises `MissingObject`, `CorruptObject`."""
        found = self.peek(oid)
        if found is None or found[0] != kind:
            found = await self.read_any(oid, kind)
        return found[1]

    async def read_any(self, oid: bytes, kind: bytes | None = None) -> Object:
        """Return an object, past what is at hand. Raises `MissingObject`, `CorruptObject`, also for another kind."""
        found = await self.backend.read(oid)
        if found is None:
            raise MissingObject(oid)
        if object_id(*found, self.new) != oid:
            raise CorruptObject(oid, "its octets have another hash")
        if kind is not None and found[0] != kind:
            raise CorruptObject(oid, f"a {found[0].decode()} where a {kind.decode()} is needed")
        self.keep(oid, found)
        return found

    async def ask(self, question: Callable[..., A], *arguments: Any) -> A:
        """Return what a plain function answers, reading the nodes that it misses."""
        while True:
            try:
                return question(*arguments)
            except Miss as miss:
                node = miss.node
            await self.fetch(node)

    async def fetch(self, node: Node) -> None:
        """Read a node that was missed."""
        if node.base is None:
            assert node.oid is not None
            node.base = await self.read(node.oid, TREE)

    def shape(self, node: Node) -> Shape:
        """Return where a node's ids stand. Raises `Miss`, `CorruptObject`."""
        if node.shape is not None:
            return node.shape
        base = node.base
        if base is None:
            assert node.oid is not None
            found = self.peek(node.oid)
            if found is None:
                raise Miss(node)
            if found[0] != TREE:
                raise CorruptObject(node.oid, f"a {found[0].decode()} where a tree is needed")
            base = node.base = found[1]
        try:
            node.shape = shape = parse_shape(base, self.id_size)
        except Malformed as error:
            raise CorruptObject(node.oid or b"", str(error)) from None
        return shape

    def entry(self, node: Node, step: bytes) -> Node | Leaf | None:
        """Return what a directory has under a name. Raises `Miss`."""
        child = node.children.get(step)
        if child is not None:
            return child
        if node.edits and step in node.edits:
            return node.edits[step]
        at = (node.shape or self.shape(node)).get(step)
        if at is None:
            return None
        base = node.base
        assert base is not None
        end = at - len(step) - 2
        if base[end - 5 : end] == DIRECTORY:
            child = node.children[step] = Node(base[at : at + self.id_size])
            return child
        return base[end - 6 : end], base[at : at + self.id_size], None

    def find(self, root: Node, path: Iterable[bytes]) -> Node | Leaf | None:
        """Return what is at a path. Raises `Miss`."""
        found: Node | Leaf | None = root
        for step in path:
            if type(found) is not Node:
                return None
            found = found.children.get(step) or self.entry(found, step)
        return found

    async def octets(self, leaf: Leaf) -> bytes:
        """Return the octets of contents."""
        _, oid, body = leaf
        if body is not None:
            return body
        assert oid is not None
        return await self.read(oid, BLOB)

    async def value(self, leaf: Leaf) -> T:
        """Return contents as a value. Raises `CorruptObject` if they are of another type."""
        body = await self.octets(leaf)
        try:
            return self.contents.decode(body)
        except ValueError as error:
            raise CorruptObject(self.leaf_id(leaf), f"is no {self.contents.name}: {error}") from None

    def leaf_id(self, leaf: Leaf) -> bytes:
        """Return the id of contents, which need not be in the store."""
        _, oid, body = leaf
        if oid is None:
            assert body is not None
            oid = object_id(BLOB, body, self.new)
        return oid

    # Changing

    def put(self, root: Node, path: Steps, value: Node | Leaf | None) -> Node:
        """Return a tree with `value` at `path` (None: nothing there). Raises `Miss`.

        Directories are made as needed, and what stands in the way of one is replaced. A directory that loses its
        last entry goes, too. The path is not the root.
        """
        passed: list[Node] = []
        node = root
        for step in path[:-1]:
            passed.append(node)
            found = self.entry(node, step)
            if type(found) is Node:
                node = found
            elif value is None:
                return root
            else:
                node = empty()
        last = path[-1]
        if value is None and self.entry(node, last) is None:
            return root
        new: Node | Leaf | None = value
        for step in reversed(path):
            if node.shape is None:
                self.shape(node)
            changed = node.changed()
            put(changed, step, new)
            new = None if value is None and passed and self.is_empty(changed) else changed
            node = passed.pop() if passed else node
        return changed

    def put_all(self, root: Node, items: Iterable[tuple[Steps, Node | Leaf | None]]) -> Node:
        """Return a tree with all the values, at the cost of copying each touched directory once. Raises `Miss`."""
        self.shape(root)
        made: dict[Steps, Node] = {(): root.changed()}
        thinned = []
        for path, value in items:
            parent = path[:-1]
            node = made.get(parent) or self._open_for_edits(made, parent)
            put(node, path[-1], value)
            if value is None:
                thinned.append(parent)
            if path in made:  # a directory that was changed a moment ago is replaced
                for stale in [known for known in made if known[: len(path)] == path]:
                    del made[stale]
        for path in thinned:
            while path and self.is_empty(made[path]):
                put(made[path[:-1]], path[-1], None)
                path = path[:-1]
        return made[()]

    def _open_for_edits(self, made: dict[Steps, Node], path: Steps) -> Node:
        """Copy the directories along `path` that are not copies of ours yet, and return the last."""
        node = made[()]
        for depth, step in enumerate(path, 1):
            found = self.entry(node, step)
            mine = made.get(path[:depth])
            if mine is None or found is not mine:
                if type(found) is Node:
                    self.shape(found)
                    mine = found.changed()
                else:
                    mine = empty()
                put(node, step, mine)
                made[path[:depth]] = mine
            node = mine
        return node

    def is_empty(self, node: Node) -> bool:
        """Whether a directory has no entries. Raises `Miss`."""
        shape = self.shape(node)
        edits = node.edits
        if not edits:
            return not shape
        if any(edit is not None for edit in edits.values()):
            return False
        return all(name in edits for name in shape) if len(edits) >= len(shape) else False

    def names(self, node: Node) -> list[bytes]:
        """Return a directory's names in git's order. Raises `Miss`."""
        self.hash(node)
        return list(self.shape(node))

    def entries(self, node: Node, offset: int = 0, length: int | None = None) -> list[tuple[bytes, Node | Leaf]]:
        """Return a directory's names and what they stand for, in git's order. Raises `Miss`."""
        found = []
        for name in self.names(node)[offset : None if length is None else offset + length]:
            entry = self.entry(node, name)
            assert entry is not None
            found.append((name, entry))
        return found

    # Hashing and writing

    def hash(self, root: Node) -> bytes:
        """Return the id of a tree, without writing it. Raises `Miss` never: changed nodes have been read."""
        if root.oid is not None:
            return root.oid
        order = [root]
        for node in order:  # grows while it is walked
            order.extend(child for child in (node.edits or {}).values() if type(child) is Node and child.oid is None)
        for node in reversed(order):
            if node.oid is None:
                self._hash_one(node)
        oid = order[0].oid
        assert oid is not None
        return oid

    def _hash_one(self, node: Node) -> None:
        edits = node.edits or {}
        entries: dict[bytes, tuple[bytes, bytes] | None] = {}
        for name, edit in edits.items():
            if type(edit) is tuple:
                mode, oid, body = edit
                if oid is None:
                    assert body is not None
                    oid = object_id(BLOB, body, self.new)
                    edits[name] = (mode, oid, body)
                entries[name] = (mode, oid)
            elif edit is None:
                entries[name] = None
            else:
                assert type(edit) is Node
                assert edit.oid is not None
                entries[name] = (DIRECTORY, edit.oid)
        self.shape(node)
        fold_edits(node, entries, self.id_size)
        assert node.base is not None
        node.oid = object_id(TREE, node.base, self.new)

    def unsaved(self, root: Node) -> tuple[dict[bytes, Object], list[Node]]:
        """Return the objects of a tree that are not in the store, and the nodes that hold them."""
        self.hash(root)
        objects: dict[bytes, Object] = {}
        nodes = [root] if root.edits is not None else []
        for node in nodes:  # grows while it is walked
            for edit in (node.edits or {}).values():
                if type(edit) is tuple:
                    if edit[2] is not None:
                        assert edit[1] is not None
                        objects[edit[1]] = (BLOB, edit[2])
                elif type(edit) is Node and edit.edits is not None:
                    nodes.append(edit)
            assert node.oid is not None
            assert node.base is not None
            objects[node.oid] = (TREE, node.base)
        return objects, nodes

    def saved(self, objects: Mapping[bytes, Object], nodes: Iterable[Node]) -> None:
        """Note that objects, and so what the nodes held, are in the store now."""
        for node in nodes:
            node.edits = None
        if self.keep is not _forget:
            for oid, found in objects.items():
                self.keep(oid, found)

    def leaf(self, value: T, mode: bytes = NORMAL) -> Leaf:
        """Return contents that are not in the store yet."""
        return mode, None, self.contents.encode(value)


def _forget(oid: bytes, found: Object) -> None:
    """Remember nothing: the backend does."""


def need_node(found: Node | Leaf | None, path: object) -> Node | None:
    """Return a directory or None; contents raise `WrongKind`."""
    if found is None or type(found) is Node:
        return found
    raise WrongKind(f"{path!r}: contents, where a directory is needed")
