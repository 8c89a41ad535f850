"""A UDP port as an asyncio transport."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from typing import TYPE_CHECKING, Any

from fata.stack.names import numeric
from fata.stack.socket_view import SocketView
from fata.wire.ipv4 import BROADCAST, format_address, parse_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from fata.stack.udp import Udp

Address = tuple[str, int]
MAX_REMEMBERED = 1024  # addresses whose text is known


class UdpTransport(asyncio.DatagramTransport):
    """Sends and delivers datagrams. `remote`: those of one peer only; `only`: those to one of our addresses."""

    def __init__(
        self,
        udp: Udp,
        loop: asyncio.AbstractEventLoop,
        protocol: Any,
        report: Callable[..., Any],
        local: Address,
        remote: Address | None,
        only: bytes | None,
        forget: Callable[[UdpTransport], object],
    ) -> None:
        self._udp = udp
        self._loop = loop
        self._protocol = protocol
        self._report = report
        self._forget = forget
        self._closing = False
        self._remote = None if remote is None else (parse_address(remote[0]), remote[1])
        self._octets: dict[str, bytes] = {}
        self._texts: dict[bytes, str] = {}
        self.port = udp.bind(local[1], self, only)
        sockname = (local[0], self.port)
        extra = {
            "sockname": sockname,
            "peername": remote,
            "socket": SocketView(socket.SOCK_DGRAM, sockname, remote),
        }
        super().__init__(extra)

    def __repr__(self) -> str:
        return f"<UdpTransport {self.get_extra_info('sockname')} {self.get_extra_info('peername') or ''}>"

    def start(self) -> None:
        """Tell the protocol that it is connected."""
        self._report(None, "connection_made", self._protocol.connection_made, self)

    # What the network reports.

    def receive(self, source: bytes, src_port: int, payload: bytes) -> None:
        """Deliver a datagram, unless it is another peer's than ours."""
        if self._closing or (self._remote is not None and self._remote != (source, src_port)):
            return
        text = self._texts.get(source)
        if text is None:
            text = self._remember(source)
        self._report(None, "datagram_received", self._protocol.datagram_received, payload, (text, src_port))

    def _remember(self, source: bytes) -> str:
        if len(self._texts) >= MAX_REMEMBERED:
            self._texts.clear()
        text = self._texts[source] = format_address(source)
        return text

    def fail(self, destination: bytes, dst_port: int, error: OSError) -> None:
        """Tell the protocol of an ICMP error; only one with a peer of its own hears of it, as with sockets."""
        if not self._closing and self._remote == (destination, dst_port):
            self._report(None, "error_received", self._protocol.error_received, error)

    # What protocols and applications ask for.

    def sendto(self, data: bytes | bytearray | memoryview, addr: Any = None) -> None:
        """Send one datagram. Raises `OSError` for one that is too long or has nowhere to go."""
        if self._closing:
            return
        if self._remote is not None:
            if addr not in (None, self.get_extra_info("peername")):
                raise ValueError(f"Invalid address: must be None or {self.get_extra_info('peername')}")
            destination, port = self._remote
        elif addr is None:
            raise OSError(errno.EDESTADDRREQ, os.strerror(errno.EDESTADDRREQ))
        else:
            destination, port = self._octets_of(addr[0]), addr[1]
        payload = data if isinstance(data, bytes) else bytes(data)
        try:
            self._udp.send(self.port, destination, port, payload, self._loop.time())
        except OSError as error:  # asyncio tells a socket's errors this way, not to the caller
            self._report(None, "error_received", self._protocol.error_received, error)

    def _octets_of(self, text: str) -> bytes:
        octets = self._octets.get(text)
        if octets is None:
            if len(self._octets) >= MAX_REMEMBERED:
                self._octets.clear()
            known = BROADCAST if text == "<broadcast>" else numeric(text)
            if known is None:  # a look-up would have to wait
                raise socket.gaierror(socket.EAI_NONAME, f"{text!r} is no address; ask getaddrinfo for one")
            octets = known
            self._octets[text] = octets
        return octets

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol that is told."""
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Have another protocol told from now on."""
        self._protocol = protocol

    def get_write_buffer_size(self) -> int:
        """Return 0: datagrams wait in the interface's queue, or are dropped there."""
        return 0

    def is_closing(self) -> bool:
        """Say whether the port is closed."""
        return self._closing

    def close(self) -> None:
        """Give the port back; the protocol is told soon."""
        if not self._closing:
            self._end(None)

    def lose(self, error: Exception) -> None:
        """Give the port back and tell the protocol why: the network has gone."""
        if not self._closing:
            self._end(error)

    def _end(self, error: Exception | None) -> None:
        self._closing = True
        self._udp.release(self.port)
        self._forget(self)
        self._loop.call_soon(self._protocol.connection_lost, error)

    def abort(self) -> None:
        """Give the port back."""
        self.close()
