"""The connections' deadlines: a heap in which a deadline that moves later costs nothing.

An entry stands for `connection.scheduled`. When it comes up and the connection's `deadline` has moved on, the entry
is put back; when `scheduled` is another number, a nearer entry has replaced it. Entries of connections that are gone
are swept once they are the greater part, so that a distant deadline (keepalive's two hours) keeps nothing alive.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fata.proto.tcp.connection import Connection

SWEEP = 64  # entries below which no sweep is worth it


class Deadlines:
    """A heap of (time, serial number, connection)."""

    __slots__ = ("_heap", "_serial", "_stale")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Connection]] = []
        self._serial = 0
        self._stale = 0

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, connection: Connection) -> None:
        """Enter the connection's deadline, unless an entry comes up before it anyway."""
        if connection.deadline >= connection.scheduled:
            return
        if connection.scheduled != inf:
            self._drop_entry()
        connection.scheduled = connection.deadline
        self._serial += 1
        heappush(self._heap, (connection.deadline, self._serial, connection))

    def remove(self, connection: Connection) -> None:
        """The connection is gone."""
        if connection.scheduled != inf:
            connection.scheduled = inf
            self._drop_entry()

    def next(self) -> float:
        """Monotonic seconds of the nearest entry."""
        return self._heap[0][0] if self._heap else inf

    def due(self, now: float) -> list[Connection]:
        """Remove and return the connections whose deadline is reached, in the order of their deadlines."""
        found = []
        while self._heap and self._heap[0][0] <= now:
            at, _, connection = heappop(self._heap)
            if at != connection.scheduled:
                self._stale -= 1
                continue
            connection.scheduled = inf
            if connection.deadline > now:
                self.add(connection)
            else:
                found.append(connection)
        return found

    def _drop_entry(self) -> None:
        self._stale += 1
        if self._stale > SWEEP and self._stale * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[0] == entry[2].scheduled]
            heapify(self._heap)
            self._stale = 0
