"""Commits: everything that may wait or fail comes first, then the log and the tree change at once."""

from __future__ import annotations

from fata.disk.btree.record import group_octets, serialize_group
from fata.store.btree.nodes import Leaf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from fata.store.btree.admission import Admission
    from fata.store.btree.cache import Cache
    from fata.store.btree.checkpoint import Checkpoints
    from fata.store.btree.log import Log
    from fata.store.btree.nodes import Plan
    from fata.store.btree.tree import Tree

    Changes = dict[bytes, bytes | None]


class Commits:
    """Puts transactions into one store, one at a time."""

    def __init__(
        self,
        tree: Tree,
        log: Log,
        cache: Cache,
        checkpoints: Checkpoints,
        admission: Admission,
        load: Callable[[Leaf], Coroutine[Any, Any, None]],
    ) -> None:
        self._tree = tree
        self._log = log
        self._cache = cache
        self._checkpoints = checkpoints
        self._admission = admission
        self._load = load

    async def make(self, keys: list[bytes], changes: Changes) -> int:
        """Make changes (`keys` are theirs, sorted). Returns the log's ticket; 0: they are durable already.

        A cancellation or an error leaves no trace, unless the changes were too many for the log.
        """
        octets = group_octets(keys, changes)
        self._cache.paused += 1  # what is loaded here stays until it is changed
        try:
            plan = await self._prepare(keys, changes, octets)
            if self._log.fits(octets):
                self._tree.spare = self._checkpoints.pace.spare()
                position = self._log.head
                ticket = self._log.append(serialize_group(keys, changes))
                self._tree.apply(plan, keys, changes, position)
                return ticket
            await self._checkpoints.commit_unlogged(lambda: self._apply_unlogged(keys, changes))
            return 0
        finally:
            self._cache.paused -= 1

    def _apply_unlogged(self, keys: list[bytes], changes: Changes) -> None:
        self._tree.spare = self._checkpoints.pace.spare()
        self._tree.apply(self._tree.plan(keys), keys, changes, self._log.head)

    async def _prepare(self, keys: list[bytes], changes: Changes, octets: int) -> Plan:
        """Have every leaf at hand that the changes touch, and room for them in the log and on the disk."""
        while True:
            plan = self._tree.plan(keys)
            missing = [leaf for leaf in plan.leaves if not leaf.resident]
            missing += self._neighbours(plan, changes)
            if missing:
                for leaf in missing:
                    await self._load(leaf)
            elif self._tree.settle(plan.leaves):
                continue
            elif await self._admission.admit(plan, keys, changes, octets):
                return plan

    def _neighbours(self, plan: Plan, changes: Changes) -> list[Leaf]:
        """Return leaves to be loaded because one beside them gets so small that they may be merged."""
        if None not in changes.values():
            return []
        third = self._tree.capacity // 3
        found = []
        for leaf, start, stop in plan.parts():
            largest = self._tree.capacity // 4  # octets of an entry, about
            if leaf.parent is None or not leaf.resident or leaf.size - (stop - start) * largest > third:
                continue
            siblings = leaf.parent.children
            index = siblings.index(leaf)
            for sibling in siblings[max(index - 1, 0) : index + 2]:
                if isinstance(sibling, Leaf) and not sibling.resident:
                    found.append(sibling)
        return found
