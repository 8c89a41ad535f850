"""A listening TCP port, as `asyncio.Server`."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, NamedTuple

from fata.stack.socket_view import SocketView
from fata.stack.transport import TcpTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from ssl import SSLContext

    from fata.proto.tcp.connection import Connection
    from fata.proto.tcp.listener import Listener
    from fata.stack.tcp import Tcp


class Tls(NamedTuple):
    """How a server speaks TLS."""

    context: SSLContext | None  # None: a client's default one
    handshake_timeout: float | None = None  # seconds; None: asyncio's own
    shutdown_timeout: float | None = None  # seconds


class StackServer(asyncio.AbstractServer):
    """Accepts connections and gives each a protocol.

    `wait_closed` waits for the listening to end, not for the connections, on every version of Python.
    """

    def __init__(
        self, tcp: Tcp, factory: Callable[[], Any], tls: Tls | None, forget: Callable[[StackServer], None]
    ) -> None:
        self._tcp = tcp
        self._forget = forget
        self._factory = factory
        self._tls = tls
        self._listeners: list[Listener] = []
        self._transports: dict[TcpTransport, None] = {}  # in the order in which they were accepted
        self._closed = asyncio.Event()
        self._forever: asyncio.Future[None] | None = None
        self._addresses: list[tuple[str, int]] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._addresses}>"

    def bind(self, addresses: Sequence[bytes | None], port: int, backlog: int) -> None:
        """Begin to listen at one port, 0 for any free one, of every address (None: all). Raises `PortTaken`."""
        try:
            for address in addresses:
                listener = self._tcp.listen(address, port, backlog, self)
                self._listeners.append(listener)
                port = listener.port
        except OSError:
            self.close()
            raise
        self._addresses = [self._tcp.listening_address(listener) for listener in self._listeners]

    @property
    def addresses(self) -> Sequence[tuple[str, int]]:
        """Where it listens, or listened: (address, port) each."""
        return self._addresses

    @property
    def sockets(self) -> tuple[SocketView, ...]:
        """One view of a socket for each address; none when it is closed."""
        if not self._listeners:
            return ()
        return tuple(SocketView(socket.SOCK_STREAM, address, None) for address in self._addresses)

    def accept(self, connection: Connection, events: int) -> None:
        """Give a connection that has just been made its protocol."""
        protocol = self._tcp.call(None, "protocol_factory", self._factory)
        if protocol is None:  # it has failed, which the loop has reported
            connection.abort()
            self._tcp.touch(connection)
            return
        if self._tls is not None:
            from fata.stack.tls import secured

            most = self._tcp.host.settings.max_delivered
            protocol = secured(self._tcp.loop, protocol, self._tls, None, most, server_side=True)
        TcpTransport(self._tcp, connection, protocol, self).start(events)

    def attach(self, transport: TcpTransport) -> None:
        """Count a connection."""
        self._transports[transport] = None

    def detach(self, transport: TcpTransport) -> None:
        """Forget a connection."""
        self._transports.pop(transport, None)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop that it runs in."""
        return self._tcp.loop

    def is_serving(self) -> bool:
        """Say whether new connections are accepted."""
        return bool(self._listeners)

    async def start_serving(self) -> None:
        """Do nothing: it listens from the beginning."""

    async def serve_forever(self) -> None:
        """Wait until cancelled, then close."""
        if self._forever is not None:
            raise RuntimeError(f"server {self!r} is already being awaited on serve_forever()")
        if not self._listeners:
            raise RuntimeError(f"server {self!r} is closed")
        self._forever = self._tcp.loop.create_future()
        try:
            await self._forever
        finally:
            self._forever = None
            self.close()

    def close(self) -> None:
        """Stop listening. Connections that were accepted live on; those not yet made are reset."""
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            self._tcp.stop_listening(listener)
        self._forget(self)
        if self._forever is not None and not self._forever.done():
            self._forever.cancel()
        self._closed.set()

    def lose(self, error: Exception) -> None:
        """Stop listening; `serve_forever` raises `error`: the network has gone."""
        if self._forever is not None and not self._forever.done():
            self._forever.set_exception(error)
        self.close()

    def close_clients(self) -> None:
        """Close every connection that was accepted here."""
        for transport in tuple(self._transports):
            transport.close()

    def abort_clients(self) -> None:
        """Reset every connection that was accepted here."""
        for transport in tuple(self._transports):
            transport.abort()

    async def wait_closed(self) -> None:
        """Wait until `close` has been called."""
        await self._closed.wait()
