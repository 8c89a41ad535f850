"""Reading a tree: the live one or a snapshot's. A leaf in memory costs a plain call, only a missing one is awaited."""

from __future__ import annotations

from bisect import bisect_left

from fata.disk.btree.extent import Extent
from fata.errors import StateError
from fata.store.btree.extents import chunks
from fata.store.btree.loading import load_leaf
from fata.store.btree.nodes import Inner, Leaf, find, find_with_end

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Protocol

    from fata.store.btree.cache import Cache
    from fata.store.btree.medium import Medium
    from fata.store.btree.nodes import Node

    class Rooted(Protocol):
        """A tree, or a pin of one."""

        root: Node


Item = tuple[bytes, bytes]


class Reading:
    """What can be asked of a tree. Keys are octets, in the order of octets."""

    def __init__(self, source: Rooted, medium: Medium, cache: Cache) -> None:
        self._source = source
        self._medium = medium
        self._cache = cache
        self._ended: Exception | None = None  # why nothing can be asked any more

    async def get(self, key: bytes) -> bytes | None:
        """Return the key's value; None if it has none."""
        if self._ended is not None:
            raise self._ended
        leaf = find(self._source.root, key)
        if leaf.resident:  # as in `_lookup`, without a coroutine more
            leaf.used = True
        else:
            leaf, _ = await self._fetch(key)
        value = leaf.entries.get(key)
        if value.__class__ is Extent:
            return b"".join([piece async for piece in self._chunks(key, 0)])
        return value

    async def contains(self, key: bytes) -> bool:
        """Say whether the key has a value."""
        return await self._lookup(key) is not None

    async def size(self, key: bytes) -> int | None:
        """Return the value's length in octets, without reading it."""
        value = await self._lookup(key)
        return value.length if isinstance(value, Extent) else None if value is None else len(value)

    async def get_partial(self, key: bytes, offset: int, length: int) -> bytes | None:
        """Return at most `length` octets of the value from `offset` on; None if there is no value."""
        value = await self._lookup(key)
        if not isinstance(value, Extent):
            return None if value is None else value[offset : offset + length]
        pieces, left = [], length
        stream = self._chunks(key, offset)
        try:
            while left > 0 and (piece := await anext(stream, b"")):
                pieces.append(piece[:left])
                left -= len(pieces[-1])
        finally:
            await stream.aclose()  # type: ignore[attr-defined]  # a generator
        return b"".join(pieces)

    async def stream(self, key: bytes, offset: int = 0) -> AsyncIterator[bytes]:
        """Yield the value's octets from `offset` on, at most 64 KiB at a time; nothing if there is no value.

        The value stays as it is until the iteration ends.
        """
        async for piece in self._chunks(key, offset):
            yield piece

    async def _chunks(self, key: bytes, offset: int) -> AsyncIterator[bytes]:
        """Yield a value's octets, of a tree that is kept as it is meanwhile."""
        with self._kept() as kept:
            value = await self._lookup(key, kept)
            if isinstance(value, Extent):
                async for piece in chunks(self._medium, value, offset):
                    yield piece
            elif value is not None:
                yield value[offset:]

    async def _lookup(self, key: bytes, source: Rooted | None = None) -> bytes | None:
        """Return the value or its descriptor."""
        if self._ended is not None:
            raise self._ended
        leaf = find((source or self._source).root, key)
        if leaf.resident:
            leaf.used = True
        else:
            leaf, _ = await self._fetch(key, source)
        return leaf.entries.get(key)

    async def _fetch(self, key: bytes, source: Rooted | None = None) -> tuple[Leaf, bytes | None]:
        """Return the leaf for a key, with its entries, and where the next one begins."""
        while True:
            leaf, end = find_with_end((source or self._source).root, key)
            if leaf.resident:
                leaf.used = True
                return leaf, end
            await self._load(leaf)
            if self._ended is not None:
                raise self._ended

    async def _load(self, leaf: Leaf) -> None:
        await load_leaf(self._medium, leaf)
        if leaf.resident and leaf.since < 0:
            self._cache.add(leaf)

    # -- ranges

    def range(
        self,
        start: bytes | None = None,
        end: bytes | None = None,
        *,
        prefix: bytes = b"",
        reverse: bool = False,
    ) -> AsyncIterator[Item]:
        """Yield (key, value) from `start` to before `end`, those that begin with `prefix`, in order or reversed.

        It sees the tree as it is when the first is asked for. While it is not at its end (or closed) the store
        keeps all pages of that tree.
        """
        low, high = bounds(start, end, prefix)
        return self._backward(low, high) if reverse else self._forward(low, high)

    async def keys(
        self, start: bytes | None = None, end: bytes | None = None, *, prefix: bytes = b""
    ) -> AsyncIterator[bytes]:
        """Yield the keys of a range in order, without reading large values."""
        low, high = bounds(start, end, prefix)
        with self._kept() as kept:
            async for entries, _ in self._pieces(kept, low, high):
                for key in list(entries):
                    yield key

    async def raw(self, key: bytes) -> bytes | None:
        """Return what the tree holds under a key: a large value's descriptor. Equal answers mean the same value."""
        return await self._lookup(key)

    async def _forward(self, low: bytes, high: bytes | None) -> AsyncIterator[Item]:
        with self._kept() as kept:
            async for entries, large in self._pieces(kept, low, high):
                for item in list(entries.items()):
                    if large and item[1].__class__ is Extent:
                        yield await self._read_out(item)
                    else:
                        yield item

    async def _backward(self, low: bytes, high: bytes | None) -> AsyncIterator[Item]:
        with self._kept() as kept:
            more: bytes | None = b""
            while more is not None and (high is None or low < high):
                leaf, more = await self._fetch_before(kept, high)
                for item in list(part(leaf, low, high).items())[::-1]:
                    yield await self._read_out(item) if isinstance(item[1], Extent) else item
                high = more

    async def _read_out(self, item: Item) -> Item:
        """Read an extent's value. Its pages are kept by whoever calls."""
        assert isinstance(item[1], Extent)
        return item[0], b"".join([piece async for piece in chunks(self._medium, item[1])])

    async def _pieces(
        self, kept: Rooted, low: bytes, high: bytes | None
    ) -> AsyncIterator[tuple[dict[bytes, bytes], int]]:
        """Yield each leaf's part of a range, and how many extents the leaf has.

        Nobody changes the dict while the tree is kept; who lets others run before its end had better copy it.
        """
        following: bytes | None = low
        while following is not None and (high is None or following < high):
            leaf, end = find_with_end(kept.root, following)
            if not leaf.resident or self._ended is not None:
                leaf, end = await self._fetch(following, kept)
            yield part(leaf, low, high), leaf.large
            following = end

    async def _fetch_before(self, kept: Rooted, high: bytes | None) -> tuple[Leaf, bytes | None]:
        """Return the leaf with the greatest keys below `high`, and where it begins (None: nothing lies before it)."""
        while True:
            node, begin = kept.root, None
            while isinstance(node, Inner):
                index = len(node.keys) if high is None else bisect_left(node.keys, high)
                begin = node.keys[index - 1] if index else begin
                node = node.children[index]
            if node.resident:
                return node, begin
            await self._load(node)

    async def first(self, prefix: bytes = b"") -> Item | None:
        """Return the least key (that begins with `prefix`) and its value."""
        return await self._next(self.range(prefix=prefix))

    async def last(self, prefix: bytes = b"") -> Item | None:
        """Return the greatest key (that begins with `prefix`) and its value."""
        return await self._next(self.range(prefix=prefix, reverse=True))

    async def _next(self, items: AsyncIterator[Item]) -> Item | None:
        try:
            return await anext(items, None)
        finally:
            await items.aclose()  # type: ignore[attr-defined]  # a generator

    async def count(self, start: bytes | None = None, end: bytes | None = None, *, prefix: bytes = b"") -> int:
        """Return how many keys a range has. It reads every leaf of the range."""
        low, high = bounds(start, end, prefix)
        with self._kept() as kept:
            return sum([len(entries) async for entries, _ in self._pieces(kept, low, high)])

    def _kept(self) -> Kept:
        """Keep the tree as it is for the length of a block. Here: it never changes."""
        if self._ended is not None:
            raise self._ended
        return Kept(self._source)


