"""The event loop of a process that has a network of its own."""

from __future__ import annotations

from fata.driver.poller.epoll import EpollPoller
from fata.runtime.loop import Loop


def own_loop() -> Loop:
    """Return fata's loop over epoll, for programs whose devices need it instead of asyncio's."""
    return Loop(EpollPoller())
