"""Which leaves a commit touches."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from fata.store.btree.nodes import Inner, Leaf, Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.store.btree.nodes import Node


def plan(root: Node, keys: list[bytes]) -> Plan:
    """Return which leaf of a tree each of the sorted keys falls into."""
    found = Plan([], [])
    index, count = 0, len(keys)
    while index < count:
        inner, end = _find_parent(root, keys[index])
        if inner is None:
            assert isinstance(root, Leaf)
            return Plan([root], [count])
        last = count if end is None else bisect_left(keys, end, index)
        _plan_below(inner, keys, index, last, found)
        index = last
    return found


def _find_parent(node: Node, key: bytes) -> tuple[Inner | None, bytes | None]:
    """Return the inner node above the leaf for a key (None: the root is a leaf), and where the next one begins."""
    end: bytes | None = None
    if not isinstance(node, Inner):
        return None, None
    while node.level > 1:
        index = bisect_right(node.keys, key)
        if index < len(node.keys):
            end = node.keys[index]
        below = node.children[index]
        assert isinstance(below, Inner)
        node = below
    return node, end


def _plan_below(inner: Inner, keys: list[bytes], index: int, last: int, found: Plan) -> None:
    """Plan the keys from `index` to before `last`, which all lie beneath one inner node."""
    separators, children = inner.keys, inner.children
    leaves, stops = found
    while index < last:
        child = bisect_right(separators, keys[index])
        stop = index + 1
        if child == len(separators):
            stop = last
        elif stop < last and keys[stop] < separators[child]:
            stop = bisect_left(keys, separators[child], stop, last)
        leaves.append(children[child])  # type: ignore[arg-type]  # a leaf: right above it is level 1
        stops.append(stop)
        index = stop
