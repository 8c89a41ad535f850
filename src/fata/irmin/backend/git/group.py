"""Commits that wait for the disk at the same moment share its waits.

While a group is being forced to disk, whoever comes next gathers for the next group. One thread of our own does the
waiting, so the event loop goes on; without a loop a commit is a group of its own, made at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from fata.irmin.backend.contract import Objects, RefChange

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

MOST = 256  # commits of a group


class Request:
    """A commit that somebody waits for."""

    __slots__ = ("changes", "done", "error", "objects", "ready")

    def __init__(self, objects: Objects, changes: tuple[RefChange, ...]) -> None:
        self.objects = objects
        self.changes = changes
        self.done = False  # whether it was made
        self.error: Exception | None = None
        self.ready: asyncio.Future[None] | None = None

    def outcome(self) -> bool:
        """Say whether it was made, or raise what went wrong."""
        if self.error is not None:
            raise self.error
        return self.done


class Group:
    """Gathers commits and has them made by `work`, one group after another."""

    def __init__(self, work: Callable[[list[Request]], None], told: Callable[[Iterable[RefChange]], None]) -> None:
        """`work` is called in a thread and notes each request's outcome; `told` hears in the loop what was changed."""
        self._work = work
        self._told = told
        self._waiting: list[Request] = []
        self.working = False  # whether a group is being made, or about to be
        self._thread: ThreadPoolExecutor | None = None

    async def commit(self, objects: Objects, changes: tuple[RefChange, ...]) -> bool:
        """Return whether a commit was made, once it is on the disk. Cancelled, it was not begun, or is complete."""
        request = Request(objects, changes)
        loop = _running_loop()
        if loop is None:
            self._work([request])
            self._tell([request])
            return request.outcome()
        request.ready = loop.create_future()
        self._waiting.append(request)
        if not self.working:
            self.working = True
            loop.call_soon(self._start, loop)  # all that are ready to run now come along
        await self._settled(request, request.ready)
        return request.outcome()

    async def _settled(self, request: Request, ready: asyncio.Future[None]) -> None:
        import asyncio

        cancelled: asyncio.CancelledError | None = None
        while not ready.done():
            try:
                await asyncio.shield(ready)
            except asyncio.CancelledError as error:
                cancelled = error
                if request in self._waiting:
                    self._waiting.remove(request)
                    break
        if cancelled is not None:
            raise cancelled

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        if not group:
            self.working = False
            return
        if self._thread is None:
            from concurrent.futures import ThreadPoolExecutor

            self._thread = ThreadPoolExecutor(1, "commits")
        job = loop.run_in_executor(self._thread, self._work, group)
        job.add_done_callback(lambda _: self._finish(loop, group, job))

    def _finish(self, loop: asyncio.AbstractEventLoop, group: list[Request], job: asyncio.Future[None]) -> None:
        failure = None if job.cancelled() else job.exception()
        for request in group:
            if isinstance(failure, Exception) and not request.done:
                request.error = request.error or failure
        self._tell(group)
        for request in group:
            if request.ready is not None and not request.ready.done():
                request.ready.set_result(None)
        self._start(loop)

    def _tell(self, group: list[Request]) -> None:
        self._told([change for request in group if request.done for change in request.changes])

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None


def _running_loop() -> asyncio.AbstractEventLoop | None:
    if "asyncio" not in sys.modules:
        return None
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
