"""Reno's window (RFC 5681), as NewReno uses it (RFC 6582); initial window by RFC 6928."""

from __future__ import annotations

UNLIMITED = 1 << 30  # octets: RFC 5681 3.1 wants the first threshold as high as any window
IW_OCTETS = 14600  # RFC 6928 2: ten segments, but no more than this unless two segments are more


def initial_window(mss: int, segments: int) -> int:
    """Octets that may leave before the first acknowledgment (RFC 6928 2)."""
    return min(segments * mss, max(2 * mss, IW_OCTETS))


class NewReno:
    """Slow start and congestion avoidance.

    Slow start counts octets without RFC 3465's limit of two segments an acknowledgment: a receiver that handles
    a burst of 64 KiB at once acknowledges it once, and the limit would halve the growth again and again.
    """

    __slots__ = ("_credit", "initial", "mss", "name", "threshold", "window")

    def __init__(self, mss: int, segments: int) -> None:
        self.name = "newreno"
        self.mss = mss
        self.initial = initial_window(mss, segments)
        self.window = self.initial
        self.threshold = UNLIMITED
        self._credit = 0  # octets acknowledged since the last growth by a segment

    def acknowledged(self, octets: int, now: float, rtt: float) -> None:
        """Grow by what was acknowledged, or by a segment a window."""
        if self.window < self.threshold:
            self.window += octets
            return
        self._credit += octets
        while self._credit >= self.window:
            self._credit -= self.window
            self.window += self.mss

    def lost(self, in_flight: int, now: float) -> None:
        """Halve what was in flight (RFC 5681 3.2, equation 4)."""
        self.threshold = max(in_flight // 2, 2 * self.mss)
        self.window = self.threshold
        self._credit = 0

    def timed_out(self, in_flight: int, now: float) -> None:
        """Go back to one segment (RFC 5681 3.1)."""
        self.lost(in_flight, now)
        self.window = self.mss

    def restart(self) -> None:
        """RFC 5681 4.1: the restart window is the smaller of initial and present window."""
        self.window = min(self.window, self.initial)
