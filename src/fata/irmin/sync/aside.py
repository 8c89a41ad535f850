"""Running what blocks: beside the event loop where there is one, at once where there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def aside(function: Callable[[], T]) -> T:
    """Return what a function that waits for the network returns.

    Under an event loop it runs in a thread of its own; in `fata.blocking` it may as well block.
    """
    import asyncio  # a program without a loop does not pay for it

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return function()
    return await asyncio.to_thread(function)
