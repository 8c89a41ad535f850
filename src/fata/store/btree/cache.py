"""Which clean leaves keep their entries in memory: second chance, bounded in octets."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.store.btree.nodes import Leaf

ENTRY_OVERHEAD = 110  # octets of Python objects for an entry, besides its octets: two objects, a place in a dict


class Cache:
    """Clean leaves with their entries, about `limit` octets of them. Dirty ones are not here: they must stay."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.octets = 0
        self.paused = 0  # while above 0 nothing is dropped: somebody is about to change what it has loaded
        self._leaves: dict[Leaf, int] = {}

    def add(self, leaf: Leaf) -> None:
        """Take a resident clean leaf in; drop others if that is too much."""
        if leaf in self._leaves:
            return
        octets = leaf.size + ENTRY_OVERHEAD * len(leaf.entries)
        self._leaves[leaf] = octets
        self.octets += octets
        if self.octets > self.limit and not self.paused:
            self._drop(leaf)

    def _drop(self, newest: Leaf) -> None:
        leaves = self._leaves
        while self.octets > self.limit and len(leaves) > 1:
            leaf = next(iter(leaves))
            octets = leaves.pop(leaf)
            if leaf.used or leaf is newest:
                leaf.used = False
                leaves[leaf] = octets
                newest = leaf if leaf is newest else newest
                continue
            self.octets -= octets
            if leaf.since < 0 and not leaf.flight:
                leaf.entries, leaf.ordered, leaf.resident = {}, True, False

    def clear(self) -> None:
        """Drop every clean leaf."""
        for leaf in self._leaves:
            if leaf.since < 0 and not leaf.flight:
                leaf.entries, leaf.ordered, leaf.resident = {}, True, False
        self._leaves = {}
        self.octets = 0
