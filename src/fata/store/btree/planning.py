"""Which leaves a commit touches."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from fata.store.btree.nodes import Inner, Leaf, Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.store.btree.nodes import Node


def plan(root: Node, keys: list[bytes]) -> Plan:
    """Return which leaf of a tree each of the sorted keys falls into."""
    if isinstance(root, Leaf):
        return Plan([root], [len(keys)])
    found = Plan([], [])
    _plan_below(root, keys, 0, len(keys), found)
    return found


def _plan_below(inner: Inner, keys: list[bytes], index: int, last: int, found: Plan) -> None:
    """Plan the keys from `index` to before `last`, which all lie beneath one inner node."""
    separators, children = inner.keys, inner.children
    leaves, stops = found
    above_leaves = inner.level == 1
    while index < last:
        number = bisect_right(separators, keys[index])
        stop = index + 1
        if number == len(separators):
            stop = last
        elif stop < last and keys[stop] < separators[number]:
            stop = bisect_left(keys, separators[number], stop, last)
        child = children[number]
        if above_leaves:
            leaves.append(child)  # type: ignore[arg-type]
            stops.append(stop)
        else:
            _plan_below(child, keys, index, stop, found)  # type: ignore[arg-type]
        index = stop
