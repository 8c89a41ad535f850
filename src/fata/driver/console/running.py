"""Find the event loop without bringing asyncio into a program that does not use it."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # every program loads this module: typing would cost more than all of it
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop


def running_loop() -> AbstractEventLoop | None:
    """Return the event loop that runs the caller; None in a program that drives its coroutines itself."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return None
    try:
        loop: AbstractEventLoop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    return loop
