"""Changes over a snapshot, and a record of what was looked at, so that it can be compared with what is there later."""

from __future__ import annotations

from fata.store.btree.reading import bounds
from fata.store.btree.transaction import merged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fata.store.btree.paths import Entries
    from fata.store.btree.snapshot import Snapshot


class Overlay:
    """Reads like a transaction. A key that was asked for counts as looked at, and so does each stretch of keys
    that was walked through: from where the walk began to the key that it came to."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.changes: dict[bytes, bytes | None] = {}
        self._values: dict[bytes, bytes | None] = {}  # key: what the tree held
        self._walks: dict[tuple[bytes, bytes | None], bytes | None] = {}  # (from, end): the last key come to

    async def get(self, key: bytes) -> bytes | None:
        """Return a value."""
        if key in self.changes:
            return self.changes[key]
        await self._look(key)
        return await self.snapshot.get(key)

    async def raw(self, key: bytes) -> bytes | None:
        """Return what stands under a key."""
        if key in self.changes:
            return self.changes[key]
        return await self._look(key)

    async def _look(self, key: bytes) -> bytes | None:
        found = self._values[key] = await self.snapshot.raw(key)
        return found

    async def keys(
        self, start: bytes | None = None, end: bytes | None = None, *, prefix: bytes = b""
    ) -> AsyncIterator[bytes]:
        """Yield the keys of a range."""
        low, high = bounds(start, end, prefix)
        async for key in merged(self._walked(low, high), dict(self.changes), low, high):
            yield key

    async def _walked(self, low: bytes, high: bytes | None) -> AsyncIterator[bytes]:
        """Yield the snapshot's keys, and note how far that went."""
        place = (low, high)
        async for key in self.snapshot.keys(low, high):
            if place in self._walks:
                reached = self._walks[place]
                self._walks[place] = None if reached is None else max(reached, key)
            else:
                self._walks[place] = key
            yield key
        self._walks[place] = None  # to the end

    async def put(self, key: bytes, value: bytes) -> None:
        """Change a key, which counts as looked at."""
        await self._look(key)
        self.changes[key] = value

    async def delete(self, key: bytes) -> bool:
        """Remove a key, which counts as looked at."""
        found = await self.raw(key)
        await self._look(key)
        self.changes[key] = None
        return found is not None

    async def first_difference(self, now: Entries) -> bytes | None:
        """Return a key at which something looked at has changed since; None if nothing has."""
        for key, value in self._values.items():
            if await now.raw(key) != value:
                return key
        for (low, high), reached in self._walks.items():
            end = high if reached is None else reached + b"\0"
            before = [key async for key in self.snapshot.keys(low, end)]
            after = [key async for key in now.keys(low, end)]
            if before != after:
                return min(set(before) ^ set(after))
        return None
