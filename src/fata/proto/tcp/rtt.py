"""Round-trip time and the retransmission timeout (RFC 6298)."""

from __future__ import annotations

from math import inf

ALPHA = 1 / 8  # RFC 6298 2.3
BETA = 1 / 4
K = 4
GRANULARITY = 0.001  # seconds: what a timestamp of ours counts


class Rtt:
    """`timeout` is in seconds and within its bounds. Karn's rule is the caller's: no samples of what was re-sent."""

    __slots__ = ("base", "floor", "least", "maximum", "minimum", "smoothed", "timeout", "variation")

    def __init__(self, initial: float, minimum: float, maximum: float) -> None:
        self.minimum = minimum
        self.floor = minimum - GRANULARITY  # below it even the granularity makes no difference
        self.maximum = maximum
        self.smoothed = 0.0  # 0: no sample yet
        self.least = inf  # the shortest sample
        self.variation = 0.0
        self.base = initial  # the timeout without back-off
        self.timeout = initial

    def sample(self, rtt: float) -> None:
        """Take a measured round-trip time, in seconds; it ends any back-off."""
        smoothed = self.smoothed
        if rtt < self.least:
            self.least = rtt
        if smoothed:
            error = rtt - smoothed
            self.smoothed = smoothed = smoothed + ALPHA * error
            variation = self.variation
            self.variation = variation = variation + BETA * ((error if error > 0 else -error) - variation)
        else:
            self.smoothed = smoothed = max(rtt, 1e-9)
            self.variation = variation = rtt / 2
        timeout = smoothed + K * variation
        if timeout < self.floor:  # as on nearly every path
            self.base = self.timeout = self.minimum
        else:
            timeout = max(timeout, smoothed + GRANULARITY, self.minimum)
            self.base = self.timeout = min(timeout, self.maximum)

    def back_off(self) -> None:
        """Double the timeout (RFC 6298 5.5)."""
        self.timeout = min(self.timeout * 2, self.maximum)

    def recover(self) -> None:
        """End the back-off without a sample: new data were acknowledged."""
        self.timeout = self.base

    def after_lost_syn(self, timeout: float) -> None:
        """Begin anew after a SYN was lost (RFC 6298 5.7: 3 s)."""
        if not self.smoothed:
            self.base = self.timeout = max(timeout, self.minimum)
