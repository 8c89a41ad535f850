"""A tree's nodes in memory, and finding one's way through them."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from fata.disk.btree.extent import Extent
from fata.disk.btree.node import CHILD_COST, ENTRY_COST, LeafContent, inner_body, set_child
from fata.disk.btree.pointer import NOTHING, Pointer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fata.disk.btree.record import Changes


Where = tuple[int, int, int, int]
"""A `Pointer` as a node in memory has it: the garbage collector forgets plain tuples of numbers, not named ones."""

NOWHERE: Where = (*NOTHING,)

Span = tuple[int, int, int, bool]
"""Neighbouring pages: the first, how many, the generation that wrote them, and whether a reader may have them whatever
generation that is. As plain as `Where`, for the same reason."""


class Leaf:
    """Entries, in the order of their keys while `ordered`. `size` is what they take on disk, in octets.

    A dict: one probe finds a key, however many there are, and touches little memory; and the garbage collector does
    not look into one that holds octets alone, while it would visit every entry of two lists.

    `pending` is what the log says of a leaf that has not been read since the store was opened: it waits for that.
    """

    __slots__ = (
        "entries", "epoch", "flight", "gone", "kept", "large", "ordered", "parent", "pending", "place", "resident",
        "since", "size", "used", "where",
    )  # fmt: skip

    def __init__(self, epoch: int, parent: Inner | None, where: Where = NOWHERE) -> None:
        self.epoch = epoch
        self.parent = parent
        self.where = where  # NOWHERE: fresh
        self.place = 0  # among its parent's children, while that has an `image`
        self.entries: dict[bytes, bytes] = {}
        self.ordered = True
        self.size = 0
        self.large = 0  # how many values are extents
        self.pending: tuple[list[bytes], dict[bytes, bytes | None]] | None = None  # its keys, the log's changes
        self.resident = False
        self.since = -1  # log position of the oldest change that its page lacks; -1: clean
        self.used = False  # since the cache last looked
        self.flight = False  # its page is being written
        self.gone = False  # not in the tree any more; a reader may still have it pinned
        self.kept = False  # a reader may have the page that it points to

    @property
    def pointer(self) -> Pointer:
        """Where its page is, for a parent or the medium."""
        return Pointer(*self.where)

    def in_order(self) -> dict[bytes, bytes]:
        """Return the entries in the order of their keys. Who looks at former ones sees them as they were."""
        if not self.ordered:
            ordered: dict[bytes, bytes] = dict.fromkeys(sorted(self.entries), b"")
            ordered.update(self.entries)
            self.entries, self.ordered = ordered, True
        return self.entries


class Inner:
    """`keys[i]` is the least key that `children[i + 1]` may hold.

    `image` is the node's body with the pointers that its children have now; None if it is to be made anew, since the
    keys are others or a child has no page. A child that moves is set in it at once: so writing a node of hundreds of
    children, of which a few have moved, does not ask them all where they are.
    """

    __slots__ = (
        "children", "epoch", "flight", "gone", "image", "kept", "keys", "level", "parent", "place", "size", "where",
    )  # fmt: skip

    def __init__(self, epoch: int, level: int, parent: Inner | None, where: Where = NOWHERE) -> None:
        self.epoch = epoch
        self.level = level
        self.parent = parent
        self.where = where
        self.keys: list[bytes] = []
        self.children: list[Node] = []
        self.image: bytearray | None = None
        self.place = 0
        self.size = 0
        self.flight = False
        self.gone = False
        self.kept = False

    @property
    def pointer(self) -> Pointer:
        """Where its page is."""
        return Pointer(*self.where)

    def body(self) -> bytearray:
        """Return the node's body. Every child has a page."""
        if self.image is None:
            self.image = inner_body(self.keys, [child.where for child in self.children])
            for place, child in enumerate(self.children):
                child.place = place
        return self.image

    def child_moved(self, child: Node) -> None:
        """Take over a child's new pointer."""
        if self.image is not None:
            set_child(self.image, len(self.children), child.place, child.where)

    def measure(self) -> None:
        """Set `size`, in octets on disk."""
        self.size = sum(map(len, self.keys)) + CHILD_COST * len(self.children)


Node = Leaf | Inner


class Plan(NamedTuple):
    """Which leaves a commit's sorted keys fall into: those up to before `stops[0]` into `leaves[0]`, and so on."""

    leaves: list[Leaf]
    stops: list[int]

    def parts(self) -> Iterator[tuple[Leaf, int, int]]:
        """Return each leaf, its first key's index, and that behind its last."""
        return zip(self.leaves, [0, *self.stops[:-1]], self.stops, strict=True)


def content(keys: list[bytes], values: list[bytes]) -> LeafContent:
    """Return entries as a leaf's content."""
    return LeafContent(keys, values, sum(map(len, keys)) + sum(map(len, values)) + ENTRY_COST * len(keys))


def fill(leaf: Leaf, entries: LeafContent, has_extents: int) -> None:
    """Give a leaf its entries, in the order of their keys."""
    leaf.entries = dict(zip(entries.keys, entries.values, strict=True))
    leaf.ordered = True
    leaf.size = entries.size
    leaf.large = sum(value.__class__ is Extent for value in entries.values) if has_extents else 0


def change(leaf: Leaf, keys: Iterable[bytes], changes: Changes, dropped: list[bytes]) -> bool:
    """Change a leaf's entries; say whether that made a difference. Extents that it loses are added to `dropped`."""
    entries = leaf.entries
    differs = False
    for key in keys:
        value, old = changes[key], entries.get(key)
        if value == old and value.__class__ is old.__class__:
            continue
        differs = True
        if old is None:
            leaf.ordered = False
            leaf.size += len(key) + ENTRY_COST
        else:
            leaf.size -= len(old)
            if old.__class__ is Extent:
                leaf.large -= 1
                dropped.append(old)
        if value is None:
            del entries[key]
            leaf.size -= len(key) + ENTRY_COST
            continue
        entries[key] = value
        leaf.size += len(value)
        if value.__class__ is Extent:
            leaf.large += 1
    return differs


def page_of(node: Node) -> Span:
    """Return a node's page."""
    address, generation, _, _ = node.where
    return address, 1, generation, node.kept


def is_last(leaf: Leaf) -> bool:
    """Say whether nothing lies to the right of a leaf."""
    node: Node = leaf
    while node.parent is not None:
        if node.parent.children[-1] is not node:
            return False
        node = node.parent
    return True


def find(node: Node, key: bytes) -> Leaf:
    """Return the leaf beneath `node` that holds the key if anything does."""
    while isinstance(node, Inner):
        node = node.children[bisect_right(node.keys, key)]
    return node


def find_with_end(node: Node, key: bytes) -> tuple[Leaf, bytes | None]:
    """Return the leaf for a key beneath `node`, and where the next leaf begins (None: there is none)."""
    end: bytes | None = None
    while isinstance(node, Inner):
        index = bisect_right(node.keys, key)
        if index < len(node.keys):
            end = node.keys[index]
        node = node.children[index]
    return node, end


def separator(left: bytes, right: bytes) -> bytes:
    """Return the shortest octets that are greater than `left` and not greater than `right`."""
    for index, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return right[: index + 1]
    return right[: len(left) + 1]
