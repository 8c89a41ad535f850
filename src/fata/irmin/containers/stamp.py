"""When something was written: what orders the writes of replicas that do not talk to each other."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]  # nanoseconds of POSIX time

now: Clock = time.time_ns


def after(last: int | None, clock: Clock) -> int:
    """Return a time that is later than `last`, even if the clock stands behind it."""
    return clock() if last is None else max(clock(), last + 1)
