"""Where to cut a leaf that has become too large."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate, islice
from operator import add

from fata.disk.btree.node import ENTRY_COST
from fata.store.btree.nodes import is_last

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.store.btree.nodes import Leaf


def cuts_of(leaf: Leaf, capacity: int) -> list[int]:
    """Return before which entries to cut: into equal parts, but full ones at the right edge of the tree.

    `capacity` is what a leaf holds, in octets.
    """
    entries = leaf.in_order()
    if is_last(leaf):
        return _cuts(entries, capacity, capacity)
    return _halved(leaf, capacity) or _cuts(entries, capacity, leaf.size / -(-leaf.size // capacity))


def _halved(leaf: Leaf, capacity: int) -> list[int]:
    """Return the middle of a leaf if its entries are much alike: what `_cuts` would find with more trouble."""
    middle = len(leaf.entries) // 2
    left = sum(map(len, islice(leaf.entries, middle))) + ENTRY_COST * middle
    left += sum(map(len, islice(leaf.entries.values(), middle)))
    alike = 2 * leaf.size < 5 * left < 3 * leaf.size
    return [middle] if alike and leaf.size * 3 < capacity * 5 else []


def _cuts(entries: dict[bytes, bytes], capacity: int, target: float) -> list[int]:
    costs = map(add, map(len, entries), map(len, entries.values()))
    ends = [*accumulate(map(ENTRY_COST.__add__, costs), initial=0)]  # where each entry ends, and the first begins
    middles = [*map(add, ends, ends[1:])]  # twice where each entry's middle is
    cuts = [0]
    while cuts[-1] < len(entries):
        start, base = cuts[-1], ends[cuts[-1]]
        fits = bisect_right(ends, base + capacity, start + 2) - 1
        cuts.append(min(fits, bisect_right(middles, 2 * (base + target), start + 1)))
    return cuts[1:-1]
