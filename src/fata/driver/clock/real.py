"""The machine's own clocks."""

from __future__ import annotations

import time


class RealClock:
    """Both clocks of the operating system, or of the kernel beneath the program."""

    def monotonic(self) -> float:
        """Seconds since the machine started, or thereabouts."""
        return time.monotonic()

    def wall(self) -> float | None:
        """POSIX time: the operating system always has an idea of the date."""
        return time.time()
