"""How much of the checkpoint a round carries, and when one closes.

A store uses more of its log the larger its tree is; then a put costs as many octets written, and an opening as long
for each key. What is written early may have to be written again; what is written late lets the log fill up, and then
a commit has to wait for a whole checkpoint. So the dirty leaves are written at a rate that goes through all of them
while the log fills four fifths, those that have been dirty for longest first; after an opening, while it fills half of
what is free of it. Fresh ones, which no closing can leave out, are left to it, unless it lets them wait for long.
"""

from __future__ import annotations

from itertools import chain, islice, takewhile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.store.btree.log import Log
    from fata.store.btree.nodes import Leaf
    from fata.store.btree.pages import Pages
    from fata.store.btree.tree import Tree

LOG_ENOUGH = 4 << 20  # octets of the log that any store may use, …
TREE_SHARE = 3  # … and others as many as this part of their tree: so a leaf takes as many puts before it is written
SLICES = 16  # the tree is checkpointed in about so many closings: each keeps that share of it twice
SMALLEST_SLICE = 16  # pages
ROUNDS = 3  # until a closing cuts the log, with this one: as many commits may come meanwhile
MOST_FRESH = 2 << 20  # octets of leaves: a commit whose round closes is to take no longer than a few others
PIECES = 5  # pages that cutting an overfull leaf takes at most, with its share of new inner nodes
MARGIN = 8  # pages beyond what a checkpoint is known to need
WORTH_A_WRITE = 16  # leaves: fewer are left to a later commit


class Pace:
    """What to write when, of one store."""

    def __init__(self, tree: Tree, log: Log, pages: Pages, node_size: int, cache_octets: int) -> None:
        self._tree = tree
        self._log = log
        self._pages = pages
        self._node_size = node_size
        self._unwritten = cache_octets // 2 // node_size  # leaves that memory may hold, besides the cache
        self._logged = log.head  # position up to which commits have carried their share
        self._seen = log.head  # where the log ended in the last round
        self._step = 0  # sectors that this round adds to it

    def share(self) -> list[Leaf]:
        """Return the leaves to be written by this round: as many as keep the log from filling up, and the memory."""
        tree = self._tree
        count = max(self._share(), len(tree.dirty) + len(tree.fresh) - len(tree.behind) - self._unwritten)
        return list(islice(chain(tree.dirty, tree.fresh), min(count, self.spare())))

    def _share(self) -> int:
        tree, log, window = self._tree, self._log, self.window()
        logged = log.head + -(-log.pending_octets // log.sector_size)
        self._step, self._seen = logged - self._seen, logged
        share = 0
        if log.used * 4 > window:
            step = logged - self._logged
            share = -(-len(tree.dirty) * step * 5 // (window * 4))
            if tree.behind:
                left = log.capacity - log.used - self._nearly()
                share = max(share, -(-len(tree.behind) * step // max(left // 2, step, 1)))
            if share < min(WORTH_A_WRITE, tree.leaves // 64) and log.used * 16 < window * 15:
                return 0  # a later commit's: a single put is to write its record and nothing else
        self._logged = logged
        return share

    def aged(self) -> list[Leaf]:
        """Return fresh leaves that have waited while half of the log was filled, so that no closing has too many."""
        limit = self._log.head - self.window() // 2
        return list(takewhile(lambda leaf: leaf.since < limit, islice(self._tree.fresh, self.spare())))

    def is_due(self) -> bool:
        """Say whether it is time for a closing: to cut a log that is nearly full, or to get pages back."""
        tree, log, window = self._tree, self._log, self.window()
        if log.used + self._nearly() > window and (self.oldest() - log.tail) * SLICES >= window:
            return True
        if len(tree.fresh) * self._node_size >= MOST_FRESH:
            return True
        freed = len(tree.freed)
        enough = freed >= max(SMALLEST_SLICE, tree.leaves // SLICES) or self.spare() < freed
        return enough and bool(tree.changed or tree.fresh)

    def _nearly(self) -> int:
        """Return how many sectors are kept free for what comes until a closing has cut the log."""
        return max(self.window() // 8, ROUNDS * self._step)

    def window(self) -> int:
        """Return how many sectors of the log may be in use: more of a large tree's."""
        octets = max(LOG_ENOUGH, self._tree.leaves * self._node_size // TREE_SHARE)
        return min(self._log.capacity, octets // self._log.sector_size)

    def oldest(self) -> int:
        """Return from where on the log is needed after a closing: the oldest change that some leaf lacks."""
        dirty = self._tree.dirty
        return next(iter(dirty)).since if dirty else self._log.head

    def spare(self) -> int:
        """Return how many pages can be written before a closing must give some back."""
        tree = self._tree
        return max(self._pages.free - len(tree.fresh) - self.claims() - tree.inners - 2, 0)

    def room(self) -> int:
        """Return how many free pages are left if a checkpoint must rewrite every inner node; negative: too few."""
        return self._pages.free - self.claims() - 2 * self._tree.inners - self._tree.levels - MARGIN

    def claims(self) -> int:
        """Return how many pages cutting leaves may take, those included of which it is not known how large they are."""
        return PIECES * (len(self._tree.overfull) + len(self._tree.behind))
