"""Named snapshots: roots that the superblock keeps beside the tree's own."""

from __future__ import annotations

from fata.disk.btree.node import HEADER_SIZE
from fata.disk.btree.snapshots import NAME_LIMIT, SnapshotEntry, snapshot_body
from fata.errors import StateError
from fata.store.btree.errors import OutOfSpace
from fata.store.btree.mount import Walk
from fata.store.btree.pages import Pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.store.btree.checkpoint import Checkpoints
    from fata.store.btree.medium import Medium
    from fata.store.btree.pins import Pins
    from fata.store.btree.tree import Tree


def find_entry(entries: list[SnapshotEntry], name: str) -> SnapshotEntry:
    """Return the snapshot of that name. StateError if there is none."""
    for entry in entries:
        if entry.name == name:
            return entry
    raise StateError(f"btree: there is no snapshot {name!r}")


async def save(checkpoints: Checkpoints, tree: Tree, name: str) -> None:
    """Name the tree as it is now; the caller sees to it that it does not change meanwhile."""
    if any(entry.name == name for entry in checkpoints.snapshots):
        raise StateError(f"btree: there is a snapshot {name!r} already")
    if not 0 < len(name.encode()) <= NAME_LIMIT:
        raise StateError(f"btree: a snapshot's name has 1 to {NAME_LIMIT} octets")
    await checkpoints.checkpoint()
    superblock = checkpoints.superblock
    entry = SnapshotEntry(name, superblock.generation, tree.levels, tree.root.pointer)
    entries = [*checkpoints.snapshots, entry]
    if HEADER_SIZE + sum(map(len, snapshot_body(entries))) > superblock.node_size:
        raise OutOfSpace("btree: the table of snapshots is full: drop one first")
    if checkpoints.pace.room() < 0:
        raise OutOfSpace("btree: no space left for a snapshot")
    await checkpoints.publish(entries)


async def derive(checkpoints: Checkpoints, tree: Tree, pages: Pages, pins: Pins, medium: Medium) -> None:
    """Publish the names as they are, and find out anew which pages are free. Nothing else may write meanwhile.

    A second call after one that was cancelled does the rest.
    """
    await checkpoints.checkpoint()
    await checkpoints.publish(checkpoints.snapshots)
    async with checkpoints.lock:
        superblock = checkpoints.superblock
        derived = Pages(pages.total, pages.first)
        walk = Walk(medium, derived, {})
        walk.shares = True
        await walk.visit(superblock.root, superblock.level)
        if superblock.snapshots.address:
            walk.mark(superblock.snapshots, "snapshot table")
        for one in checkpoints.snapshots:
            await walk.visit(one.root, one.level)
        for address, count, _, _ in pins.held():
            derived.mark(address, count)
        pages.adopt(derived)
        tree.extents.update(walk.extents)
