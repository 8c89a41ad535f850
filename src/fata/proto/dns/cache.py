"""A cache of what DNS servers said, for as long as they said (RFC 1035 7.4, RFC 2308)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

ENTRY_COST = 512  # octets that an entry takes besides what it says


@dataclass(slots=True)
class Counters:
    """What the cache did."""

    hits: int = 0
    misses: int = 0
    evicted: int = 0  # entries that were still good


class Entry(NamedTuple, Generic[Value]):
    """Something that is known for a while."""

    value: Value
    expires: float
    cost: int


class Cache(Generic[Key, Value]):
    """Entries by key, in at most `octets`; the one that was asked for longest ago makes room."""

    def __init__(self, octets: int) -> None:
        self.counters = Counters()
        self.octets = 0
        self._limit = octets
        self._entries: OrderedDict[Key, Entry[Value]] = OrderedDict()  # the longest unused first

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key, now: float) -> Value | None:
        """Return what is known, if it is still good."""
        entry = self._entries.get(key)
        if entry is None or entry.expires <= now:
            if entry is not None:
                self._remove(key)
            self.counters.misses += 1
            return None
        self._entries.move_to_end(key)
        self.counters.hits += 1
        return entry.value

    def put(self, key: Key, value: Value, size: int, ttl: float, now: float) -> None:
        """Keep a value of `size` octets for `ttl` seconds; what is larger than a quarter of the cache is not kept."""
        if key in self._entries:
            self._remove(key)
        cost = size + ENTRY_COST
        if ttl <= 0 or cost > self._limit // 4:
            return
        while self.octets + cost > self._limit:
            oldest, entry = next(iter(self._entries.items()))
            self._remove(oldest)
            self.counters.evicted += entry.expires > now
        self._entries[key] = Entry(value, now + ttl, cost)
        self.octets += cost

    def clear(self) -> None:
        """Forget everything, as when the servers are others now."""
        self._entries.clear()
        self.octets = 0

    def _remove(self, key: Key) -> None:
        self.octets -= self._entries.pop(key).cost
