"""An application's start and end (ASGI lifespan protocol 2.0)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import MutableMapping
from enum import Enum
from typing import Any

from fata.errors import DeviceError, StateError
from fata.http.limits import LAST_SECONDS
from fata.http.scope import VERSIONS, Application

LOG = logging.getLogger("http")


class StartupFailed(DeviceError):
    """The application says that it cannot start, and why."""


class Stage(Enum):
    """How far the application's life has gone."""

    STARTING = "startup"
    RUNNING = "running"
    STOPPING = "shutdown"
    OVER = "over"


class Lifespan:
    """Runs the application's lifespan in a task of its own, from `start` to `stop`.

    An application that ends, or raises, before it has said anything does not know the protocol and is served
    without it: that is the standard's rule.
    """

    def __init__(self, application: Application) -> None:
        self.state: dict[str, Any] = {}  # the application's; each request gets a shallow copy
        self._application = application
        self._stage = Stage.STARTING
        self._failure: str | None = None
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Let the application start. Raises `StartupFailed` if it says that it cannot."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="lifespan")
        try:
            await self._until_left(Stage.STARTING)
        except asyncio.CancelledError:
            await self._end()
            raise
        if self._failure is not None:
            await self._end()
            raise StartupFailed(f"the application could not start: {self._failure}")
        if self._task.done() and not self._task.cancelled() and (error := self._task.exception()) is not None:
            LOG.debug("no lifespan: the application raised %r", error)

    async def stop(self, grace_seconds: float) -> None:
        """Let the application end, for so many seconds."""
        assert self._task is not None
        if self._stage is Stage.RUNNING and not self._task.done():
            self._move(Stage.STOPPING)
            # Not asyncio.timeout: in a task that has been cancelled, as a server's has, CPython 3.11.2's never raises.
            over = asyncio.ensure_future(self._until_left(Stage.STOPPING))
            await asyncio.wait((over,), timeout=grace_seconds)
            if not over.done():
                over.cancel()
                LOG.warning("the application did not shut down within %g s", grace_seconds)
        if self._failure is not None:
            LOG.error("the application did not shut down well: %s", self._failure)
        await self._end()

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": VERSIONS, "state": self.state}
        try:
            await self._application(scope, self._receive, self._send)
        finally:
            self._move(Stage.OVER)

    async def _receive(self) -> MutableMapping[str, Any]:
        if self._stage is Stage.STARTING:
            return {"type": "lifespan.startup"}
        await self._until_left(Stage.RUNNING)
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        match (self._stage, message["type"]):
            case (Stage.STARTING, "lifespan.startup.complete"):
                self._move(Stage.RUNNING)
            case (Stage.STOPPING, "lifespan.shutdown.complete"):
                self._move(Stage.OVER)
            case (Stage.STARTING, "lifespan.startup.failed") | (Stage.STOPPING, "lifespan.shutdown.failed"):
                self._failure = str(message.get("message") or "it gave no reason")
                self._move(Stage.OVER)
            case (stage, kind):
                raise StateError(f"lifespan message {kind!r} during {stage.value}")

    def _move(self, stage: Stage) -> None:
        self._stage = stage
        self._changed.set()
        self._changed = asyncio.Event()

    async def _until_left(self, stage: Stage) -> None:
        while self._stage is stage:
            await self._changed.wait()

    async def _end(self) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait((self._task,), timeout=LAST_SECONDS)
        if self._task.done() and not self._task.cancelled() and (error := self._task.exception()) is not None:
            LOG.debug("lifespan ended with %r", error)
