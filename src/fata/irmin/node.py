"""A directory in memory: the octets of its tree, what of it has been visited, and what has been changed since.

Nodes are values: once made, a node never changes what it *means*. What it knows grows: a stub gets its octets when it
is first looked into, sub-directories are made when they are first passed through, and when a changed node is hashed,
the changes are folded into its octets. So many trees share nodes, and a change makes new ones along one path only.

A change of one entry keeps the *shape* (which name's id stands where), so all versions of a directory share one
dict, and the new octets are the old ones with 20 of them replaced. That is what makes a commit cost microseconds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import final

from fata.disk.git.errors import Malformed
from fata.disk.git.objects import Object
from fata.disk.git.trees import DIRECTORY, Shape, sort_key
from fata.disk.inode import Fork

Leaf = tuple[bytes, bytes | None, bytes | None]  # (mode, id if known, octets if not yet in the store)


class Wide:
    """What a node has besides, if it is a fork: its parts, the nodes beneath, and those not yet in the store."""

    __slots__ = ("fork", "fresh", "inner")

    def __init__(self, fork: Fork, inner: dict[bytes, Node], fresh: dict[bytes, Object]) -> None:
        self.fork = fork
        self.inner = inner  # by id, so versions of a directory share it
        self.fresh = fresh


@final
class Node:
    """A directory. `oid` is None while it is not hashed, `base` while it is not read, `shape` while not parsed.

    `children` are the sub-directories that were visited or changed; `edits` are the changes that are not yet in the
    store, over `base` (None: removed). Once hashed, `base` has them too, but their octets are still only here.
    `wide` is there if the directory is a fork (`fata.disk.inode`); then `base` is that, and `shape` is empty.
    `bodies` are octets of contents that were asked for, if the backend has them in memory anyway.
    `origin` is the id of the stored directory that the edits began from; None if that is the empty one.
    """

    __slots__ = ("base", "bodies", "children", "edits", "oid", "origin", "shape", "wide")

    def __init__(
        self,
        oid: bytes | None,
        base: bytes | None = None,
        shape: Shape | None = None,
        children: dict[bytes, Node] | None = None,
        edits: dict[bytes, Node | Leaf | None] | None = None,
        origin: bytes | None = None,
        wide: Wide | None = None,
    ) -> None:
        self.oid = oid
        self.base = base
        self.shape = shape
        self.children: dict[bytes, Node] = {} if children is None else children
        self.edits = edits
        self.origin = origin
        self.wide = wide
        self.bodies: dict[bytes, bytes] | None = None

    def changed(self) -> Node:
        """Return an equal node that may be given edits. The node must have been read."""
        edits = self.edits
        if edits is None:
            return Node(None, self.base, self.shape, self.children.copy(), {}, self.oid, self.wide)
        return Node(None, self.base, self.shape, self.children.copy(), edits.copy(), self.origin, self.wide)


class Miss(Exception):
    """Nodes have to be read before the question can be answered: read them and ask again."""

    def __init__(self, *nodes: Node) -> None:
        super().__init__(*nodes)
        self.nodes = nodes


def empty() -> Node:
    """Return the directory without entries, not yet hashed."""
    return Node(None, b"", {}, {}, {})


def put(node: Node, name: bytes, value: Node | Leaf | None) -> None:
    """Change an entry of a node that nobody else has seen yet."""
    assert node.edits is not None
    node.edits[name] = value
    if type(value) is Node:
        node.children[name] = value
    else:
        node.children.pop(name, None)


def fold_edits(node: Node, entries: dict[bytes, tuple[bytes, bytes] | None], id_size: int) -> None:
    """Put `entries` (name -> mode and id; None: removed) into the node's octets."""
    base, shape = node.base, node.shape
    assert base is not None
    assert shape is not None
    cuts: list[Cut] = []
    restructured: dict[bytes, tuple[bytes, bytes] | None] = {}
    for name, entry in entries.items():
        at = shape.get(name)
        if at is not None and entry is not None and _same_kind(base, at - len(name) - 2, entry[0]):
            cuts.append((at, at + id_size, 1, b"", entry[1]))
        elif at is not None or entry is not None:
            restructured[name] = entry
    if restructured:
        cuts += _restructure(base, shape, restructured, id_size)
        node.shape = None
    node.base = _cut(base, cuts)


# From, to, whether octets are replaced (1) or put in before what stands there (0), order of those put in, new octets.
Cut = tuple[int, int, int, bytes, bytes]


def _same_kind(base: bytes, end: int, mode: bytes) -> bool:
    """Whether the mode that ends at `end` is `mode`; a directory's may be spelt in two ways."""
    return base[end - 5 : end] == DIRECTORY if mode == DIRECTORY else base[end - 6 : end] == mode


def _restructure(
    base: bytes, shape: Shape, entries: dict[bytes, tuple[bytes, bytes] | None], id_size: int
) -> Iterator[Cut]:
    """Yield the cuts that put entries in, take them out, or change what kind they are."""
    names = list(shape)

    def key_of(name: bytes) -> bytes:
        end = shape[name] - len(name) - 2
        return name + b"/" if base[end - 5 : end] == DIRECTORY else name

    def end_before(index: int) -> int:
        return shape[names[index - 1]] + id_size if index else 0

    for name, entry in entries.items():
        if name in shape:
            index = bisect_left(names, key_of(name), key=key_of)
            if index == len(names) or names[index] != name:
                raise Malformed(f"tree: {name!r} is not where git's order has it")
            yield end_before(index), shape[name] + id_size, 1, b"", b""
        if entry is not None:
            mode, oid = entry
            key = sort_key(name, mode)
            place = end_before(bisect_left(names, key, key=key_of))
            yield place, place, 0, key, b"%b %b\0%b" % (mode, name, oid)


def _cut(base: bytes, cuts: list[Cut]) -> bytes:
    if len(cuts) == 1:
        start, end, _, _, piece = cuts[0]
        return base[:start] + piece + base[end:]
    cuts.sort()
    pieces = []
    done = 0
    for start, end, _, _, piece in cuts:
        pieces.append(base[done:start])
        pieces.append(piece)
        done = end
    pieces.append(base[done:])
    return b"".join(pieces)
