"""Segments that arrived before their turn.

Non-overlapping pieces in the order of their sequence numbers; finding a place bisects, and a piece that a new one
covers is dropped, so that the work a segment causes is paid by the segments that came before. What is
bounded is memory: the frames that are kept whole and a fixed price a piece, not only their payload. Where small
payloads hold large frames, they are copied into one piece before anything is refused.
"""

from __future__ import annotations

from bisect import bisect_right

from fata.proto.tcp.rangeset import RangeSet
from fata.proto.tcp.transmission import Piece

OVERHEAD = 160  # octets of memory a piece costs beside its frame: object headers, tuple, two list places


class Reassembly:
    """Pieces above the next expected sequence number."""

    __slots__ = ("_compacted", "charge", "ends", "limit", "pieces", "ranges", "recent", "starts")

    def __init__(self, limit: int) -> None:
        self.limit = limit  # octets of memory
        self.charge = 0  # octets of memory held
        self._compacted = 0  # of it, what copying cannot make smaller
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.pieces: list[Piece] = []
        self.ranges = RangeSet()  # the same, joined: what a selective acknowledgment tells
        self.recent: list[int] = []  # a sequence number of each range that changed last, latest first

    def __bool__(self) -> bool:
        return bool(self.starts)

    def add(self, seq: int, piece: Piece) -> bool:
        """Keep a piece that begins at `seq`; False if memory is used up.

        Where it overlaps others in part, their octets count; what it covers whole is replaced.
        """
        data, start, end = piece
        starts, ends = self.starts, self.ends
        at = bisect_right(starts, seq)
        if at and ends[at - 1] > seq:
            start += ends[at - 1] - seq
            seq = ends[at - 1]
        if seq >= (stop := seq + end - start):
            self._note(seq - 1)
            return True
        last = bisect_right(ends, stop, at)  # pieces at..last-1 are covered
        if last < len(starts) and starts[last] < stop:
            stop = starts[last]
        if stop <= seq:  # the two neighbors leave nothing new
            return True
        cost = len(data) + OVERHEAD
        if self.charge + cost > self.limit:
            return self._compact(cost) and self.add(seq, (data, start, start + stop - seq))
        self.charge += cost - sum(len(self.pieces[i][0]) + OVERHEAD for i in range(at, last))
        starts[at:last] = [seq]
        ends[at:last] = [stop]
        self.pieces[at:last] = [(data, start, start + stop - seq)]
        self.ranges.add(seq, stop)
        self._note(seq)
        return True

    def take(self, seq: int) -> tuple[list[Piece], int]:
        """Remove what is now in order from `seq` on; return the pieces and the sequence number behind them."""
        taken: list[Piece] = []
        count = 0
        for start, end, (data, low, high) in zip(self.starts, self.ends, self.pieces, strict=True):
            if start > seq:
                break
            count += 1
            self.charge -= len(data) + OVERHEAD
            if end > seq:
                taken.append((data, low + seq - start, high))
                seq = end
        del self.starts[:count], self.ends[:count], self.pieces[:count]
        self._compacted = min(self._compacted, self.charge)
        self.ranges.remove_below(seq)
        return taken, seq

    def blocks(self, count: int) -> list[tuple[int, int]]:
        """Up to `count` ranges for a SACK option, the latest first (RFC 2018 4)."""
        found: list[tuple[int, int]] = []
        alive: list[int] = []
        for seq in self.recent:
            block = self.ranges.find(seq)
            if block is not None and block not in found:
                found.append(block)
                alive.append(seq)
        self.recent = alive
        return found[:count]

    def clear(self) -> None:
        """Forget everything, as a receiver may (RFC 2018 8)."""
        self.charge = self._compacted = 0
        for part in (self.starts, self.ends, self.pieces, self.ranges, self.recent):
            part.clear()

    def _note(self, seq: int) -> None:
        recent = self.recent
        recent.insert(0, seq)
        if len(recent) > 8:  # one option holds four at most; the others may fall together
            del recent[8:]

    def _compact(self, wanted: int) -> bool:
        """Copy the payload of adjoining pieces together, and of pieces that waste their frame.

        That goes over all of them, so it is done only once a quarter of the limit may be gained.
        """
        self._compacted = min(self._compacted, self.charge)
        if self.charge < self._compacted + self.limit // 4:
            return False
        starts: list[int] = []
        ends: list[int] = []
        joined: list[list[memoryview]] = []
        for start, end, (data, low, high) in zip(self.starts, self.ends, self.pieces, strict=True):
            if not ends or ends[-1] != start:
                starts.append(start)
                ends.append(start)
                joined.append([])
            ends[-1] = end
            joined[-1].append(memoryview(data)[low:high])
        whole = [b"".join(parts) for parts in joined]
        self.starts, self.ends = starts, ends
        self.pieces = [(data, 0, len(data)) for data in whole]
        self.charge = self._compacted = sum(map(len, whole)) + OVERHEAD * len(whole)
        return self.charge + wanted <= self.limit
