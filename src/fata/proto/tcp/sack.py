"""The sender's scoreboard: what the peer has told it holds beyond the first gap (RFC 2018 5, RFC 6675).

RFC 6675 describes everything by octets and walks over all of them; here the sums are kept up to date instead.
`pipe` – the estimate of what is on its way – is

    what lies above `lost_edge` and is not selectively acknowledged   (in flight)
  + what was re-sent below `high_retransmitted` and is not either     (in flight again)

A peer without SACK is the same with an empty scoreboard: duplicate acknowledgments then say how much has left.
"""

from __future__ import annotations

from fata.proto.tcp.rangeset import RangeSet

DUPLICATES = 3  # DupThresh, RFC 5681 3.2
MAX_RANGES = 4096  # a peer that tells of more gaps than this is not believed any further


class Scoreboard:
    """Sequence numbers are unbounded, as everywhere inside."""

    __slots__ = ("high_retransmitted", "lost_edge", "ranges", "rescued", "retransmitted", "sacked", "una")

    def __init__(self, una: int) -> None:
        self.una = una
        self.ranges = RangeSet()
        self.sacked = 0  # octets in the ranges
        self.lost_edge = una  # what is not acknowledged below it counts as lost (IsLost)
        self.high_retransmitted = una  # HighRxt
        self.retransmitted = 0  # octets below it that are not acknowledged
        self.rescued = False  # RFC 6675's rescue retransmission was made in this recovery

    def update(self, blocks: list[tuple[int, int]], nxt: int) -> int:
        """Take the blocks of a SACK option; return how many octets were news.

        Blocks outside what is outstanding are passed over: D-SACK (RFC 2883 4) and lies look so.
        """
        fresh = 0
        for start, end in blocks:
            if start < self.una or end > nxt or start >= end or len(self.ranges) > MAX_RANGES:
                continue
            mark = min(end, self.high_retransmitted)
            if start < mark:
                news = self.ranges.add(start, mark)
                self.retransmitted -= news
                fresh += news
                start = mark
            fresh += self.ranges.add(start, end)
        self.sacked += fresh
        return fresh

    def advance(self, una: int) -> None:
        """Everything below `una` is acknowledged."""
        removed = self.ranges.remove_below(una)
        self.sacked -= removed
        if una >= self.high_retransmitted:
            self.high_retransmitted = una
            self.retransmitted = 0
        else:
            self.retransmitted -= una - self.una - removed
        self.una = una
        if self.lost_edge < una:
            self.lost_edge = una

    def mark_lost(self, mss: int) -> None:
        """Move `lost_edge` to where three ranges, or more than two segments' worth, lie above (RFC 6675 4)."""
        starts, ends = self.ranges.starts, self.ranges.ends
        octets = 0
        for count in range(1, len(starts) + 1):
            octets += ends[-count] - starts[-count]
            if count >= DUPLICATES or octets > (DUPLICATES - 1) * mss:
                if starts[-count] > self.lost_edge:
                    self.lost_edge = starts[-count]
                return

    def pipe(self, nxt: int) -> int:
        """Octets believed to be on their way."""
        starts, ends = self.ranges.starts, self.ranges.ends
        above = 0
        for at in range(len(starts) - 1, -1, -1):
            if starts[at] < self.lost_edge:
                above += max(0, ends[at] - self.lost_edge)
                break
            above += ends[at] - starts[at]
        return nxt - max(self.lost_edge, self.una) - above + self.retransmitted

    def next_lost(self, nxt: int) -> tuple[int, int]:
        """The first lost octets not yet re-sent (rule 1 of NextSeg); empty if there are none."""
        return self.ranges.gap(max(self.high_retransmitted, self.una), min(self.lost_edge, nxt))

    def next_likely(self, nxt: int) -> tuple[int, int]:
        """The next gap below the highest range, though not yet counted as lost (rule 3)."""
        if not self.ranges.ends:
            return self.una, self.una
        return self.ranges.gap(max(self.high_retransmitted, self.una), self.ranges.ends[-1])

    def rescue(self, nxt: int) -> tuple[int, int]:
        """What lies above the highest range, once in a recovery (rule 4); `resent` is not told of it."""
        if self.rescued or not self.ranges.ends or self.ranges.ends[-1] >= nxt:
            return self.una, self.una
        self.rescued = True
        return self.ranges.ends[-1], nxt

    def resent(self, start: int, end: int) -> None:
        """[start, end) was re-sent; between it and what was re-sent before lies nothing that is not acknowledged."""
        self.high_retransmitted = end
        self.retransmitted += end - start

    def begin(self) -> None:
        """Start a recovery: nothing was re-sent in it so far."""
        self.high_retransmitted = self.una
        self.retransmitted = 0
        self.rescued = False

    def all_lost(self, nxt: int, *, forget: bool) -> None:
        """Take all that is outstanding for lost; `forget` also what the peer said it holds (RFC 2018 8)."""
        if forget:
            self.ranges.clear()
            self.sacked = 0
        self.lost_edge = nxt
        self.begin()
