"""Filling an empty store with sorted items, and rewriting a store without gaps."""

from __future__ import annotations

from fata.disk.btree.extent import Extent
from fata.disk.btree.node import CHILD_COST, ENTRY_COST
from fata.errors import StateError
from fata.store.btree.errors import OutOfSpace
from fata.store.btree.nodes import NOWHERE, Inner, Leaf, Node, page_of, separator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fata.store.btree.checkpoint import Checkpoints
    from fata.store.btree.pages import Pages
    from fata.store.btree.tree import Tree

    Entries = AsyncIterator[tuple[bytes, bytes]]

BATCH = 64  # leaves written together


class LeafBuilder:
    """Makes full leaves of items in order."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._leaf = self._start()
        self.leaves: list[Leaf] = []
        self.separators: list[bytes] = []  # before each leaf but the first
        self._last: bytes | None = None

    def _start(self) -> Leaf:
        leaf = Leaf(self._tree.epoch, None)
        leaf.resident, leaf.since = True, 0
        return leaf

    def add(self, key: bytes, value: bytes) -> None:
        """Take an item. StateError if its key is not greater than the one before."""
        if self._last is not None and key <= self._last:
            raise StateError(f"btree: a bulk load needs ascending keys: {key!r} comes after {self._last!r}")
        cost = len(key) + len(value) + ENTRY_COST
        leaf = self._leaf
        if leaf.size + cost > self._tree.capacity:
            self._finish()
            self.separators.append(separator(self._last or b"", key))
            leaf = self._leaf
        leaf.entries[key] = value
        leaf.size += cost
        leaf.large += value.__class__ is Extent
        self._last = key

    def _finish(self) -> None:
        self.leaves.append(self._leaf)
        self._leaf = self._start()

    def finish(self) -> None:
        """End the last leaf; an empty store has one without entries."""
        if self._leaf.entries or not self.leaves:
            self._finish()


def build_inners(tree: Tree, leaves: list[Leaf], separators: list[bytes]) -> tuple[Node, list[Inner]]:
    """Return the root above leaves, and all inner nodes, each as full as it gets."""
    nodes: list[Node] = list(leaves)
    made: list[Inner] = []
    level = 0
    while len(nodes) > 1:
        level += 1
        nodes, separators = _build_level(tree, nodes, separators, level, made)
    return nodes[0], made


def _build_level(
    tree: Tree, nodes: list[Node], separators: list[bytes], level: int, made: list[Inner]
) -> tuple[list[Node], list[bytes]]:
    parents: list[Node] = []
    between: list[bytes] = []
    inner = Inner(tree.epoch, level, None)
    for index, node in enumerate(nodes):
        key = separators[index - 1] if index else b""
        if inner.children and inner.size + len(key) + CHILD_COST > tree.capacity:
            parents.append(inner)
            between.append(key)
            inner = Inner(tree.epoch, level, None)
        elif inner.children:
            inner.keys.append(key)
            inner.size += len(key)
        inner.children.append(node)
        inner.size += CHILD_COST
        node.parent = inner
    parents.append(inner)
    made += [parent for parent in parents if isinstance(parent, Inner)]
    return parents, between


async def rebuild(checkpoints: Checkpoints, tree: Tree, pages: Pages, entries: Entries) -> int:
    """Put a tree of these entries (a value may be an extent's descriptor) in the tree's place, all or nothing.

    Nothing else may write meanwhile. Returns how many there were. Raises `OutOfSpace`, and StateError for keys out of
    order; then the tree is as it was.
    """
    await checkpoints.checkpoint()
    builder = LeafBuilder(tree)
    count = written = 0
    try:
        async for key, value in entries:
            builder.add(key, value)
            count += 1
            if len(builder.leaves) - written >= BATCH:
                await _write(checkpoints, pages, builder.leaves[written:])
                written = len(builder.leaves)
        builder.finish()
        await _write(checkpoints, pages, builder.leaves[written:])
        root, inners = build_inners(tree, builder.leaves, builder.separators)
        if pages.free < 2 * len(inners) + 8:
            raise OutOfSpace("btree: no space left for the inner nodes")
    except BaseException:
        pages.give_back(page_of(leaf) for leaf in builder.leaves if leaf.where is not NOWHERE)
        raise
    old = [page_of(node) for node in every_node(tree.root) if node.where is not NOWHERE]
    await checkpoints.commit_unlogged(lambda: tree.replace(root, builder.leaves, inners, old))
    return count


async def _write(checkpoints: Checkpoints, pages: Pages, leaves: list[Leaf]) -> None:
    if pages.free < len(leaves) + 8:
        raise OutOfSpace(f"btree: no space left: {len(leaves)} pages more are needed, {pages.free} are free")
    await checkpoints.write_ahead(leaves)


def every_node(root: Node) -> list[Node]:
    """Return all nodes of a tree."""
    found: list[Node] = [root]
    for node in found:
        if isinstance(node, Inner):
            found += node.children
    return found
