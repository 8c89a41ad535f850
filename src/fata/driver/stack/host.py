"""The host's own sockets as a Stack."""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from fata.device.port import check_port
from fata.driver.stack.ping_socket import ping
from fata.errors import StateError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from ssl import SSLContext

    from fata.device.stack import BaseProtocol, DatagramTransport, Transport

P = TypeVar("P", bound="BaseProtocol")

# Errors that the user ends by choosing something else, with what to do about them.
REFUSALS = {
    errno.EADDRINUSE: ("is in use", "Stop the program that has it, or choose another port."),
    errno.EACCES: (
        "is not allowed to this user",
        "Choose a port from 1024 on, or give the interpreter the capability CAP_NET_BIND_SERVICE.",
    ),
    errno.EADDRNOTAVAIL: ("is not to be had: this machine does not have the address", "Choose one that it has."),
}
NO_SUCH_FAMILY = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
SAME_PORT_TRIES = 16  # for port 0 on several addresses: how often a free port of the first may be taken on another


class HostServer:
    """TCP sockets that listen at one port, on one or several addresses."""

    def __init__(self, servers: Sequence[asyncio.Server], forget: Callable[[HostServer], None]) -> None:
        self._servers = servers
        self._forget = forget
        self._closed = asyncio.Event()
        self._addresses = [sock.getsockname()[:2] for server in servers for sock in server.sockets]

    @property
    def addresses(self) -> Sequence[tuple[str, int]]:
        """Where it listens, or listened: (address, port) each."""
        return self._addresses

    def close(self) -> None:
        """Stop listening; a second call does nothing."""
        for server in self._servers:
            server.close()
        self._closed.set()
        self._forget(self)

    async def wait_closed(self) -> None:
        """Wait until `close` has been called.

        Not `asyncio.Server.wait_closed`: from Python 3.12 on that one waits for the connections as well.
        """
        await self._closed.wait()


class HostStack:
    """TCP, UDP and names of the operating system, through the sockets of the running event loop."""

    def __init__(self) -> None:
        self._servers: set[HostServer] = set()
        self._endpoints: WeakSet[asyncio.DatagramTransport] = WeakSet()
        self._closed = False

    async def create_server(
        self,
        protocol_factory: Callable[[], BaseProtocol],
        host: str | None = None,
        port: int = 0,
        *,
        backlog: int = 128,
        ssl: SSLContext | None = None,
    ) -> HostServer:
        """Listen at `port` of every address that `host` has. Port 0 is one port, the same on all of them.

        Raises `Unavailable`; `OSError` for a host that nobody knows.
        """
        loop = self._loop()
        check_port("TCP", port)
        _check_name(host or "")
        infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        places = list(dict.fromkeys((int(family), str(address[0])) for family, _, _, _, address in infos))
        factory: Any = protocol_factory  # one of asyncio's classes, or of their shape
        servers: list[asyncio.Server] = []
        with ExitStack() as undo:
            try:
                sockets = [undo.enter_context(sock) for sock in bind(places, port, every=host is None)]
                for sock in sockets:
                    servers.append(await loop.create_server(factory, sock=sock, backlog=backlog, ssl=ssl))
                    undo.callback(servers[-1].close)
            except OSError as error:
                _refuse(error, "TCP", host, port)
                raise
            undo.pop_all()
        server = HostServer(servers, self._servers.discard)
        self._servers.add(server)
        return server

    async def create_connection(
        self,
        protocol_factory: Callable[[], P],
        host: str,
        port: int,
        *,
        ssl: SSLContext | None = None,
        server_hostname: str | None = None,
    ) -> tuple[Transport, P]:
        """Connect to the first address of `host` that answers, trying one after the other.

        They do not race (RFC 8305): asyncio's race loses a socket when it is cancelled at the wrong moment.
        """
        loop = self._loop()
        check_port("TCP", port)
        _check_name(host)
        factory: Any = protocol_factory
        made: tuple[Any, P] = await loop.create_connection(
            factory, host, port, ssl=ssl, server_hostname=server_hostname
        )
        return made

    async def create_datagram_endpoint(
        self,
        protocol_factory: Callable[[], P],
        local_address: tuple[str, int] | None = None,
        remote_address: tuple[str, int] | None = None,
    ) -> tuple[DatagramTransport, P]:
        """Open a UDP port; without any address one of IPv4. Raises `Unavailable`."""
        loop = self._loop()
        factory: Any = protocol_factory
        for _, port in filter(None, (local_address, remote_address)):
            check_port("UDP", port)
        family = socket.AF_INET if local_address is None and remote_address is None else socket.AF_UNSPEC
        try:
            made: tuple[Any, P] = await loop.create_datagram_endpoint(
                factory, local_addr=local_address, remote_addr=remote_address, family=family
            )
        except OSError as error:
            _refuse(error, "UDP", *(local_address or (None, 0)))
            raise
        self._endpoints.add(made[0])
        return made

    async def resolve(self, name: str) -> Sequence[str]:
        """Ask the host's resolver, and keep its order."""
        loop = self._loop()
        _check_name(name)
        infos = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(address[0]) for _, _, _, _, address in infos))

    async def ping(self, host: str, *, size: int = 56, wait: float = 1.0) -> float:
        """Send one echo request; return the seconds until its reply. Raises `Unavailable` where that is not allowed."""
        loop = self._loop()
        _check_name(host)
        infos = await loop.getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_DGRAM)
        return await ping(str(infos[0][4][0]), size, wait)

    async def close(self) -> None:
        """Close what listens: servers, and UDP ports."""
        self._closed = True
        for server in tuple(self._servers):
            server.close()
        for endpoint in tuple(self._endpoints):
            endpoint.close()

    def _loop(self) -> asyncio.AbstractEventLoop:
        if self._closed:
            raise StateError("the stack is closed")
        return asyncio.get_running_loop()


