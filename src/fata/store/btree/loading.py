"""Reading leaves, and what the log says of those that have not been read since the store was opened."""

from __future__ import annotations

from fata.disk.btree.corrupt import Corrupt
from fata.disk.btree.pointer import HAS_EXTENTS, Pointer
from fata.store.btree.nodes import Plan, change, fill
from fata.store.btree.pace import MARGIN, PIECES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import KeysView, Sequence

    from fata.store.btree.medium import Medium
    from fata.store.btree.nodes import Leaf
    from fata.store.btree.tree import Tree


async def load_leaf(medium: Medium, leaf: Leaf) -> None:
    """Read a leaf's entries from its page, unless somebody else does it first. Raises `Corrupt`."""
    where = leaf.where
    try:
        content = await medium.leaf(Pointer(*where))
    except Corrupt:
        if leaf.where is not where or leaf.resident:
            return  # it has moved while we read: its former page may hold anything by now
        raise
    if leaf.where is where and not leaf.resident:
        fill(leaf, content, where[3] & HAS_EXTENTS)
        if leaf.pending is not None:
            keys, changes = leaf.pending
            change(leaf, keys, changes, [])  # neither side of it names an extent
            for key in keys:
                del changes[key]
            leaf.pending = None
        leaf.resident = True


async def catch_up(tree: Tree, medium: Medium, leaves: Sequence[Leaf]) -> None:
    """Read those of the leaves that are behind the log. Raises `Corrupt`."""
    for leaf in leaves:
        while leaf in tree.behind and not leaf.resident:
            await load_leaf(medium, leaf)
    tree.settle(leaves)


async def replay(
    tree: Tree, medium: Medium, changes: dict[bytes, bytes | None], large: KeysView[bytes], position: int, free: int
) -> None:
    """Make the log's changes. A checkpoint may have half of them already: those make no difference.

    `large` are the keys whose value is an extent, `free` is how many pages are free.

    Reading every leaf that they touch would take 40 µs each, and memory for all of them. So most are *behind* from
    then on: they know what is to be changed when they are read. As nobody knows how large they are then, each
    claims some of the free pages. Those with extents are read now: which pages are in use depends on them.
    """
    if not changes:
        return
    keys = sorted(changes)
    claims = max(free - 2 * tree.inners - tree.levels - MARGIN, 0) // PIECES
    now = Plan([], [])
    later: list[Leaf] = []
    touched: list[bytes] = []
    for leaf, start, stop in tree.plan(keys).parts():
        its = keys[start:stop]
        if leaf.where[3] & HAS_EXTENTS or len(later) >= claims or (large and not large.isdisjoint(its)):
            touched += its
            now.leaves.append(leaf)
            now.stops.append(len(touched))
            continue
        leaf.pending, leaf.since = (its, changes), position
        later.append(leaf)
    for leaf in now.leaves:
        await load_leaf(medium, leaf)
    tree.behind = dict.fromkeys(later)
    tree.dirty.update(tree.behind)
    tree.spare = 0
    if touched:
        tree.apply(now, touched, changes, position)
