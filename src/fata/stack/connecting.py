"""A connection on its way: the owner of a TCP connection until it has a transport."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from fata.proto.tcp.transmission import CLOSED, CONNECTED
from fata.stack.failures import to_os_error
from fata.stack.transport import TcpTransport
from fata.wire.ipv4 import format_address

if TYPE_CHECKING:
    import asyncio

    from fata.proto.tcp.connection import Connection
    from fata.stack.tcp import Tcp


class Connecting:
    """Waits for the handshake. What arrives right behind it stays in the connection until a transport takes it."""

    def __init__(self, tcp: Tcp) -> None:
        self._tcp = tcp
        self._made: asyncio.Future[None] = tcp.loop.create_future()
        self._connection: Connection | None = None
        self._transport: TcpTransport | None = None
        self._events = 0  # that came after the handshake, for the transport

    async def connect(self, remote: bytes, port: int, local_port: int) -> None:
        """Connect, or raise the `OSError` that says why not."""
        tcp = self._tcp
        tcp.check_way(remote)
        self._connection = tcp.connect(remote, port, self, local_port)
        try:
            await self._made
        except OSError as error:
            place = f"{format_address(remote)}:{port}"
            raise type(error)(error.errno, f"{error.strerror}: {place}") from error

    def handle(self, events: int) -> None:
        """Learn how the handshake has ended."""
        if self._made.done() or self._connection is None:
            self._events |= events
            return
        if events & CONNECTED:
            self._events |= events & ~CONNECTED
            self._made.set_result(None)
        elif events & CLOSED:
            error = to_os_error(self._connection.failure)
            self._made.set_exception(
                error or ConnectionAbortedError(errno.ECONNABORTED, os.strerror(errno.ECONNABORTED))
            )

    def fail(self, error: Exception) -> None:
        """End at once: the network has gone."""
        self.abort()
        self._events |= CLOSED
        if not self._made.done():
            self._made.set_exception(error)

    def start(self, protocol: asyncio.BaseProtocol) -> TcpTransport:
        """Give the connection its transport."""
        connection = self._connection
        if connection is None:
            raise ConnectionAbortedError(errno.ECONNABORTED, os.strerror(errno.ECONNABORTED))
        self._transport = TcpTransport(self._tcp, connection, protocol)
        self._transport.start(self._events)
        return self._transport

    def abort(self) -> None:
        """Give up."""
        if self._transport is not None:
            self._transport.abort()
        elif self._connection is not None:
            self._connection.abort()
            self._tcp.touch(self._connection)
