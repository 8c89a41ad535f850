"""Room for a change, in the log and on the disk, found out before anything is changed.

A checkpoint needs pages before it gives others back: for every fresh leaf, for every inner node, and a few.
Those are kept free from puts, so that a change that needs no new node in the end (a deletion, above all)
always succeeds. Old versions that a snapshot or a reader keeps do not come back, so while there are any,
every change is counted as if it took new pages.
"""

from __future__ import annotations

from fata.disk.btree.node import ENTRY_COST
from fata.disk.btree.record import record_sectors
from fata.store.btree.errors import OutOfSpace
from fata.store.btree.pace import MARGIN, PIECES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.disk.btree.record import Changes
    from fata.store.btree.checkpoint import Checkpoints
    from fata.store.btree.log import Log
    from fata.store.btree.nodes import Plan
    from fata.store.btree.pages import Pages
    from fata.store.btree.pins import Pins
    from fata.store.btree.tree import Tree


class Admission:
    """Says of each change whether there is room."""

    def __init__(self, tree: Tree, pages: Pages, pins: Pins, checkpoints: Checkpoints, log: Log) -> None:
        self._tree = tree
        self._pages = pages
        self._pins = pins
        self._checkpoints = checkpoints
        self._log = log

    async def admit(self, plan: Plan, keys: list[bytes], changes: Changes, octets: int) -> bool:
        """Return True if there is room. False: a checkpoint was needed, look again. Raises `OutOfSpace`."""
        at_once = 0
        if not self._log.fits(octets):
            if record_sectors(octets, self._log.sector_size) <= self._log.capacity or self._tree.dirty:
                await self._checkpoints.checkpoint()
                return False
            at_once = len(plan.leaves)  # the whole change in one closing
        quick = len(plan.leaves) + 2 * (octets // self._tree.capacity)
        if self._lacks(quick + quick // 4 + at_once, len(plan.leaves)) <= 0:
            return True
        keeps = bool(self._pins) or self._pins.named_generation
        if not keeps and not at_once and not any(map(_is_put, changes.values())):
            return True
        growth = self._growth(plan, keys, changes)
        lacking = self._lacks(growth + growth // 4 + at_once, len(plan.leaves))
        if lacking <= 0:
            return True
        await self._make_room(lacking)
        return False

    async def admit_extent(self, count: int) -> None:
        """Return once so many pages can be given to an extent. Raises `OutOfSpace`."""
        while (lacking := self._lacks(count, 0)) > 0:
            await self._make_room(lacking)

    def _lacks(self, growth: int, touched: int) -> int:
        """Return how many pages are missing for a change that adds so many nodes and touches so many leaves."""
        tree = self._tree
        needed = growth + len(tree.fresh) + self._checkpoints.pace.claims() + 2 * tree.inners + tree.levels + MARGIN
        if self._pins or self._pins.named_generation:
            needed += touched + len(tree.dirty) + tree.inners
        return needed - self._pages.free

    async def _make_room(self, lacking: int) -> None:
        """Have a checkpoint give pages back; raise if there are none to come."""
        tree = self._tree
        if tree.behind:
            await self._checkpoints.catch_up(-(-lacking // PIECES))  # most of them claim pages that they do not need
            return
        if not (tree.freed or self._checkpoints.waiting or tree.fresh or tree.overfull or tree.changed):
            raise OutOfSpace(f"btree: no space left: {lacking} pages more are needed, {self._pages.free} are free")
        await self._checkpoints.checkpoint()

    def _growth(self, plan: Plan, keys: list[bytes], changes: Changes) -> int:
        """Return how many leaves the change adds at most."""
        capacity = self._tree.capacity
        growth = 0
        for leaf, start, stop in plan.parts():
            have = leaf.entries
            size = leaf.size
            for key in keys[start:stop]:
                value = changes[key]
                if key in have:
                    size -= len(key) + len(have[key]) + ENTRY_COST
                if value is not None:
                    size += len(key) + len(value) + ENTRY_COST
            if size > capacity:
                growth += 2 * size // capacity
        return growth


def _is_put(value: bytes | None) -> bool:
    return value is not None