class Kept:
    """A tree that stays as it is, for the length of a `with` block."""

    def __init__(self, source: Rooted) -> None:
        self._source = source

    def __enter__(self) -> Rooted:
        return self._source

    def __exit__(self, *_: object) -> None:
        """Let go."""


def part(leaf: Leaf, low: bytes, high: bytes | None) -> dict[bytes, bytes]:
    """Return those of a leaf's entries, in order, that lie from `low` to before `high`."""
    entries = leaf.in_order()
    keys = list(entries)
    start = bisect_left(keys, low)
    stop = len(keys) if high is None else bisect_left(keys, high)
    return entries if stop - start == len(keys) else {key: entries[key] for key in keys[start:stop]}


def bounds(start: bytes | None, end: bytes | None, prefix: bytes) -> tuple[bytes, bytes | None]:
    """Return where a range begins, and before which key it ends (None: it has no end)."""
    low = max(start or b"", prefix)
    after = successor(prefix)
    if end is None:
        return low, after
    return low, end if after is None else min(end, after)


def successor(prefix: bytes) -> bytes | None:
    """Return the least key that is greater than all that begin with `prefix`; None if there is none."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes([stripped[-1] + 1]) if stripped else None


def closed_error(what: str) -> StateError:
    """Return what a call of something closed raises."""
    return StateError(f"btree: the {what} is closed")
