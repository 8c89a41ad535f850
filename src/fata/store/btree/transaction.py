"""Transactions: changes that happen together or not at all, on a tree that nobody else changes meanwhile."""

from __future__ import annotations

from contextlib import contextmanager

from fata.disk.btree.extent import VALUE_LIMIT, Extent
from fata.errors import StateError
from fata.store.btree.errors import TooLarge
from fata.store.btree.extents import chunks
from fata.store.btree.items import each
from fata.store.btree.reading import bounds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
    from types import TracebackType

    from fata.store.btree.reading import Item
    from fata.store.btree.store import Btree

_ABSENT = object()


class Transaction:
    """Made by `Btree.transaction`, used inside its `async with`; leaving that by an error makes no change.

    Only one is open at a time: others wait at their beginning. It sees its own changes.
    """

    def __init__(self, store: Btree, durability: str) -> None:
        self._store = store
        self._durability = durability
        self._state = "new"  # "open", "ended"
        self.changes: dict[bytes, bytes | None] = {}
        self.extents: list[Extent] = []  # written by this transaction
        self._undo: list[tuple[bytes, object]] | None = None  # what changes replaced, while a savepoint is open

    async def __aenter__(self) -> Transaction:
        if self._state != "new":
            raise StateError("btree: a transaction is used once; ask the store for another")
        await self._store.begin()
        self._state = "open"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._state = "ended"
        if kind is None:
            await self._store.commit(self.changes, self.extents, self._durability)
        else:
            self._store.abandon(self.extents)
            self._store.end()

    async def get(self, key: bytes) -> bytes | None:
        """Return the key's value, this transaction's if it has one."""
        value = await self._value(key)
        if isinstance(value, Extent):
            return b"".join([piece async for piece in chunks(self._store.medium, value)])
        return value

    async def contains(self, key: bytes) -> bool:
        """Say whether the key has a value."""
        return await self._value(key) is not None

    async def _value(self, key: bytes) -> bytes | None:
        self._check_open()
        if key in self.changes:
            return self.changes[key]
        return await self._store.lookup(key)

    async def put(self, key: bytes, value: bytes) -> None:
        """Store a value. Raises `TooLarge`, `OutOfSpace`."""
        self._check_open()
        store = self._store
        if len(key) > store.key_limit:
            raise TooLarge(f"btree: a key of {len(key)} octets, the limit is {store.key_limit}")
        if len(value) > store.inline_limit:
            value = await store.write_extent([value], len(value))
            self.extents.append(value)
        elif value.__class__ is not bytes:
            value = bytes(value)
        if self._undo is not None:
            self._undo.append((key, self.changes.get(key, _ABSENT)))
        self.changes[key] = value

    async def put_all(self, items: Mapping[bytes, bytes] | Iterable[tuple[bytes, bytes]]) -> None:
        """Store many values, quicker than one by one. After `TooLarge` or `OutOfSpace` those before are stored."""
        self._check_open()
        new = dict(items)
        values = new.values()
        plain = self._undo is None and {bytes}.issuperset(map(type, values))
        fits = plain and max(map(len, new), default=0) <= self._store.key_limit
        if fits and max(map(len, values), default=0) <= self._store.inline_limit:
            self.changes.update(new)
            return
        for key, value in new.items():
            await self.put(key, value)

    async def put_stream(self, key: bytes, pieces: Iterable[bytes] | AsyncIterable[bytes], length: int) -> None:
        """Store a value of `length` octets that comes in pieces, without holding it in memory.

        StateError if they are more or fewer.
        """
        self._check_open()
        store = self._store
        if length > VALUE_LIMIT or len(key) > store.key_limit:
            raise TooLarge(f"btree: a value of {length} octets under a key of {len(key)}")
        if length <= store.inline_limit:
            await self.put(key, b"".join([piece async for piece in each(pieces)]))
            return
        extent = await store.write_extent(each(pieces), length)
        self.extents.append(extent)
        self._set(key, extent)

    def _set(self, key: bytes, value: bytes | None) -> None:
        if self._undo is not None:
            self._undo.append((key, self.changes.get(key, _ABSENT)))
        self.changes[key] = value

    async def delete(self, key: bytes) -> bool:
        """Remove the key's value; say whether there was one."""
        there = await self._value(key) is not None
        if there:
            self._set(key, None)
        return there

    async def test_and_set(self, key: bytes, expected: bytes | None, new: bytes | None) -> bool:
        """If the value equals `expected` (None: there is none) store `new` (None: remove it); say whether."""
        if await self.get(key) != expected:
            return False
        if new is not None:
            await self.put(key, new)
        elif expected is not None:
            self._set(key, None)
        return True

    async def delete_range(self, start: bytes | None = None, end: bytes | None = None, *, prefix: bytes = b"") -> int:
        """Remove every value of a range; return how many."""
        keys = [key async for key, _ in self.range(start, end, prefix=prefix)]
        for key in keys:
            self._set(key, None)
        return len(keys)

    async def range(
        self, start: bytes | None = None, end: bytes | None = None, *, prefix: bytes = b"", reverse: bool = False
    ) -> AsyncIterator[Item]:
        """Yield (key, value) in order, with this transaction's changes as they are now."""
        self._check_open()
        low, high = bounds(start, end, prefix)
        changes = dict(self.changes)
        own = sorted(key for key in changes if low <= key and (high is None or key < high))
        if reverse:
            own.reverse()
        async for key, value in self._store.range(low, high, reverse=reverse):
            while own and (own[0] > key if reverse else own[0] < key):
                async for item in self._own(own.pop(0), changes):
                    yield item
            if key not in changes:
                yield key, value
        for key in own:
            async for item in self._own(key, changes):
                yield item

    async def keys(
        self, start: bytes | None = None, end: bytes | None = None, *, prefix: bytes = b""
    ) -> AsyncIterator[bytes]:
        """Yield the keys of a range in order, with this transaction's changes as they are now."""
        self._check_open()
        low, high = bounds(start, end, prefix)
        async for key in merged(self._store.keys(low, high), dict(self.changes), low, high):
            yield key

    async def raw(self, key: bytes) -> bytes | None:
        """Return what the tree holds, or will hold, under a key: a large value's descriptor."""
        return await self._value(key)

    async def _own(self, key: bytes, changes: dict[bytes, bytes | None]) -> AsyncIterator[Item]:
        value = changes[key]
        if isinstance(value, Extent):
            yield key, b"".join([piece async for piece in chunks(self._store.medium, value)])
        elif value is not None:
            yield key, value

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what the block changes if it ends with an error, which goes on; the transaction stays open."""
        self._check_open()
        outer, self._undo = self._undo, []
        try:
            yield
        except BaseException:
            for key, value in reversed(self._undo):
                if value is _ABSENT:
                    self.changes.pop(key, None)
                else:
                    self.changes[key] = value  # type: ignore[assignment]
            self._undo = outer
            raise
        if outer is not None:
            outer += self._undo
        self._undo = outer

    def _check_open(self) -> None:
        if self._state != "open":
            raise StateError("btree: a transaction can be used only inside its `async with`")


async def merged(
    keys: AsyncIterator[bytes], changes: dict[bytes, bytes | None], low: bytes, high: bytes | None
) -> AsyncIterator[bytes]:
    """Yield keys of a range in order, as changes make them."""
    own = sorted(key for key in changes if low <= key and (high is None or key < high))
    async for key in keys:
        while own and own[0] < key:
            if changes[own[0]] is not None:
                yield own[0]
            del own[0]
        if key not in changes:
            yield key
    for key in own:
        if changes[key] is not None:
            yield key
