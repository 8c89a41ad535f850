"""CUBIC (RFC 9438): the window is a cubic function of the time since the last loss."""

from __future__ import annotations

from fata.proto.tcp.newreno import UNLIMITED, initial_window

C = 0.4  # segments per second cubed, RFC 9438 5.1
BETA = 0.7  # RFC 9438 4.6
RENO_ALPHA = 3 * (1 - BETA) / (1 + BETA)  # RFC 9438 4.3: growth a round trip that matches Reno's with this BETA


class Cubic:
    """Windows are octets outside and segments in the formulas, as in the RFC."""

    __slots__ = ("_credit", "_epoch", "_maximum", "_origin", "_reno", "initial", "mss", "name", "threshold", "window")

    def __init__(self, mss: int, segments: int) -> None:
        self.name = "cubic"
        self.mss = mss
        self.initial = initial_window(mss, segments)
        self.window = self.initial
        self.threshold = UNLIMITED
        self._maximum = 0.0  # W_max, segments: the window before the last reduction
        self._origin = 0.0  # K, seconds: when the function reaches W_max
        self._epoch: float | None = None  # monotonic seconds: when this congestion avoidance began
        self._reno = 0.0  # W_est, segments: what Reno would have
        self._credit = 0.0  # fractions of an octet

    def acknowledged(self, octets: int, now: float, rtt: float) -> None:
        """Slow start below the threshold, the cubic function above it."""
        if self.window < self.threshold:
            self.window += octets
            return
        segments = self.window / self.mss
        if self._epoch is None:
            self._begin(segments, now)
        assert self._epoch is not None
        target = C * (now - self._epoch + rtt - self._origin) ** 3 + self._maximum
        target = min(max(target, segments), 1.5 * segments)  # RFC 9438 4.2
        alpha = RENO_ALPHA if self._reno < self._maximum else 1.0
        self._reno += alpha * octets / self.window
        growth = (target - segments) / segments * octets
        if self._reno > segments:
            growth = max(growth, (self._reno - segments) * self.mss)
        growth += self._credit
        self.window += int(growth)
        self._credit = growth - int(growth)

    def lost(self, in_flight: int, now: float) -> None:
        """Multiply by BETA, give up more where others need room (RFC 9438 4.6 and 4.7)."""
        segments = self.window / self.mss
        if segments < self._maximum:
            self._maximum = segments * (1 + BETA) / 2  # fast convergence
        else:
            self._maximum = segments
        self.threshold = max(int(min(in_flight, self.window) * BETA), 2 * self.mss)
        self.window = self.threshold
        self._epoch = None

    def timed_out(self, in_flight: int, now: float) -> None:
        """Go back to one segment (RFC 9438 4.8)."""
        self.lost(in_flight, now)
        self.window = self.mss

    def restart(self) -> None:
        """Go on from the initial window; the time that passed idle must not count."""
        self.window = min(self.window, self.initial)
        self._epoch = None

    def _begin(self, segments: float, now: float) -> None:
        self._epoch = now
        self._reno = segments
        self._credit = 0.0
        if segments < self._maximum:
            self._origin = ((self._maximum - segments) / C) ** (1 / 3)
        else:
            self._origin = 0.0
            self._maximum = segments
