"""RACK: a segment is lost if one sent later has arrived, and it is late by more than segments overtake each other.

RFC 8985 6. Time decides, not a count of duplicates: so overtaking does no harm once it was seen, and what was sent
again and lost again is found without a time-out, as is the tail of what a recovery sends. It needs SACK.

When an octet was sent first stands in `_flights`; that is written for every transmission, so nothing is kept of the
latest one but `Block.sent_at`. What was sent again has its own times, in the order of sequence numbers and of time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from math import inf

from fata.proto.tcp.sack import Scoreboard

FEWEST = 64  # records of flights that are kept before the first are cut off
PERSISTENCE = 16  # recoveries that a widened window lasts, RFC 8985 6.2 step 4
LEAST_WINDOW = 0.001  # seconds: no timer of ours is better


class Rack:
    """What one connection knows of the times of its segments. All times are monotonic seconds."""

    __slots__ = (
        *("_again", "_dsack_round", "_edge", "_end", "_fack", "_flights", "_most", "_multiplier", "_order"),
        *("_persist", "_sent", "due", "reordered", "rtt"),
    )

    def __init__(self) -> None:
        self._flights: list[tuple[int, float]] = []  # (sequence number behind, time) of all but the latest
        self._most = FEWEST
        self._again: list[tuple[int, int, float]] = []  # (start, end, time) of what was sent again, by start
        self._order: list[tuple[float, int, int]] = []  # the same by time; entries may be out of date
        self._sent = -inf  # RACK.xmit_ts and …
        self._end = 0  # … RACK.end_seq: the latest transmission that is known to have arrived
        self._fack = 0  # RACK.fack: the highest sequence number that has arrived
        self._edge = 0  # what was sent below it for the first time has been judged
        self.rtt = 0.0  # RACK.rtt, seconds
        self.reordered = False  # RACK.reordering_seen
        self.due = inf  # when `losses` may find more
        self._multiplier = 1  # RACK.reo_wnd_mult
        self._persist = 0  # RACK.reo_wnd_persist
        self._dsack_round: int | None = None

    # What the sender does.

    def sent(self, nxt: int, una: int, at: float) -> None:
        """More is about to be sent: what lies below `nxt` and is in no record yet was sent `at`."""
        flights = self._flights
        flights.append((nxt, at))
        if len(flights) > self._most:
            del flights[: bisect_right(flights, (una, inf))]
            self._most = 2 * len(flights) + FEWEST

    def resent(self, start: int, end: int, now: float) -> None:
        """[start, end) is sent again."""
        self._take(start, end)
        insort(self._again, (start, end, now))
        insort(self._order, (now, start, end))

    def restart(self, nxt: int) -> None:
        """All that is outstanding, up to `nxt`, counts as lost: judge only what is sent from now on."""
        self._again.clear()
        self._order.clear()
        self._edge = max(self._edge, nxt)
        self.due = inf

    def reconsider(self, una: int) -> None:
        """What is outstanding, from `una` on, was taken for lost too soon: judge it anew."""
        self._edge = una

    # What the peer says.

    def arrived(self, start: int, end: int, latest: float, least: float, now: float, echoed: float = inf) -> None:
        """The peer has [start, end), which was news; call in order of `start`.

        `latest` is when the latest transmission left, `least` the shortest round trip so far, `echoed` when that left
        which has arrived, as far as a timestamp tells.
        """
        if self._fack < start:
            self._fack = start
        for low, high, at in self._take(start, end):
            if start < low:
                self._original(start, low, latest, now)
            if now > at and now - at >= least and at <= echoed:  # else it was the one sent before that has arrived
                self._later(at, high, now)
            start = high
        if start < end:
            self._original(start, end, latest, now)
        if end > self._fack:
            self._fack = end

    def _original(self, start: int, end: int, latest: float, now: float) -> None:
        self.reordered = self.reordered or end < self._fack
        at = bisect_right(self._flights, (end - 1, inf))
        self._later(self._flights[at][1] if at < len(self._flights) else latest, end, now)

    def _later(self, at: float, end: int, now: float) -> None:
        if (at, end) > (self._sent, self._end):
            self._sent, self._end = at, end
            self.rtt = now - at

    def duplicate(self, una: int, nxt: int) -> None:
        """The peer had already what was sent again: that was overtaken, not lost. Counts once a round trip."""
        self.reordered = True
        if self._dsack_round is None or una >= self._dsack_round:
            self._dsack_round = nxt
            self._multiplier += 1
            self._persist = PERSISTENCE

    def recovered(self) -> None:
        """A recovery is over."""
        self._persist -= 1
        if self._persist <= 0:
            self._multiplier = 1

    # What is lost.

    def window(self, least: float, smoothed: float, *, sure: bool) -> float:
        """How late a segment may be, in seconds; `sure` says that a recovery lasts, or three segments have arrived."""
        if sure and not self.reordered:
            return 0.0
        return max(min(self._multiplier * least / 4, smoothed), LEAST_WINDOW)

    def losses(self, board: Scoreboard, nxt: int, latest: float, window: float, now: float) -> float | None:
        """Mark on the board what is lost by now, and set `due`.

        Return when that was sent which had been sent before, the latest of it; None if there was none.
        """
        self.due = inf
        wait = self.rtt + window
        again = self._repeated(board, wait, now)
        self._judge(board, nxt, latest, wait, now)
        return again

    def _repeated(self, board: Scoreboard, wait: float, now: float) -> float | None:
        """Mark what was sent again and is lost again."""
        order = self._order
        newest: float | None = None
        while order:
            at, start, end = order[0]
            if (at, start) >= (self._sent, self._end):
                break
            if _is_early(at, wait, now):
                self.due = at + wait
                break
            del order[0]
            stop = end if at < self._sent else min(end, self._end)
            if stop < end:
                order.insert(0, (at, stop, end))
            for low, high, _ in self._take(start, stop, at):
                if board.mark(max(low, board.una), high):
                    newest = at
        return newest

    def _judge(self, board: Scoreboard, nxt: int, latest: float, wait: float, now: float) -> None:
        """Mark what was sent once."""
        start = max(self._edge, board.una)
        flights = self._flights
        place = bisect_right(flights, (start, inf))
        while start < nxt:
            end, at = flights[place] if place < len(flights) else (nxt, latest)
            if (at, start) >= (self._sent, self._end):
                break
            if _is_early(at, wait, now):
                self.due = min(self.due, at + wait)
                break
            stop = end if at < self._sent else min(end, self._end)
            self._mark_once(board, start, stop)
            self._edge = start = stop
            place += 1

    def _mark_once(self, board: Scoreboard, start: int, end: int) -> None:
        """Mark [start, end) as lost, but for what was sent again meanwhile: a tail probe has a time of its own."""
        first, last = self._overlapping(start, end)
        for low, high, _ in self._again[first:last]:
            board.mark(start, low)
            start = max(start, high)
        if start < end:
            board.mark(start, end)

    def _take(self, start: int, end: int, at: float | None = None) -> list[tuple[int, int, float]]:
        """Remove [start, end) from what was sent again, or what of it was sent so `at`; return it, in order."""
        again, taken, kept = self._again, [], []
        first, last = self._overlapping(start, end)
        for low, high, when in again[first:last]:
            if at is not None and when != at:
                kept.append((low, high, when))
                continue
            taken.append((max(low, start), min(high, end), when))
            kept += [piece for piece in ((low, start, when), (end, high, when)) if piece[0] < piece[1]]
        again[first:last] = kept
        return taken

    def _overlapping(self, start: int, end: int) -> tuple[int, int]:
        """Say where the records are that [start, end) touches: from which index to which."""
        again = self._again
        first = bisect_left(again, (start,))
        if first and again[first - 1][1] > start:
            first -= 1
        return first, bisect_left(again, (end,))


def _is_early(at: float, wait: float, now: float) -> bool:
    """Say whether `wait` is not over. Both sums: the one is exact for what was measured, the other for a timer."""
    return now - at < wait and at + wait > now
