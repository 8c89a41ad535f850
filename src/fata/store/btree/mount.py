"""Opening a store: find the newest superblock, walk the inner nodes, replay the log. Nothing is written."""

from __future__ import annotations

from typing import NamedTuple

from fata.disk.btree.corrupt import Corrupt
from fata.disk.btree.extent import Extent
from fata.disk.btree.node import KINDS, NODE_SIZES
from fata.disk.btree.pointer import HAS_EXTENTS, Pointer
from fata.disk.btree.superblock import SIZE, Superblock, parse
from fata.store.btree.errors import NotAStore
from fata.store.btree.extents import spans_of
from fata.store.btree.loading import replay
from fata.store.btree.log import Log
from fata.store.btree.medium import Medium
from fata.store.btree.nodes import Inner, Leaf, Span
from fata.store.btree.pages import Pages
from fata.store.btree.tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.device.block import Block
    from fata.disk.btree.snapshots import SnapshotEntry
    from fata.store.btree.nodes import Node


class Mounted(NamedTuple):
    """A store's parts, after recovery."""

    superblock: Superblock
    medium: Medium
    tree: Tree
    pages: Pages
    log: Log
    snapshots: list[SnapshotEntry]


async def read_superblocks(block: Block) -> list[tuple[int, Superblock | Corrupt]]:
    """Return what stands in each place of a superblock that can be found: (octet, it or what is wrong)."""
    found: list[tuple[int, Superblock | Corrupt]] = []
    octets = block.sectors * block.sector_size
    sizes = [size for size in NODE_SIZES if size >= block.sector_size]
    for size in sizes:
        places = [0, size] if size == sizes[0] else [size]
        found += [(place, await _superblock_at(block, place)) for place in places if place + size <= octets]
        if any(isinstance(one, Superblock) for _, one in found):
            break
    good = [one for _, one in found if isinstance(one, Superblock)]
    if good:
        sizes = [good[0].node_size]
        if all(place != sizes[0] for place, _ in found):
            found.append((sizes[0], await _superblock_at(block, sizes[0])))
    ends = {one.pages * one.node_size for one in good} | {octets - octets % size for size in sizes}
    for end in ends:
        for size in sizes:
            places = [end - 2 * size, end - size]
            found += [(place, await _superblock_at(block, place)) for place in places if 0 <= place <= octets - size]
    return found


