"""One timer that moves often and fires rarely."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable


class Deadline:
    """Calls back when a moment passes, unless that moment is moved or cleared first.

    A keep-alive connection moves its deadline with every request. Putting it off costs no work in the loop:
    the armed timer, when it fires too early, arms itself again for the remainder. Only an earlier moment
    than the armed one makes a new timer.
    """

    __slots__ = ("_action", "_handle", "_loop", "_when")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handle: asyncio.TimerHandle | None = None
        self._when = math.inf  # seconds on the loop's clock
        self._action: Callable[[], None] | None = None

    @property
    def when(self) -> float:
        """The moment, in seconds on the loop's clock; infinite when nothing is set."""
        return self._when

    def set(self, seconds: float, action: Callable[[], None]) -> None:
        """Call `action` in `seconds` from now, instead of whatever was set before."""
        self._when = when = self._loop.time() + seconds
        self._action = action
        if self._handle is None or self._handle.when() > when:
            self._arm(when)

    def clear(self) -> None:
        """Call nothing until the next `set`."""
        self._when = math.inf
        self._action = None

    def cancel(self) -> None:
        """Clear, and give the timer back to the loop."""
        self.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self, when: float) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._handle = self._loop.call_at(when, self._fire)

    def _fire(self) -> None:
        self._handle = None
        action, when = self._action, self._when
        if action is None:
            return
        if self._loop.time() < when:
            self._arm(when)
            return
        self.clear()
        action()
