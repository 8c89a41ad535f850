"""A set of integers as sorted, disjoint, non-adjacent half-open ranges."""

from __future__ import annotations

from bisect import bisect_left, bisect_right


class RangeSet:
    """Ranges of sequence numbers. Every operation bisects; joining removes what was added once."""

    __slots__ = ("ends", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    def __len__(self) -> int:
        return len(self.starts)

    def add(self, start: int, end: int) -> int:
        """Add [start, end); return how many numbers of it are new."""
        if start >= end:
            return 0
        starts, ends = self.starts, self.ends
        first = bisect_left(ends, start)  # the first range that touches or follows
        last = bisect_right(starts, end)  # behind the last range that touches
        fresh = end - start
        if first < last:
            for at in range(first, last):
                fresh -= max(0, min(ends[at], end) - max(starts[at], start))
            start = min(start, starts[first])
            end = max(end, ends[last - 1])
        starts[first:last] = [start]
        ends[first:last] = [end]
        return fresh

    def remove_below(self, bound: int) -> int:
        """Remove the numbers below `bound`; return how many there were."""
        starts, ends = self.starts, self.ends
        count = bisect_right(ends, bound)
        removed = sum(ends[at] - starts[at] for at in range(count))
        del starts[:count], ends[:count]
        if starts and starts[0] < bound:
            removed += bound - starts[0]
            starts[0] = bound
        return removed

    def find(self, number: int) -> tuple[int, int] | None:
        """The range that holds `number`."""
        at = bisect_right(self.starts, number) - 1
        if at >= 0 and number < self.ends[at]:
            return self.starts[at], self.ends[at]
        return None

    def remove(self, start: int, end: int) -> int:
        """Remove [start, end); return how many numbers of it there were."""
        starts, ends = self.starts, self.ends
        first = bisect_right(ends, start)  # the first range that reaches beyond `start`
        last = bisect_left(starts, end)  # behind the last range that begins before `end`
        if first >= last or start >= end:
            return 0
        before, after = starts[first], ends[last - 1]
        removed = sum(ends[at] - starts[at] for at in range(first, last))
        removed -= max(0, start - before) + max(0, after - end)
        rest = [piece for piece in ((before, start), (end, after)) if piece[0] < piece[1]]
        starts[first:last] = [piece[0] for piece in rest]
        ends[first:last] = [piece[1] for piece in rest]
        return removed

    def gaps(self, start: int, end: int) -> list[tuple[int, int]]:
        """What of [start, end) is not in the set, in order."""
        found = []
        starts, ends = self.starts, self.ends
        at = bisect_right(ends, start)
        while start < end and at < len(starts) and starts[at] < end:
            if start < starts[at]:
                found.append((start, starts[at]))
            start = ends[at]
            at += 1
        if start < end:
            found.append((start, end))
        return found

    def clear(self) -> None:
        """Forget every range."""
        self.starts.clear()
        self.ends.clear()
