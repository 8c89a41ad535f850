"""Tasks that succeed together or stop together."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine
    from types import ModuleType
    from typing import Any


class Group:
    """Runs coroutines at the same time; the first that fails cancels the others.

    `asyncio.TaskGroup` is not used for two reasons: its ExceptionGroup would bury the one traceback that
    tells the user what happened, and a SystemExit inside a task of its leaves the loop at once, before
    any device is closed. Here nothing that a coroutine raises leaves its task; it leaves `join`.

    `library` is the module asyncio, which this one must not import (see `fata.runtime.boot`).
    """

    def __init__(self, library: ModuleType) -> None:
        self._asyncio = library
        self._tasks: list[asyncio.Task[None]] = []
        self._failures: list[BaseException] = []  # in the order of their happening

    def start(self, coroutine: Coroutine[Any, Any, object], name: str) -> asyncio.Task[None]:
        """Run `coroutine` in a task of its own, which itself never raises."""
        task: asyncio.Task[None] = self._asyncio.create_task(self._attempt(coroutine), name=name)
        task.add_done_callback(lambda _task: coroutine.close())  # one that was cancelled before it began
        self._tasks.append(task)
        return task

    async def join(self, report: Callable[[BaseException], None]) -> None:
        """Wait for all; raise the first failure, and `report` those that followed it.

        Being cancelled cancels them, and is a failure like theirs: all have ended when this returns.
        """
        while any(not task.done() for task in self._tasks):
            try:
                await self._asyncio.wait(self._tasks)
            except self._asyncio.CancelledError as cancelled:
                self._fail(cancelled)
        if not self._failures:
            return
        first, *others = self._failures
        for other in others:
            if not isinstance(other, self._asyncio.CancelledError):
                report(other)
        raise first

    async def _attempt(self, coroutine: Coroutine[Any, Any, object]) -> None:
        try:
            await coroutine
        except BaseException as error:  # noqa: BLE001  # join raises it
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self._failures.append(error)
        current = self._asyncio.current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()