def bind(places: Sequence[tuple[int, str]], port: int, *, every: bool) -> list[socket.socket]:
    """Return TCP sockets bound to one port of the given (family, address) places; the caller owns them.

    `every`: they stand for all that the machine has, so that a family it lacks is left out. Raises `OSError`.
    """
    tries = SAME_PORT_TRIES if port == 0 else 1
    while True:
        tries -= 1
        try:
            return _bind_all(places, port, every)
        except OSError as error:
            if tries == 0 or error.errno != errno.EADDRINUSE:
                raise  # else: the port that was free on the first address is taken on another


def _bind_all(places: Sequence[tuple[int, str]], port: int, every: bool) -> list[socket.socket]:
    bound: list[socket.socket] = []
    with ExitStack() as undo:
        for family, address in places:
            try:
                sock = undo.enter_context(_bind_one(family, address, port))
            except OSError as error:
                if every and bound and error.errno in NO_SUCH_FAMILY:
                    continue
                raise
            bound.append(sock)
            port = sock.getsockname()[1]
        undo.pop_all()
    return bound


def _bind_one(family: int, address: str, port: int) -> socket.socket:
    with ExitStack() as undo:
        sock = undo.enter_context(socket.socket(family, socket.SOCK_STREAM))
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # past the TIME-WAIT of the run before
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # IPv4 has a socket of its own
        sock.bind((address, port))
        undo.pop_all()
    return sock


def _check_name(name: str) -> None:
    """Raise `OSError`, as for any host that is not there, for a text that can be no name (RFC 1035 2.3.4)."""
    try:
        name.encode("idna")
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, f"{name!r} is no host name: {error}") from error


def _refuse(error: OSError, protocol: str, host: str | None, port: int) -> None:
    """Raise `Unavailable` if the user can end the error by choosing otherwise."""
    if error.errno in REFUSALS:
        what, remedy = REFUSALS[error.errno]
        raise Unavailable(f"{protocol} port {port} on {host or 'every address'} {what}", remedy) from error
