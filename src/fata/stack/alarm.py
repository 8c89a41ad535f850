"""Alarm: the deadline of a protocol machine, kept by the loop."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class Alarm:
    """Calls `ring(now)` at the earliest deadline it was set to.

    Machines move their deadlines away with every packet. So a later deadline is not even noted: the alarm rings at the
    old one, the machine finds nothing to do and sets the next.
    """

    __slots__ = ("_loop", "_ring", "_timer", "at")

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[float], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None
        self.at = math.inf  # when it rings; a deadline that is not earlier makes no difference

    def set(self, deadline: float) -> None:
        """Ring at `deadline`, seconds on the loop's clock, or earlier; infinity is no deadline."""
        if deadline >= self.at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self.at = deadline
        self._timer = self._loop.call_at(deadline, self._fire)

    def cancel(self) -> None:
        """Ring no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self.at = math.inf

    def _fire(self) -> None:
        self._timer = None
        self.at = math.inf
        self._ring(self._loop.time())
