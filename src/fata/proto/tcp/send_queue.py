"""What was written and is not yet acknowledged: references, in order, each octet with its sequence number.

Nothing is copied on the way in. A transmission gets views, the object itself where it is sent whole, and may be
asked for again. Only very small writes are joined when they leave together: a system call takes 1,024 buffers,
and a view costs more than copying a few octets.
"""

from __future__ import annotations

from bisect import bisect_right

from fata.wire.tcp import Buffer

BUFFER_OVERHEAD = 80  # octets that each takes besides its contents: an object, two places, where it ends
MAX_BUFFERS = 16  # of one transmission
KEEP = 64  # acknowledged places kept at the front before the lists are cut


class SendQueue:
    """Buffers by sequence number. What is written goes to the end of `buffers`.

    Where buffers end is worked out once somebody asks for a part of the queue: most of what servers say leaves in one
    piece, and is acknowledged so.
    """

    __slots__ = ("_ends", "_first", "_start", "buffers")

    def __init__(self, start: int) -> None:
        self._start = start  # sequence number of the first octet
        self._first = 0  # index of the first buffer that is kept
        self.buffers: list[Buffer] = []  # the newest last; the first ones may be given up already
        self._ends: list[int] = []  # sequence number behind each buffer but the newest

    def release(self, seq: int) -> None:
        """Forget the buffers that lie wholly below `seq`."""
        self._find_ends()
        first, ends = self._first, self._ends
        if ends and ends[-1] <= seq:
            self.clear(ends[-1])
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
        buffers = self.buffers
        if len(buffers) == 1 and len(buffers[0]) == length:
            return (buffers[0],)
        self._find_ends()
        ends, at = self._ends, self._first
        if ends[at] <= seq:
            at = bisect_right(ends, seq, at)
        low = seq - (ends[at] - len(buffers[at]))
        data = buffers[at]
        if low + length <= len(data):
            if length == len(data):
                return (data,)
            return (memoryview(data)[low : low + length],)
        return self._gather(at, low, length)

    def whole(self) -> bytes:
        """All that is queued, in one piece."""
        return b"".join(self.buffers) if len(self.buffers) <= MAX_BUFFERS else b""

    def clear(self, start: int) -> None:
        """Forget everything; what is written next begins at `start`."""
        self.buffers.clear()
        self._start = start
        if self._ends:
            self._ends.clear()
            self._first = 0

    def _find_ends(self) -> None:
        ends, buffers = self._ends, self.buffers
        if len(ends) < len(buffers):
            end = ends[-1] if ends else self._start
            for data in buffers[len(ends) :]:
                end += len(data)
                ends.append(end)

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
