"""What was written and is not yet acknowledged: references, in order, each octet with its sequence number.

Nothing is copied on the way in. A transmission gets views, the object itself where it is sent whole, and may be
asked for again. Only very small writes are joined when they leave together: a system call takes 1,024 buffers,
and a view costs more than copying a few octets.
"""

from __future__ import annotations

from bisect import bisect_right

from fata.wire.tcp import Buffer

MAX_BUFFERS = 16  # of one transmission
KEEP = 64  # acknowledged places kept at the front before the lists are cut


class SendQueue:
    """Buffers by sequence number."""

    __slots__ = ("_ends", "_first", "buffers")

    def __init__(self) -> None:
        self._first = 0  # index of the first buffer that is kept
        self.buffers: list[Buffer] = []  # the newest last; the first ones may be given up already
        self._ends: list[int] = []  # sequence number behind each buffer

    def append(self, data: Buffer, end: int) -> None:
        """Queue `data`, whose last octet has sequence number `end - 1`."""
        self.buffers.append(data)
        self._ends.append(end)

    def release(self, seq: int) -> None:
        """Forget the buffers that lie wholly below `seq`."""
        first, ends = self._first, self._ends
        if ends and ends[-1] <= seq:
            self.clear()
            return
        count = len(ends)
        while first < count and ends[first] <= seq:
            self.buffers[first] = b""
            first += 1
        if first > KEEP and first * 2 > count:
            del self.buffers[:first], ends[:first]
            first = 0
        self._first = first

    def views(self, seq: int, length: int) -> tuple[Buffer, ...]:
        """The octets from `seq` on, as few buffers as possible."""
        ends, buffers = self._ends, self.buffers
        at = self._first
        if ends[at] <= seq:
            at = bisect_right(ends, seq, at)
        low = seq - (ends[at] - len(buffers[at]))
        data = buffers[at]
        if low + length <= len(data):
            if length == len(data):
                return (data,)
            return (memoryview(data)[low : low + length],)
        return self._gather(at, low, length)

    def clear(self) -> None:
        """Forget everything."""
        self.buffers.clear()
        self._ends.clear()
        self._first = 0

    def _gather(self, at: int, low: int, length: int) -> tuple[Buffer, ...]:
        parts: list[Buffer] = []
        while length:
            data = self.buffers[at]
            high = min(len(data), low + length)
            parts.append(data if high - low == len(data) else memoryview(data)[low:high])
            length -= high - low
            at, low = at + 1, 0
        if len(parts) > MAX_BUFFERS:
            return (b"".join(parts),)
        return tuple(parts)
