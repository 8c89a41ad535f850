"""Deadlines by key: what is due next, in any order of setting, moving and discarding."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count
from math import inf
from typing import Generic, TypeVar

Key = TypeVar("Key")

SLACK = 64  # outdated entries that are not worth a clean-up


class Deadlines(Generic[Key]):
    """At most one deadline a key. What is due at the same moment comes in the order in which it was set."""

    def __init__(self) -> None:
        self._current: dict[Key, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, Key]] = []  # with entries that are outdated; the serial number tells them
        self._serial = count()

    def __len__(self) -> int:
        return len(self._current)

    def set(self, key: Key, deadline: float) -> None:
        """Set or move a key's deadline, in monotonic seconds."""
        serial = next(self._serial)
        self._current[key] = (deadline, serial)
        heappush(self._heap, (deadline, serial, key))
        # Moving deadlines must not make the heap grow, or a flood that moves them would.
        if len(self._heap) > 2 * len(self._current) + SLACK:
            self._heap = [(*current, key) for key, current in self._current.items()]
            heapify(self._heap)

    def discard(self, key: Key) -> None:
        """Forget a key's deadline, if it has one."""
        self._current.pop(key, None)

    def next(self) -> float:
        """Return the earliest deadline; inf if there is none."""
        self._drop_outdated()
        return self._heap[0][0] if self._heap else inf

    def due(self, now: float) -> list[Key]:
        """Return the keys whose deadline has come, earliest first, and forget these deadlines."""
        keys = []
        while self.next() <= now:
            key = heappop(self._heap)[2]
            del self._current[key]
            keys.append(key)
        return keys

    def _drop_outdated(self) -> None:
        heap = self._heap
        while heap and self._current.get(heap[0][2]) != heap[0][:2]:
            heappop(heap)
