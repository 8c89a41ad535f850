"""asyncio's calls for TCP, UDP and names, with asyncio's own arguments, over our stack.

What has no meaning here is accepted and ignored (`family`, `reuse_address`, happy eyeballs), so that libraries run
unchanged; a socket object (`sock=`) is refused.
"""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING, Any

from fata.stack.connecting import Connecting
from fata.stack.datagram import UdpTransport
from fata.stack.names import KINDS, find_port
from fata.stack.server import StackServer, Tls
from fata.wire.ipv4 import UNSPECIFIED, format_address, parse_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from fata.stack.names import Names
    from fata.stack.tcp import Tcp
    from fata.stack.udp import Udp

EVERY_ADDRESS = (None, "", "0.0.0.0", "::", b"", b"0.0.0.0", b"::")
NO_SOCKETS = "this stack has no socket objects: name host and port instead of sock="


class LoopCalls:
    """Lent to the loop by a stack."""

    def __init__(self, tcp: Tcp, udp: Udp, names: Names) -> None:
        self._tcp = tcp
        self._udp = udp
        self._names = names
        self.servers: dict[StackServer, None] = {}  # sets that keep the order: a simulation's hosts close alike
        self.endpoints: dict[UdpTransport, None] = {}

    async def create_server(
        self,
        factory: Callable[[], Any],
        host: Any = None,
        port: Any = None,
        *,
        sock: Any = None,
        backlog: int = 100,
        ssl: Any = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
        **_ignored: Any,
    ) -> StackServer:
        """Listen. `host` None or "" is every address; several may be given."""
        if sock is not None:
            raise NotImplementedError(NO_SOCKETS)
        if isinstance(ssl, bool):
            raise TypeError("ssl argument must be an SSLContext or None")
        tls = None if ssl is None else Tls(ssl, ssl_handshake_timeout, ssl_shutdown_timeout)
        hosts = [host] if host is None or isinstance(host, str | bytes) else list(host)
        addresses: list[bytes | None] = []
        for one in hosts:
            addresses += [None] if one in EVERY_ADDRESS else await self._own_addresses(one)
        server = StackServer(self._tcp, factory, tls, self._forget_server)
        server.bind(list(dict.fromkeys(addresses)), find_port(port, KINDS[:1])[0], backlog)
        self.servers[server] = None
        return server

    def _forget_server(self, server: StackServer) -> None:
        self.servers.pop(server, None)

    def _forget_endpoint(self, endpoint: UdpTransport) -> None:
        self.endpoints.pop(endpoint, None)

    async def _own_addresses(self, host: Any) -> list[bytes | None]:
        infos = await self._names.getaddrinfo(host, None)
        found: list[bytes | None] = [parse_address(info[4][0]) for info in infos]
        for address in found:
            if address is not None and not self._tcp.is_own(address):
                raise _not_ours(address)
        return found

    async def create_connection(
        self,
        factory: Callable[[], Any],
        host: Any = None,
        port: Any = None,
        *,
        ssl: Any = None,
        sock: Any = None,
        local_addr: Any = None,
        server_hostname: str | None = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
        **_ignored: Any,
    ) -> tuple[Any, Any]:
        """Connect to the first address of `host` that answers."""
        if sock is not None:
            raise NotImplementedError(NO_SOCKETS)
        if host is None:
            raise ValueError("host and port was not specified and no sock specified")
        if server_hostname is None and ssl:
            server_hostname = host if isinstance(host, str) else host.decode("ascii")
        if local_addr and local_addr[0] not in EVERY_ADDRESS:
            await self._own_addresses(local_addr[0])  # there is one to choose from
        local_port = local_addr[1] if local_addr else 0
        infos = await self._names.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        connecting = await self._connect_first([info[4] for info in infos], local_port)
        try:
            return await self._start(
                connecting, factory, ssl, server_hostname, ssl_handshake_timeout, ssl_shutdown_timeout
            )
        except BaseException:
            connecting.abort()
            raise

    async def _connect_first(self, addresses: list[tuple[str, int]], local_port: int) -> Connecting:
        errors: list[OSError] = []
        for address, port in addresses:
            connecting = Connecting(self._tcp)
            try:
                await connecting.connect(parse_address(address), port, local_port)
                return connecting
            except OSError as error:
                errors.append(error)
            except BaseException:
                connecting.abort()
                raise
        raise errors[0] if errors else OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))

    async def _start(
        self,
        connecting: Connecting,
        factory: Callable[[], Any],
        ssl: Any,
        server_hostname: str | None,
        handshake_timeout: float | None,
        shutdown_timeout: float | None,
    ) -> tuple[Any, Any]:
        protocol = factory()
        if not ssl:
            return connecting.start(protocol), protocol
        from fata.stack.tls import secured

        loop, most = self._tcp.loop, self._tcp.host.settings.max_delivered
        waiter = loop.create_future()
        tls = Tls(None if ssl is True else ssl, handshake_timeout, shutdown_timeout)
        secure: Any = secured(loop, protocol, tls, waiter, most, server_side=False, server_hostname=server_hostname)
        transport = connecting.start(secure)
        try:
            await waiter
        except BaseException:
            transport.abort()
            raise
        return secure._app_transport, protocol

    async def create_datagram_endpoint(
        self,
        factory: Callable[[], Any],
        local_addr: Any = None,
        remote_addr: Any = None,
        *,
        sock: Any = None,
        **_ignored: Any,
    ) -> tuple[UdpTransport, Any]:
        """Open a UDP port; without `local_addr` any free one. One of a single address is deaf to all others."""
        if sock is not None:
            raise NotImplementedError(NO_SOCKETS)
        local = await self._address(local_addr, ("0.0.0.0", 0))
        only = parse_address(local[0])
        if only != UNSPECIFIED and not self._udp.ip.is_own(only) and not self._udp.ip.is_broadcast(only):
            raise _not_ours(only)
        remote = None if remote_addr is None else await self._address(remote_addr, remote_addr)
        if remote is not None and only == UNSPECIFIED:
            local = (format_address(self._udp.ip.source_for(parse_address(remote[0]))), local[1])
        protocol = factory()
        transport = UdpTransport(
            self._udp,
            self._tcp.loop,
            protocol,
            self._tcp.call,
            local,
            remote,
            None if only == UNSPECIFIED else only,
            self._forget_endpoint,
        )
        self.endpoints[transport] = None
        transport.start()
        return transport, protocol

    async def _address(self, address: Any, default: tuple[str, int]) -> tuple[str, int]:
        if address is None:
            return default
        host, port = address[0] or default[0], address[1]
        infos = await self._names.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        found: tuple[str, int] = infos[0][4]
        return found

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> list[Any]:
        """Look a name up."""
        return await self._names.getaddrinfo(host, port, **options)

    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> tuple[str, str]:
        """Return host and port as text: names of services and of addresses are not looked up."""
        return str(sockaddr[0]), str(sockaddr[1])


def _not_ours(address: bytes) -> OSError:
    return OSError(errno.EADDRNOTAVAIL, f"{os.strerror(errno.EADDRNOTAVAIL)}: {format_address(address)}")
