"""Driving a coroutine to its end without an event loop."""

from __future__ import annotations

from fata.errors import StateError
from fata.runtime.generic import T

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

ADVICE = (
    "this await waits, and no event loop is running: the program does not import asyncio. "
    "Import it at the top of the application's module and the program runs in a loop"
)


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends, and return its result.

    One that does gets a `StateError` at the await that suspended, so the traceback ends there.
    """
    try:
        coroutine.send(None)
        coroutine.throw(StateError(ADVICE))
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()  # it caught the StateError and suspended once more
    raise StateError(ADVICE)
