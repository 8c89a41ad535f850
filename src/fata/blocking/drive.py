"""Driving a coroutine to its end without an event loop."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from fata.errors import StateError

T = TypeVar("T")

ADVICE = "waits for a device, and there is no event loop: use the async interface"


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine over devices that never suspend (files, memory), and return its result.

    One that does suspend gets a `StateError` at that await, so the traceback shows which device waits.
    """
    try:
        coroutine.send(None)
        coroutine.throw(StateError(f"this await {ADVICE}"))
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()  # it caught the StateError and suspended once more
    raise StateError(f"the coroutine {ADVICE}")
