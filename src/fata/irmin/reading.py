"""Reading and writing through a backend: octets to nodes, contents and commits, and back.

What is asked of a tree is answered by plain functions. Where one meets a node that has not been read, it raises `Miss`;
whoever called awaits `fetch` and asks again. A node that was read keeps its octets, so each question makes progress
however small a cache is; a backend that has everything at hand (`peek`) never makes anybody wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from fata.disk.git.errors import Malformed
from fata.disk.git.objects import BLOB, TREE, Hash, Object, object_id
from fata.disk.git.trees import DIRECTORY, Shape, parse_shape
from fata.disk.inode import INODE
from fata.disk.inode import parse as parse_fork
from fata.irmin.backend.contract import Backend, Immediate
from fata.irmin.cache import ObjectCache
from fata.irmin.contents.contract import Contents
from fata.irmin.errors import CorruptObject, MissingObject
from fata.irmin.gate import Gate
from fata.irmin.node import Leaf, Miss, Node, Wide
from fata.irmin.wide import WideDirectories

T = TypeVar("T")
A = TypeVar("A")


class Reading(Generic[T]):
    """The reading half of a store's objects."""

    def __init__(self, backend: Backend, contents: Contents[T], new: Hash, inodes: bool = False) -> None:
        self.backend = backend
        self.contents = contents
        self.decode = contents.decode
        self.new = new  # the hash
        self.id_size = len(new(b"").digest())
        self.empty_id = object_id(TREE, b"", new)
        self.cache = ObjectCache()
        self.gate = Gate()
        self.wide = WideDirectories(self) if inodes else None
        self.keep: Callable[[bytes, Object], None] = self.cache.keep
        self.peek: Callable[[bytes], Object | None] = self.cache.get
        if isinstance(backend, Immediate):
            self.keep, self.peek = forget, backend.peek
        self.immediate = self.keep is forget

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
        if kind not in (None, found[0]) and (kind, found[0]) != (TREE, INODE):
            raise CorruptObject(oid, f"a {found[0].decode()} where a {kind.decode()} is needed")
        self.keep(oid, found)
        return found

    async def ask(self, question: Callable[..., A], *arguments: Any) -> A:
        """Return what a plain function answers, reading the nodes that it misses."""
        while True:
            try:
                return question(*arguments)
            except Miss as miss:
                nodes = miss.nodes
            for node in nodes:
                await self.fetch(node)

    async def fetch(self, node: Node) -> None:
        """Read a node that was missed."""
        if node.base is None:
            assert node.oid is not None
            self.open(node, self.peek(node.oid) or await self.read_any(node.oid))

    def open(self, node: Node, found: Object) -> None:
        """Give a node its octets. Raises `CorruptObject`."""
        kind, body = found
        try:
            if kind == INODE and self.wide is not None:
                node.wide = Wide(parse_fork(body, self.id_size), {}, {})
                node.shape = {}
            elif kind == TREE:
                node.shape = parse_shape(body, self.id_size)
            else:
                raise CorruptObject(node.oid or b"", f"a {kind.decode()} where a tree is needed")
        except Malformed as error:
            raise CorruptObject(node.oid or b"", str(error)) from None
        node.base = body

    def shape(self, node: Node) -> Shape:
        """Return where a node's ids stand; of a fork, nothing. Raises `Miss`, `CorruptObject`."""
        if node.shape is not None:
            return node.shape
        if node.base is None:
            assert node.oid is not None
            found = self.peek(node.oid)
            if found is None:
                raise Miss(node)
            self.open(node, found)
        else:
            node.shape = parse_shape(node.base, self.id_size)  # of our own making: it cannot be malformed
        assert node.shape is not None
        return node.shape

    def entry(self, node: Node, step: bytes) -> Node | Leaf | None:
        """Return what a directory has under a name. Raises `Miss`."""
        child = node.children.get(step)
        if child is not None:
            return child
        if node.edits and step in node.edits:
            return node.edits[step]
        at = (node.shape or self.shape(node)).get(step)
        if at is None:
            return self._wide_entry(node, step) if node.wide is not None else None
        base = node.base
        assert base is not None
        end = at - len(step) - 2
        if base[end - 5 : end] == DIRECTORY:
            child = node.children[step] = Node(base[at : at + self.id_size])
            return child
        return base[end - 6 : end], base[at : at + self.id_size], None

    def _wide_entry(self, node: Node, step: bytes) -> Node | Leaf | None:
        assert self.wide is not None
        bucket = self.wide.bucket(node, step)
        return None if bucket is None else self.entry(bucket, step)

    def find(self, root: Node, path: Iterable[bytes]) -> Node | Leaf | None:
        """Return what is at a path. Raises `Miss`."""
        found: Node | Leaf | None = root
        for step in path:
            if type(found) is not Node:
                return None
            found = found.children.get(step) or self.entry(found, step)
        return found

    def ids_in(self, node: Node) -> dict[bytes, tuple[bytes, bytes]]:
        """Return mode and id of what stands in a node's own octets: no edits, no forks."""
        shape = self.shape(node)
        base, size = node.base, self.id_size
        assert base is not None
        found = {}
        for name, at in shape.items():
            end = at - len(name) - 2
            mode = DIRECTORY if base[end - 5 : end] == DIRECTORY else base[end - 6 : end]
            found[name] = mode, base[at : at + size]
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
        return self.decoded(leaf, await self.octets(leaf))

    def decoded(self, leaf: Leaf, body: bytes) -> T:
        """Return the value of contents' octets. Raises `CorruptObject` if they are of another type."""
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


def forget(oid: bytes, found: Object) -> None:
    """Remember nothing: the backend does."""
