"""Giving nodes their pages: new pointers at once, the octets to be written as a list, and how to undo it.

Pointers are changed before anything is written, so that a parent can carry its child's checksum. Until the
write has returned such a node is *in flight*: the cache leaves it alone, and if the write does not return,
`undo` makes it fresh again.
"""

from __future__ import annotations

from fata.disk.btree.node import INNER, any_child_flag, seal, serialize_leaf
from fata.disk.btree.pointer import HAS_EXTENTS, Pointer
from fata.store.btree.medium import COPY_OCTETS
from fata.store.btree.nodes import NOWHERE, Inner, Leaf, page_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from fata.store.btree.cache import Cache
    from fata.store.btree.nodes import Node, Span, Where
    from fata.store.btree.pages import Pages
    from fata.store.btree.tree import Tree


class Placing:
    """Nodes that are written together."""

    def __init__(self, tree: Tree, pages: Pages, cache: Cache, node_size: int, tag: int, generation: int) -> None:
        self._tree = tree
        self._pages = pages
        self._cache = cache
        self._node_size = node_size
        self._tag = tag
        self._generation = generation
        self._nodes: list[Node] = []
        self._places: list[Where] = []  # theirs
        self._sinces: list[int] = []  # what theirs were before
        self.writes: list[tuple[int, bytes]] = []  # page, octets
        self._tables: list[Span] = []

    def add_leaves(self, leaves: Sequence[Leaf]) -> None:
        """Place leaves; their parents are changed by it."""
        tree, generation = self._tree, self._generation
        rest = iter(leaves)
        for address, count in self._pages.take(len(leaves), COPY_OCTETS // self._node_size):
            pieces = []
            for page in range(address, address + count):
                leaf = next(rest)
                entries = leaf.entries if leaf.ordered else leaf.in_order()
                data, crc = serialize_leaf(
                    self._node_size, self._tag, page, generation, entries, entries.values(), leaf.large
                )
                pieces.append(data)
                (tree.fresh if leaf.where is NOWHERE else tree.dirty).pop(leaf, None)
                self._move(leaf, (page, generation, crc, HAS_EXTENTS if leaf.large else 0), leaf.since)
                leaf.since = -1
            self.writes.append((address, b"".join(pieces)))

    def add_inners(self) -> None:
        """Place every changed inner node and all above it, after their children."""
        tree = self._tree
        levels: dict[int, dict[Inner, None]] = {}
        for inner in tree.changed:
            levels.setdefault(inner.level, {})[inner] = None
        level = 0
        while levels:
            level += 1
            group = levels.pop(level, {})
            self._add_level(list(group))
            for inner in group:
                if inner.parent is not None:
                    levels.setdefault(level + 1, {})[inner.parent] = None
        tree.changed.clear()

    def _add_level(self, inners: list[Inner]) -> None:
        rest = iter(inners)
        for address, count in self._pages.take(len(inners), COPY_OCTETS // self._node_size):
            pieces = []
            for page in range(address, address + count):
                inner = next(rest)
                count = len(inner.children)
                header = (count, INNER, inner.level, self._tag, page, self._generation)
                data, crc = seal(self._node_size, header, [inner.body()])
                flags = HAS_EXTENTS if any_child_flag(inner.body(), count) else 0
                pieces.append(data)
                self._move(inner, (page, self._generation, crc, flags), 0)
            self.writes.append((address, b"".join(pieces)))

    def add_table(self, header: tuple[int, int, int], body: list[bytes]) -> Pointer:
        """Place a node that belongs to no tree. `header` is its count, kind and level."""
        ((page, _),) = self._pages.take(1)
        data, crc = seal(self._node_size, (*header, self._tag, page, self._generation), body)
        self.writes.append((page, data))
        self._tables.append((page, 1, self._generation, False))
        return Pointer(page, self._generation, crc)

    def _move(self, node: Node, where: Where, since: int) -> None:
        tree = self._tree
        if node.where is not NOWHERE:
            tree.freed.append(page_of(node))
            node.kept = False
        node.where = where
        node.flight = True
        if node.parent is not None:
            node.parent.child_moved(node)
            tree.changed[node.parent] = None
        self._nodes.append(node)
        self._places.append(where)
        self._sinces.append(since)

    def land(self) -> None:
        """The octets have been written."""
        for node in self._nodes:
            node.flight = False
            if node.__class__ is Leaf and node.since < 0:
                self._cache.add(node)

    def undo(self) -> None:
        """The octets may not have been written: whatever still has its new page is made fresh."""
        tree = self._tree
        self._pages.give_back(self._tables)
        for node, where, since in zip(self._nodes, self._places, self._sinces, strict=True):
            node.flight = False
            if isinstance(node, Leaf) and node.since < 0:
                node.since = max(since, 0)
            if node.where is not where:
                continue
            node.where = NOWHERE
            if node.gone:
                continue  # its page is among the freed, a reader still has its entries
            self._pages.give_back([(where[0], 1, where[1], False)])
            if node.parent is not None:
                node.parent.image = None
                tree.changed[node.parent] = None
            if isinstance(node, Leaf):
                tree.dirty.pop(node, None)
                tree.fresh[node] = None
            else:
                tree.changed[node] = None
