"""How much of the checkpoint a round carries, and when one closes.

What is written early may have to be written again; what is written late lets the log fill up, and then a commit has to
wait for a whole checkpoint. So the dirty leaves are written at a rate that goes through all of them while the
log fills four fifths, those that have been dirty for longest first. Fresh ones, which no closing can leave out, are
left to it, unless it lets them wait for long.
"""

from __future__ import annotations

from itertools import chain, islice, takewhile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.store.btree.log import Log
    from fata.store.btree.nodes import Leaf
    from fata.store.btree.pages import Pages
    from fata.store.btree.tree import Tree

SLICES = 16  # the tree is checkpointed in about so many closings: each keeps that share of it twice
SMALLEST_SLICE = 16  # pages
ROUNDS = 3  # until a closing cuts the log, with this one: as many commits may come meanwhile
MOST_FRESH = 2 << 20  # octets of leaves: a commit whose round closes is to take no longer than a few others
PIECES = 5  # pages that cutting an overfull leaf takes at most, with its share of new inner nodes
WORTH_A_WRITE = 16  # leaves: fewer are left to a later commit


class Pace:
    """What to write when, of one store."""

    def __init__(self, tree: Tree, log: Log, pages: Pages, node_size: int, cache_octets: int) -> None:
        self._tree = tree
        self._log = log
        self._pages = pages
        self._node_size = node_size
        self._unwritten = cache_octets // 2 // node_size  # leaves that memory may hold, besides the cache
        self._logged = log.tail  # position up to which commits have carried their share
        self._seen = log.head  # where the log ended in the last round
        self._step = 0  # sectors that this round adds to it

    def share(self) -> list[Leaf]:
        """Return the leaves to be written by this round: as many as keep the log from filling up, and the memory."""
        tree = self._tree
        count = max(self._share(), len(tree.dirty) + len(tree.fresh) - self._unwritten)
        return list(islice(chain(tree.dirty, tree.fresh), min(count, self.spare())))

    def _share(self) -> int:
        tree, log = self._tree, self._log
        logged = log.head + -(-log.pending_octets // log.sector_size)
        self._step, self._seen = logged - self._seen, logged
        share = 0
        if log.used * 4 > log.capacity:
            share = -(-len(tree.dirty) * (logged - self._logged) * 5 // (log.capacity * 4))
            if share < min(WORTH_A_WRITE, tree.leaves // 64) and log.used * 16 < log.capacity * 15:
                return 0  # a later commit's: a single put is to write its record and nothing else
        self._logged = logged
        return share

    def aged(self) -> list[Leaf]:
        """Return fresh leaves that have waited while half of the log was filled, so that no closing has too many."""
        limit = self._log.head - self._log.capacity // 2
        return list(takewhile(lambda leaf: leaf.since < limit, islice(self._tree.fresh, self.spare())))

    def is_due(self) -> bool:
        """Say whether it is time for a closing: to cut a log that is nearly full, or to get pages back."""
        tree, log = self._tree, self._log
        nearly = max(log.capacity // 8, ROUNDS * self._step)
        if log.used + nearly > log.capacity and (self.oldest() - log.tail) * SLICES >= log.capacity:
            return True
        if len(tree.fresh) * self._node_size >= MOST_FRESH:
            return True
        freed = len(tree.freed)
        enough = freed >= max(SMALLEST_SLICE, tree.leaves // SLICES) or self.spare() < freed
        return enough and bool(tree.changed or tree.fresh)

    def oldest(self) -> int:
        """Return from where on the log is needed after a closing: the oldest change that some leaf lacks."""
        dirty = self._tree.dirty
        return next(iter(dirty)).since if dirty else self._log.head

    def spare(self) -> int:
        """Return how many pages can be written before a closing must give some back."""
        tree = self._tree
        return max(self._pages.free - len(tree.fresh) - PIECES * len(tree.overfull) - tree.inners - 2, 0)

    def room(self) -> int:
        """Return how many free pages are left if a checkpoint must rewrite every inner node; negative: too few."""
        return self._pages.free - PIECES * len(self._tree.overfull) - 2 * self._tree.inners - self._tree.levels - 8
