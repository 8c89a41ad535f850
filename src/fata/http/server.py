"""What the connections of one server share: limits, who answers, and an end in good order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from fata.http.budget import Budget
from fata.http.connection import Connection
from fata.http.contract import Listener, Listening
from fata.http.dates import http_date
from fata.http.exchange import Exchange
from fata.http.limits import LAST_SECONDS, Limits

if TYPE_CHECKING:
    from ssl import SSLContext

LOG = logging.getLogger("http")


class Responder(Protocol):
    """Whoever answers requests: a site, or an application."""

    def start(self, exchange: Exchange) -> asyncio.Task[None] | None:
        """Begin to answer. None says that the answer has been written already, without ever waiting."""
        ...


class Server:
    """Connections from the first to the last. It needs a running event loop."""

    def __init__(self, responder: Responder, limits: Limits, wall: Callable[[], float | None] | None) -> None:
        self.responder = responder
        self.limits = limits
        self.budget = Budget(limits.held_octets)
        self.loop = asyncio.get_running_loop()
        self.stopping = False
        self._wall = wall
        self._date: tuple[int, bytes] = (-1, b"")
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    async def run(self, stack: Listener, host: str | None, port: int, tls: SSLContext | None = None) -> None:
        """Listen until cancelled, then let running requests end within the grace time."""
        listening = await stack.create_server(lambda: Connection(self), host, port, ssl=tls)
        scheme = "http" if tls is None else "https"
        try:
            LOG.info("listening on %s", ", ".join(f"{scheme}://{_authority(*at[:2])}/" for at in listening.addresses))
            await self.loop.create_future()
        finally:
            await self._stop(listening)

    def admit(self, connection: Connection) -> bool:
        """Count a new connection, unless there are too many and none of them is idle."""
        if len(self._connections) >= self.limits.connections and not self._make_room():
            return False
        self._connections.add(connection)
        return True

    def forget(self, connection: Connection) -> None:
        """A connection is no more."""
        self._connections.discard(connection)
        self._changed.set()

    def watch(self, task: asyncio.Task[None]) -> None:
        """Own a request's task until it is done."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def date_line(self) -> bytes:
        """Return the Date header line (RFC 9110, 6.6.1); nothing without a clock, or while it is unset."""
        now = self._wall() if self._wall is not None else None
        if now is None:
            return b""
        second = int(now)
        if self._date[0] != second:
            self._date = (second, b"date: %b\r\n" % http_date(second))
        return self._date[1]

    def _make_room(self) -> bool:
        idle = [connection for connection in self._connections if connection.idle]
        if not idle:
            return False
        oldest = min(idle, key=lambda connection: connection.expires)
        self.forget(oldest)
        oldest.abort()
        return True

    async def _stop(self, listening: Listening) -> None:
        listening.close()
        self.stopping = True
        try:
            for connection in tuple(self._connections):
                connection.shutdown()
            await self._wait_until_empty(self.limits.grace_seconds)
        finally:  # also when the wait is itself cancelled: a second Ctrl-C
            for connection in tuple(self._connections):
                connection.abort()
            for task in tuple(self._tasks):
                task.cancel()
            await self._wait_until_empty(LAST_SECONDS)
            await listening.wait_closed()

    async def _wait_until_empty(self, seconds: float) -> None:
        deadline = self.loop.time() + seconds
        while self._connections or self._tasks:
            remaining = deadline - self.loop.time()
            if remaining <= 0:
                return
            self._changed.clear()
            changed = asyncio.ensure_future(self._changed.wait())
            await asyncio.wait((changed, *self._tasks), timeout=remaining, return_when=asyncio.FIRST_COMPLETED)
            changed.cancel()


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
