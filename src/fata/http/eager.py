"""Running a coroutine that will probably not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any


def run_until_it_waits(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
    """Run a coroutine to its end, or to its first wait, from where on a task carries it.

    A site in memory never waits, and a task for each answer, with its turn of the loop, costs a tenth of the
    requests per second. Until its first wait the coroutine is in no task: `asyncio.current_task()` is None
    there, and `asyncio.timeout` refuses. Raises what the coroutine raises before it waits.
    """
    try:
        waits_for = coroutine.send(None)
    except StopIteration:
        return None
    return asyncio.get_running_loop().create_task(_finish(_Rest(coroutine, waits_for)))


async def _finish(rest: _Rest) -> None:
    await rest


class _Rest:
    """What is left of a coroutine that has been run to its first wait."""

    def __init__(self, coroutine: Coroutine[Any, Any, None], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for
        self._begun = False

    def __await__(self) -> Generator[Any, None, None]:
        return self  # type: ignore[return-value]  # an iterator with `throw` is all that `await` asks for

    def __iter__(self) -> _Rest:
        return self

    def __next__(self) -> Any:
        if self._begun:
            return self._coroutine.send(None)
        self._begun = True
        return self._waits_for

    def throw(self, *error: Any) -> Any:
        """Hand a cancellation on."""
        return self._coroutine.throw(*error)

    def close(self) -> None:
        """Give up."""
        self._coroutine.close()
