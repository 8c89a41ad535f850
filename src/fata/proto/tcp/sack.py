"""The sender's scoreboard: what the peer has told it holds beyond the first gap (RFC 2018 5), and what is lost.

What is outstanding is on its way unless it is selectively acknowledged, or lost and not sent again; the sums are kept
up to date, so that `pipe` (RFC 6675 4) costs nothing. What is lost is not this module's to say: rack.py does, a
time-out, or for a peer without SACK the third duplicate acknowledgment.
"""

from __future__ import annotations

from fata.proto.tcp.rangeset import RangeSet

DUPLICATES = 3  # DupThresh, RFC 5681 3.2
MAX_RANGES = 4096  # a peer that tells of more gaps than this is not believed any further


class Scoreboard:
    """Sequence numbers are unbounded, as everywhere inside."""

    __slots__ = ("lost", "missing", "ranges", "sacked", "una")

    def __init__(self, una: int) -> None:
        self.una = una
        self.ranges = RangeSet()
        self.sacked = 0  # octets in the ranges
        self.lost = RangeSet()  # to be sent again, and not yet sent again
        self.missing = 0  # octets of that

    def update(self, blocks: list[tuple[int, int]], nxt: int) -> list[tuple[int, int]]:
        """Take the blocks of a SACK option; return what of them is news, in order.

        Blocks outside what is outstanding are passed over: D-SACK (RFC 2883 4) and lies look so.
        """
        fresh: list[tuple[int, int]] = []
        for start, end in blocks:
            if start <= self.una or end > nxt or start >= end or len(self.ranges) > MAX_RANGES:
                continue
            fresh += self.ranges.gaps(start, end)
            self.sacked += self.ranges.add(start, end)
            self.missing -= self.lost.remove(start, end)
        fresh.sort()
        return fresh

    def advance(self, una: int) -> None:
        """Everything below `una` is acknowledged, and what begins there is not: a peer that held it gave it up.

        RFC 2018 8: nothing the peer has said it holds is then believed any more.
        """
        self.una = una
        if not (self.sacked or self.missing):
            return
        self.sacked -= self.ranges.remove_below(una)
        self.missing -= self.lost.remove_below(una)
        if self.ranges.starts and self.ranges.starts[0] == una:
            self.ranges.clear()
            self.sacked = 0

    def mark(self, start: int, end: int) -> int:
        """Take what of [start, end) the peer does not hold for lost; return how many octets are so now."""
        found = sum(self.lost.add(low, high) for low, high in self.ranges.gaps(start, end))
        self.missing += found
        return found

    def all_lost(self, nxt: int) -> None:
        """Take all that is outstanding for lost."""
        self.mark(self.una, nxt)

    def next_lost(self) -> tuple[int, int]:
        """The first octets to be sent again; empty if there are none."""
        lost = self.lost
        return (lost.starts[0], lost.ends[0]) if lost.starts else (self.una, self.una)

    def resent(self, start: int, end: int) -> None:
        """[start, end) was sent again."""
        self.missing -= self.lost.remove(start, end)

    def none_lost(self) -> None:
        """A recovery has ended."""
        self.lost.clear()
        self.missing = 0

    def pipe(self, nxt: int) -> int:
        """Octets believed to be on their way."""
        return nxt - self.una - self.sacked - self.missing

    def is_telling(self, mss: int) -> bool:
        """Say whether the peer holds three segments beyond a gap (RFC 6675 4, by octets: more than two)."""
        return len(self.ranges) >= DUPLICATES or self.sacked > (DUPLICATES - 1) * mss