async def _superblock_at(block: Block, octet: int) -> Superblock | Corrupt:
    data = await block.read(octet // block.sector_size, 1)
    try:
        return parse(data[:SIZE], octet)
    except Corrupt as error:
        return error


async def newest_superblock(block: Block) -> Superblock:
    """Return the superblock with the highest generation. Raises `NotAStore`."""
    if block.sectors == 0:
        raise NotAStore("btree: the disk is empty")
    found = await read_superblocks(block)
    good = [one for _, one in found if isinstance(one, Superblock)]
    if not good:
        reasons = {error.reason for _, error in found if isinstance(error, Corrupt)}
        told = sorted(reasons - {"no B-tree begins here"}) or ["no B-tree on this disk: format it first"]
        raise NotAStore(f"btree: {'; '.join(told)}")
    newest = max(good, key=lambda one: one.generation)
    _check_geometry(newest, block)
    return newest


def _check_geometry(superblock: Superblock, block: Block) -> None:
    if superblock.incompatible or (superblock.read_compatible and not block.read_only):
        unknown = superblock.incompatible | superblock.read_compatible
        raise NotAStore(f"btree: the store uses features ({unknown:#x}) that this program does not know")
    if superblock.pages * superblock.node_size > block.sectors * block.sector_size:
        octets = superblock.pages * superblock.node_size
        raise NotAStore(f"btree: the store has {octets} octets, the disk only {block.sectors * block.sector_size}")
    if superblock.log_sector % block.sector_size or superblock.node_size % block.sector_size:
        raise NotAStore(f"btree: made for sectors of {superblock.log_sector} octets, this disk's have more")
    if (
        superblock.log_start < 2
        or not superblock.log_pages
        or superblock.log_start + superblock.log_pages > superblock.pages - 2
    ):
        raise NotAStore("btree: its log lies outside the store")


async def mount(block: Block) -> Mounted:
    """Read and recover a store. Raises `NotAStore`, `Corrupt`."""
    superblock = await newest_superblock(block)
    medium = Medium(block, superblock.node_size, superblock.tag, superblock.pages)
    pages = Pages(superblock.pages, superblock.log_start + superblock.log_pages)
    tree = Tree(superblock.node_size)
    log = Log(block, superblock)
    snapshots = await medium.snapshots(superblock.snapshots) if superblock.snapshots.address else []
    walk = Walk(medium, pages, tree.extents)
    walk.shares = bool(snapshots)
    tree.root = await walk.load(superblock.root, superblock.level)
    tree.leaves, tree.inners = walk.leaves, walk.inners
    if superblock.snapshots.address:
        walk.mark(superblock.snapshots, "snapshot table")
    for entry in snapshots:
        await walk.visit(entry.root, entry.level)
    changes = await log.replay(superblock.log_reach)
    large = {key: value for key, value in changes.items() if isinstance(value, Extent)}
    for extent in large.values():
        await walk.extent(extent)
    # What snapshots keep does not come back, when a leaf is written, before another page is needed for it.
    free = pages.free - (len(changes) + tree.inners if snapshots else 0)
    await replay(tree, medium, changes, large.keys(), log.tail, free)
    return Mounted(superblock, medium, tree, pages, log, snapshots)


class Walk:
    """Visits trees and notes their pages as in use. A page that two trees share is visited once."""

    def __init__(self, medium: Medium, pages: Pages, extents: dict[bytes, tuple[Span, ...]]) -> None:
        self._medium = medium
        self._pages = pages
        self.extents = extents
        self._seen: set[Pointer] = set()
        self.shares = False  # whether there is more than one tree
        self.leaves = 0
        self.inners = 0

    def mark(self, pointer: Pointer, what: str) -> None:
        """Note a page as in use. Raises `Corrupt` if it is already."""
        self._mark(pointer.address, 1, what)

    def _mark(self, address: int, count: int, what: str) -> None:
        if not self._pages.mark(address, count):
            raise Corrupt(what, address, "used twice, or outside the store")

    async def load(self, pointer: Pointer, level: int, parent: Inner | None = None) -> Node:
        """Return the tree beneath a pointer: inner nodes with their content, leaves without."""
        self._seen.add(pointer)
        self.mark(pointer, KINDS[2 if level else 1])
        if not level:
            self.leaves += 1
            leaf = Leaf(0, parent, (*pointer,))
            if pointer.flags & HAS_EXTENTS:
                await self._leaf_extents(pointer)
            return leaf
        self.inners += 1
        content = await self._medium.inner(pointer, level)
        inner = Inner(0, level, parent, (*pointer,))
        inner.keys = content.keys
        for child in content.children:
            if level == 1 and not child.flags:
                inner.children.append(self._stub(child, inner))
            else:
                inner.children.append(await self.load(child, level - 1, inner))
        inner.measure()
        return inner

    def _stub(self, pointer: Pointer, parent: Inner) -> Leaf:
        """Do what `load` does for a plain leaf, without a coroutine: there are many of them."""
        self.leaves += 1
        if self.shares:
            self._seen.add(pointer)
        self.mark(pointer, KINDS[1])
        return Leaf(0, parent, (*pointer,))

    async def visit(self, pointer: Pointer, level: int) -> None:
        """Note the pages of a tree that is not kept in memory."""
        if pointer in self._seen:
            return
        self._seen.add(pointer)
        self.mark(pointer, KINDS[2 if level else 1])
        if level:
            for child in (await self._medium.inner(pointer, level)).children:
                await self.visit(child, level - 1)
        elif pointer.flags & HAS_EXTENTS:
            await self._leaf_extents(pointer)

    async def _leaf_extents(self, pointer: Pointer) -> None:
        for value in (await self._medium.leaf(pointer)).values:
            if isinstance(value, Extent):
                await self.extent(value)

    async def extent(self, extent: Extent) -> None:
        """Note an extent's pages."""
        if extent in self.extents:
            return
        spans = await spans_of(self._medium, extent)
        for address, count, _, _ in spans:
            self._mark(address, count, "extent")
        self.extents[extent] = spans
