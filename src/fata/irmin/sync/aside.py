"""Running what blocks: beside the event loop where there is one, at once where there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")


def lending_loop() -> asyncio.AbstractEventLoop | None:
    """Return the running loop if a stack has lent it a network of its own; None where the host's sockets are meant."""
    import asyncio

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    return loop if getattr(loop, "has_network", False) else None


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
