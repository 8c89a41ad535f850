"""Clocks: one that only goes forward, and one that knows the date."""

from __future__ import annotations

from fata.device.protocol import Protocol


class MonotonicClock(Protocol):
    """Time since an arbitrary start; it never goes back and is not changed by setting the date."""

    def monotonic(self) -> float:
        """Seconds since the clock's start."""
        ...


class WallClock(Protocol):
    """The date, if the machine knows it."""

    def wall(self) -> float | None:
        """Seconds since 1970-01-01T00:00:00Z without leap seconds (POSIX time); None while the clock is unset.

        An unset clock is told apart from a wrong one, so that whoever needs the date (TLS verification)
        refuses instead of trusting 1970.
        """
        ...


class Clock(MonotonicClock, WallClock, Protocol):
    """Both clocks in one device: what most applications ask for."""
