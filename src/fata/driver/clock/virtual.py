"""Time that passes when it is told to."""

from __future__ import annotations

from fata.errors import StateError


class VirtualClock:
    """A clock that stands still until `advance`; its date may be set, and is unset at first.

    A `VirtualPoller` made with it moves it on, so that a program and its simulated devices share one time.
    """

    def __init__(self, start: float = 0.0, wall: float | None = None) -> None:
        self._now = start
        self._offset: float | None = None  # from monotonic to POSIX seconds
        self.set_wall(wall)

    def monotonic(self) -> float:
        """Seconds on this clock; it starts at `start`."""
        return self._now

    def wall(self) -> float | None:
        """The date that was set, plus what has passed since; None if none was."""
        return None if self._offset is None else self._now + self._offset

    def set_wall(self, wall: float | None) -> None:
        """Set the date to `wall` POSIX seconds, in either direction; None forgets it."""
        self._offset = None if wall is None else wall - self._now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass, 0 or more."""
        self.advance_to(self._now + seconds)

    def advance_to(self, moment: float) -> None:
        """Let time pass until `moment` on the monotonic clock, which has not passed yet."""
        if not moment >= self._now:
            raise StateError(f"virtual clock at {self._now} s cannot go back to {moment} s")
        self._now = moment
