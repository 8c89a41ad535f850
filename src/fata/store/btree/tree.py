"""The tree in memory: where a key lives, and what a commit does to it. Nothing here waits or does I/O.

Inner nodes are always here; a leaf's entries are here while its `resident` is true. A leaf is *clean* (its page
holds it), *dirty* (its page holds an older version that the log brings up to date) or *fresh* (no page: it came
out of a split or a merge, and must be written whenever its parent is). Inner nodes are clean or *changed*.

A leaf in memory may hold up to twice what fits into a page. It is cut when it is to be written, not before: the pieces
are fresh, and leaves that grow would be written twice as often.

What a snapshot sees is never touched: nodes from before the newest pin are copied before they are changed,
and the copy takes their place here.
"""

from __future__ import annotations

from fata.disk.btree.node import CHILD_COST, HEADER_SIZE
from fata.store.btree.cutting import cuts_of
from fata.store.btree.nodes import (
    NOWHERE,
    Inner,
    Leaf,
    Node,
    Plan,
    Span,
    change,
    content,
    fill,
    find,
    page_of,
    separator,
)
from fata.store.btree.planning import plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from fata.disk.btree.record import Changes


PATIENCE = 2  # pages' worth of entries that a leaf may hold


class Tree:
    """Everything between the root and the leaves, and which of it the medium does not have yet."""

    def __init__(self, node_size: int) -> None:
        self.capacity = node_size - HEADER_SIZE  # octets of entries in a node
        self.epoch = 0
        self.shared_below = 0  # nodes of an earlier epoch belong to a pinned reader too
        self.root: Node = Leaf(0, None)
        self.dirty: dict[Leaf, None] = {}  # in the order of their `since`
        self.fresh: dict[Leaf, None] = {}
        self.overfull: dict[Leaf, None] = {}  # among those, leaves that must be cut before they are written
        self.behind: dict[Leaf, None] = {}  # dirty ones that the log changes to nobody knows what: see `settle`
        self.changed: dict[Inner, None] = {}
        self.freed: list[Span] = []  # pages that the tree does not need any more, but the medium's tree does
        self.extents: dict[bytes, tuple[Span, ...]] = {}  # pages of every extent, by its descriptor
        self.leaves = 1
        self.inners = 0
        self.spare = 0  # pages that merges may take before the next checkpoint: each needs one before it gives two

    @property
    def levels(self) -> int:
        """Levels of inner nodes."""
        return self.root.level if isinstance(self.root, Inner) else 0

    def find(self, key: bytes) -> Leaf:
        """Return the leaf that holds the key if anything does."""
        return find(self.root, key)

    def plan(self, keys: list[bytes]) -> Plan:
        """Return which leaf each of the sorted keys falls into."""
        return plan(self.root, keys)

    def apply(self, plan: Plan, keys: list[bytes], changes: Changes, position: int) -> None:
        """Make a commit's changes, which stand in the log from `position` on. Every leaf of the plan is resident."""
        dropped: list[bytes] = []
        for leaf, start, stop in plan.parts():
            if leaf.gone or leaf.epoch < self.shared_below:
                leaf = self._own_leaf(self.find(keys[start]))
            if not change(leaf, keys[start:stop], changes, dropped):
                continue
            if leaf.since < 0:
                leaf.since = position
                if leaf.where is not NOWHERE:
                    self.dirty[leaf] = None
            if leaf.size > self.capacity:
                self.overfull[leaf] = None
                if leaf.size > self.capacity * PATIENCE:
                    self._split_leaf(leaf, position)
            elif leaf.size < self.capacity // 3 and leaf.parent is not None:
                self._shrink_leaf(leaf, leaf.parent, position)
        for extent in dropped:
            self.freed += self.extents.pop(extent, ())

    def replace(self, root: Node, leaves: list[Leaf], inners: list[Inner], freed: list[Span]) -> None:
        """Become another tree, whose leaves have pages already. `freed` are those of this one."""
        for leaf in [*self.dirty, *self.fresh]:
            leaf.gone = True
        self.root, self.leaves, self.inners = root, len(leaves), len(inners)
        self.overfull.clear()
        self.behind.clear()
        self.dirty, self.fresh = {}, {leaf: None for leaf in leaves if leaf.where is NOWHERE}
        self.changed = dict.fromkeys(inners)
        self.freed += freed

    # -- what belongs to whom

    def _own_leaf(self, leaf: Leaf) -> Leaf:
        """Return the leaf, or a copy in its place if a reader has it pinned."""
        if leaf.epoch >= self.shared_below:
            return leaf
        parent = None if leaf.parent is None else self.own_inner(leaf.parent)
        copy = Leaf(self.epoch, parent, leaf.where)
        copy.entries, copy.ordered = leaf.entries.copy(), leaf.ordered
        copy.size, copy.large, copy.resident = leaf.size, leaf.large, True
        copy.kept = True
        if leaf in self.overfull:
            del self.overfull[leaf]
            self.overfull[copy] = None
        self._replace(leaf, copy, parent)
        if leaf.since >= 0 or leaf.flight:
            # Its age has no place in the order of the dirty any more: have it written with its parent.
            copy.since = max(leaf.since, 0)
            self.detach_leaf(copy, leaf)
        return copy

    def own_inner(self, inner: Inner) -> Inner:
        """Return the inner node, or a copy in its place."""
        if inner.epoch >= self.shared_below:
            return inner
        parent = None if inner.parent is None else self.own_inner(inner.parent)
        copy = Inner(self.epoch, inner.level, parent, inner.where)
        copy.keys, copy.children, copy.size = inner.keys.copy(), inner.children.copy(), inner.size
        for child in copy.children:
            child.parent = copy
        copy.kept = True
        self._replace(inner, copy, parent)
        self.changed.pop(inner, None)
        self.changed[copy] = None
        if inner.flight:
            self._detach_inner(copy)
        return copy

    def _replace(self, node: Node, copy: Node, parent: Inner | None) -> None:
        node.gone = True
        if parent is None:
            self.root = copy
        else:
            parent.children[parent.children.index(node)] = copy
            self._alter(parent)

    def detach_leaf(self, leaf: Leaf, former: Leaf | None = None) -> None:
        """Make a leaf fresh. `former` is the object that was dirty in its place."""
        self.dirty.pop(former or leaf, None)
        self.fresh.pop(former or leaf, None)
        self._free(leaf)
        leaf.where = NOWHERE
        self.fresh[leaf] = None
        if leaf.parent is not None:
            self._alter(leaf.parent)

    def _detach_inner(self, inner: Inner) -> None:
        self._free(inner)
        inner.where = NOWHERE
        self._alter(inner)
        if inner.parent is not None:
            self._alter(inner.parent)

    def _alter(self, inner: Inner) -> None:
        """Note that an inner node has other keys or children, or one that has no page any more."""
        inner.image = None
        self.changed[inner] = None

    def _free(self, node: Node) -> None:
        if node.where is not NOWHERE:
            self.freed.append(page_of(node))
            node.kept = False

    # -- after a replay

    def settle(self, leaves: Sequence[Leaf]) -> bool:
        """Take note of those leaves that were behind and have been read; say whether one is gone, being empty."""
        removed = False
        for leaf in leaves if self.behind else ():
            if leaf not in self.behind or not leaf.resident:
                continue
            del self.behind[leaf]
            if leaf.size > self.capacity:
                self.overfull[leaf] = None
            elif not leaf.entries and leaf.parent is not None:
                own = self._own_leaf(leaf)
                assert own.parent is not None
                self._remove_child(own.parent, own)
                removed = True
        return removed

    # -- growing

    def fit(self, leaves: list[Leaf]) -> list[Leaf]:
        """Return those leaves that fit into a page, after cutting the others: their pieces wait for a closing."""
        if self.overfull.keys().isdisjoint(leaves):
            return leaves
        fitting = [leaf for leaf in leaves if leaf.size <= self.capacity]
        for leaf in leaves:
            self._cut(leaf)
        return fitting

    def cut_before_closing(self, all_leaves: bool) -> None:
        """Cut leaves that are too large for a page: all of them, or the fresh ones."""
        for leaf in list(self.overfull):
            if all_leaves or leaf.where is NOWHERE:
                self._cut(leaf)

    def _cut(self, leaf: Leaf) -> None:
        self.overfull.pop(leaf, None)
        if leaf.size > self.capacity and not leaf.gone:
            self._split_leaf(self._own_leaf(leaf), leaf.since)

    def _split_leaf(self, leaf: Leaf, position: int) -> None:
        """Cut a leaf that is too large into as many as it takes."""
        self.overfull.pop(leaf, None)
        cuts = cuts_of(leaf, self.capacity)
        keys, values = list(leaf.entries), list(leaf.entries.values())
        siblings: list[Leaf] = []
        for start, stop in zip(cuts, [*cuts[1:], len(keys)], strict=True):
            sibling = Leaf(self.epoch, leaf.parent)
            fill(sibling, content(keys[start:stop], values[start:stop]), leaf.large)
            sibling.since, sibling.resident = position, True
            siblings.append(sibling)
        fill(leaf, content(keys[: cuts[0]], values[: cuts[0]]), leaf.large)
        self.leaves += len(siblings)
        parent = self._insert_children(leaf, [separator(keys[cut - 1], keys[cut]) for cut in cuts], siblings)
        self.detach_leaf(leaf)
        for sibling in siblings:
            self.fresh[sibling] = None
        if parent.size > self.capacity:
            self._split_inner(parent)

    def _insert_children(self, left: Node, separators: list[bytes], siblings: list[Leaf] | list[Inner]) -> Inner:
        """Put new nodes behind `left`; return their parent."""
        parent = left.parent
        if parent is None:
            level = left.level + 1 if isinstance(left, Inner) else 1
            parent = Inner(self.epoch, level, None)
            parent.children = [left]
            left.parent = self.root = parent
            parent.measure()
            self.inners += 1
        index = parent.children.index(left)
        parent.keys[index:index] = separators
        parent.children[index + 1 : index + 1] = siblings
        for sibling in siblings:
            sibling.parent = parent
        parent.size += sum(map(len, separators)) + CHILD_COST * len(siblings)
        self._alter(parent)
        return parent

    def _split_inner(self, inner: Inner) -> None:
        """Cut an inner node that is too large into two or more."""
        keys, children = inner.keys, inner.children
        pieces = -(-inner.size // self.capacity)
        step = -(-len(children) // pieces)
        cuts = list(range(step, len(children), step))
        siblings: list[Inner] = []
        for start, stop in zip(cuts, [*cuts[1:], len(children)], strict=True):
            sibling = Inner(self.epoch, inner.level, inner.parent)
            sibling.keys, sibling.children = keys[start : stop - 1], children[start:stop]
            for child in sibling.children:
                child.parent = sibling
            siblings.append(sibling)
        inner.keys, inner.children = keys[: cuts[0] - 1], children[: cuts[0]]
        self.inners += len(siblings)
        parent = self._insert_children(inner, [keys[cut - 1] for cut in cuts], siblings)
        for piece in (inner, *siblings):
            piece.measure()
            self._detach_inner(piece)
            if piece.size > self.capacity:
                self._split_inner(piece)
        if parent.size > self.capacity:
            self._split_inner(parent)

    # -- shrinking

    def _shrink_leaf(self, leaf: Leaf, parent: Inner, position: int) -> None:
        """Take a leaf away that is empty, or merge a small one with a neighbour that is at hand."""
        if not leaf.entries:
            self._remove_child(parent, leaf)
            return
        if self.spare <= 0:
            return
        index = parent.children.index(leaf)
        for left, right in ((index - 1, index), (index, index + 1)):
            if left < 0 or right >= len(parent.children):
                continue
            one, other = parent.children[left], parent.children[right]
            assert isinstance(one, Leaf)
            assert isinstance(other, Leaf)
            if one.resident and other.resident and one.size + other.size <= self.capacity * 4 // 5:
                self.behind.pop(one, None)
                self.behind.pop(other, None)
                self._merge_leaves(self._own_leaf(one), self._own_leaf(other), position)
                return

    def _merge_leaves(self, left: Leaf, right: Leaf, position: int) -> None:
        self.spare -= 1
        left.entries = left.in_order() | right.in_order()
        left.size += right.size
        left.large += right.large
        if left.since < 0:
            left.since = position
        parent = left.parent
        assert parent is not None
        self.detach_leaf(left)
        self._remove_child(parent, right)

    def _remove_child(self, parent: Inner, child: Node) -> None:
        """Take a node out of the tree, and whatever becomes empty or superfluous above it."""
        self._free(child)
        child.where = NOWHERE
        child.gone = True
        if isinstance(child, Leaf):
            self.dirty.pop(child, None)
            self.fresh.pop(child, None)
            self.overfull.pop(child, None)
            self.behind.pop(child, None)
            self.leaves -= 1
        else:
            self.changed.pop(child, None)
            self.inners -= 1
        index = parent.children.index(child)
        del parent.children[index]
        if parent.keys:
            del parent.keys[max(index - 1, 0)]
        parent.measure()
        self._alter(parent)
        if not parent.children:
            self._remove_empty(parent)
        elif parent.parent is None:
            self._lower_root()
        elif parent.size < self.capacity // 4:
            self._merge_inner(parent, parent.parent)

    def _remove_empty(self, inner: Inner) -> None:
        if inner.parent is not None:
            self._remove_child(inner.parent, inner)
            return
        self._free(inner)
        self.changed.pop(inner, None)
        leaf = Leaf(self.epoch, None)
        leaf.resident, leaf.since = True, 0
        self.root = leaf
        self.fresh[leaf] = None
        self.leaves, self.inners = 1, 0

    def _lower_root(self) -> None:
        """Drop roots with a single child."""
        root = self.root
        while isinstance(root, Inner) and len(root.children) == 1:
            self._free(root)
            self.changed.pop(root, None)
            self.inners -= 1
            root = root.children[0]
            root.parent = None
            self.root = root

    def _merge_inner(self, inner: Inner, parent: Inner) -> None:
        index = parent.children.index(inner)
        for left, right in ((index - 1, index), (index, index + 1)):
            if left < 0 or right >= len(parent.children):
                continue
            one, other = parent.children[left], parent.children[right]
            assert isinstance(one, Inner)
            assert isinstance(other, Inner)
            middle = parent.keys[left]
            if one.size + other.size + len(middle) <= self.capacity * 4 // 5:
                one, other = self.own_inner(one), self.own_inner(other)
                one.keys += [middle, *other.keys]
                one.children += other.children
                for child in other.children:
                    child.parent = one
                one.measure()
                self._detach_inner(one)
                self._remove_child(parent, other)
                return
