"""A TCP connection as an asyncio transport."""

from __future__ import annotations

import asyncio
import logging
import socket
from asyncio import constants, transports
from typing import TYPE_CHECKING, Any

from fata.errors import StateError
from fata.proto.tcp.settings import WRITTEN_FLOOR
from fata.proto.tcp.state import CLOSED as CLOSED_STATE
from fata.proto.tcp.transmission import CLOSED, ENDED, RECEIVED, ROOM
from fata.stack.failures import to_os_error
from fata.stack.options import ConnectionOptions
from fata.stack.socket_view import SocketView

if TYPE_CHECKING:
    from fata.proto.tcp.connection import Connection
    from fata.stack.server import StackServer
    from fata.stack.tcp import Tcp

LOG = logging.getLogger("asyncio")
LAST = ENDED | CLOSED
SEND_BUFFER = 1 << 20  # octets written and not acknowledged before a writer is told to pause
CLOSED_WRITES_TO_WARN = 5  # as asyncio's own transports do


class TcpTransport(transports._FlowControlMixin):
    """The side of a connection that protocols and applications hold.

    What was written and not yet acknowledged stays referenced, not copied. Of that `SEND_BUFFER` octets are the
    connection's, as a kernel's socket buffer would be; what goes beyond counts against the write limits. Where all
    connections together hold much, a writer has to pause earlier.
    """

    if TYPE_CHECKING:
        _loop: asyncio.AbstractEventLoop
        _extra: dict[str, Any]
        _protocol_paused: bool

        def _maybe_pause_protocol(self) -> None: ...

        def _maybe_resume_protocol(self) -> None: ...

    _start_tls_compatible = True
    _sendfile_compatible = constants._SendfileMode.FALLBACK

    def __init__(
        self,
        tcp: Tcp,
        connection: Connection,
        protocol: asyncio.BaseProtocol,
        server: StackServer | None = None,
    ) -> None:
        self._tcp = tcp
        self._connection = connection
        self._server = server
        self._most = tcp.host.settings.max_delivered
        self._paused = False  # reading
        self._ended = False  # the peer's FIN is in order; `eof_received` comes when its data are delivered
        self._eof_told = False
        self._over = False  # both directions have ended, or it has failed; what has come may not be delivered yet
        self._eof_written = False
        self._closing = False
        self._lost = False  # connection_lost is on its way
        self._writes_after_close = 0
        super().__init__(None, tcp.loop)
        self.set_protocol(protocol)
        connection.owner = self
        if server is not None:
            server.attach(self)

    def __repr__(self) -> str:
        state = self._connection.state.name
        return f"<TcpTransport {self.get_extra_info('sockname')} {self.get_extra_info('peername')} {state}>"

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what is known by `name`: peername, sockname, socket."""
        if not self._extra:
            local, remote = self._tcp.addresses(self._connection)
            options = ConnectionOptions(self._connection, self._tcp)
            view = SocketView(socket.SOCK_STREAM, local, remote, options)
            self._extra.update(peername=remote, sockname=local, socket=view)
        return self._extra.get(name, default)

    # What the connection reports.

    def handle(self, events: int) -> None:
        """Tell the protocol what has happened; `events` are bits of `fata.proto.tcp.transmission`."""
        if events & RECEIVED:
            if self._closing:
                self._connection.take()  # a reset now could overtake, at the peer, what we wrote last
            elif not self._paused and self._connection.pieces:
                try:
                    self._receive(self._connection.read(self._most))
                    if self._connection.pieces:
                        self._deliver_rest()
                except Exception as error:  # noqa: BLE001  # a protocol's bug ends its connection, not the stack
                    self._tcp.report(self, "data_received", error)
        if events & ROOM:
            if self._protocol_paused:
                self._resume_if_fair()
            if self._closing:
                self._finish()
        if events & LAST:
            self._handle_end(events)

    def _deliver_rest(self) -> None:
        """Give the protocol what is more than one piece, for as long as it wants to read."""
        while self._connection.pieces and self.is_reading():
            self._receive(self._connection.read(self._most))

    def _handle_end(self, events: int) -> None:
        """Tell the protocol that one direction has ended, or both."""
        if events & ENDED:
            self._ended = True
            self.handle(RECEIVED)  # what came while the reader paused, if it has just resumed
            self._tell_eof()
        if events & CLOSED:
            self._connection.owner = None  # timers may keep the connection for a while, not the application's part
            self._over = True
            undelivered = self._ended and not (self._eof_told or self._closing)
            if self._connection.failure is not None or not undelivered:
                self._lose(to_os_error(self._connection.failure))

    def start(self, events: int) -> None:
        """Tell the protocol that it is connected, and what has come already."""
        self._tcp.call(self, "connection_made", self._protocol.connection_made, self)
        self.handle(events | RECEIVED)

    def _finish(self) -> None:
        """Go on with the end that `close` began, as what was written gets through."""
        connection = self._connection
        queued = connection.queued
        if not queued:
            connection.detach()  # from now on data are refused loudly, RFC 1122 4.2.2.13
        if connection.state is CLOSED_STATE:  # by `detach`, for data that had come already
            connection.owner = None
        if queued <= SEND_BUFFER and not self._lost:
            self._lose(None)
            self._tcp.host.abandon(connection)

    def _fill(self, payload: bytes) -> None:
        """Hand payload over in the buffers of a protocol that has its own, until it hands over to another kind."""
        view = memoryview(payload)
        while view and not self._lost:
            if not self._buffered:
                self._receive(bytes(view))
                return
            buffer = memoryview(self._protocol.get_buffer(len(view)))
            count = min(len(buffer), len(view))
            if not count:
                raise StateError("get_buffer() returned an empty buffer")
            buffer[:count] = view[:count]
            self._protocol.buffer_updated(count)
            view = view[count:]

    def _tell_eof(self) -> None:
        if self._eof_told or self._paused or self._closing:
            return
        self._eof_told = True
        keep_open = self._tcp.call(self, "eof_received", self._protocol.eof_received)
        if not keep_open:
            self.close()

    def _lose(self, error: Exception | None) -> None:
        """Have the protocol told, soon and once, that the connection is over."""
        if self._lost:
            return
        self._lost = self._closing = True
        self._loop.call_soon(self._connection_lost, error)

    def _connection_lost(self, error: Exception | None) -> None:
        try:
            self._protocol.connection_lost(error)
        finally:
            if self._server is not None:
                self._server.detach(self)
                self._server = None

    # What protocols and applications ask for.

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Have another protocol told from now on."""
        self._protocol: Any = protocol
        self._buffered = isinstance(protocol, asyncio.BufferedProtocol)
        self._receive: Any = self._fill if self._buffered else getattr(protocol, "data_received", None)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol that is told."""
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    def is_closing(self) -> bool:
        """Say whether the connection is closed or about to be."""
        return self._closing

    def is_reading(self) -> bool:
        """Say whether data are delivered as they come."""
        return not self._closing and not self._paused

    def pause_reading(self) -> None:
        """Deliver nothing more. The window closes as the receive buffer fills."""
        if not self._closing:
            self._paused = True

    def resume_reading(self) -> None:
        """Deliver again, beginning with what has come meanwhile."""
        if self._closing or not self._paused:
            return
        self._paused = False
        self._loop.call_soon(self._catch_up)

    def _catch_up(self) -> None:
        self.handle(RECEIVED)
        self._tcp.touch(self._connection)  # the window may have re-opened
        if self._ended and not self._paused:
            self._tell_eof()
            if self._over:
                self._lose(None)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send `data` after all that was written before. Never waits."""
        if type(data) is not bytes:
            if not isinstance(data, bytes | bytearray | memoryview):
                raise TypeError(f"data argument must be a bytes-like object, not {type(data).__name__!r}")
            data = bytes(data)  # the caller may go on to change it
        if self._closing or self._eof_written or not data:
            self._write_nothing(data)
            return
        connection, tcp = self._connection, self._tcp
        queued = connection.write(data)
        if tcp.told is not connection:  # else it is flushed in any case
            tcp.touch(connection)
        if queued > WRITTEN_FLOOR:
            self._hold(queued)

    def _hold(self, queued: int) -> None:
        """Have the writer pause if so many octets are too many, for this connection or for the host."""
        if queued > SEND_BUFFER:
            self._maybe_pause_protocol()
        host = self._tcp.host
        self._connection.weigh()
        if not self._protocol_paused and queued > host.written.share:
            host.counters.writers_paused += 1
            self._protocol_paused = True
            self._tcp.call(self, "pause_writing", self._protocol.pause_writing)

    def _resume_if_fair(self) -> None:
        """Let the writer go on when half of what the connection may hold is free, or the little that each may."""
        if self._connection.queued <= max(WRITTEN_FLOOR, self._tcp.host.written.share // 2):
            self._maybe_resume_protocol()

    def _write_nothing(self, data: bytes) -> None:
        if self._eof_written:
            raise RuntimeError("Cannot call write() after write_eof()")
        if not data:
            return
        self._writes_after_close += 1
        if self._writes_after_close == CLOSED_WRITES_TO_WARN:
            LOG.warning("write() to a connection that is closed")

    def writelines(self, list_of_data: Any) -> None:
        """Send several pieces, one after the other."""
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        """Return True: one direction may end before the other."""
        return True

    def write_eof(self) -> None:
        """End this direction behind what was written."""
        if self._closing or self._eof_written:
            return
        self._eof_written = True
        self._connection.shutdown()
        self._tcp.touch(self._connection)

    def get_write_buffer_size(self) -> int:
        """Return how many octets are written beyond what the connection buffers."""
        return max(0, self._connection.queued - SEND_BUFFER)

    def close(self) -> None:
        """Send what was written and end. Nothing is delivered any more."""
        if self._closing:
            return
        self._closing = True
        self._connection.shutdown()
        self._connection.take()  # a reset now could overtake, at the peer, what we wrote last
        self._finish()
        self._tcp.touch(self._connection)

    def abort(self) -> None:
        """End at once, by a reset. What was not sent yet is forgotten."""
        self.fail(None)

    def fail(self, error: Exception | None) -> None:
        """End at once and tell the protocol `error`."""
        self._connection.owner = None
        self._connection.abort()
        self._tcp.touch(self._connection)
        self._lose(error)

    def _force_close(self, error: Exception | None) -> None:
        self.fail(error)  # the name that asyncio's sslproto calls
