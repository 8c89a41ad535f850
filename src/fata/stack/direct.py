"""DirectStack: a host with our own TCP/IP over a network card."""

from __future__ import annotations

import asyncio
import errno
from typing import TYPE_CHECKING, Any, TypeVar

from fata.device.port import check_port
from fata.errors import StateError, Unavailable
from fata.stack.host import ASYNCIOS, Host
from fata.stack.leasing import told
from fata.stack.statistics import report
from fata.wire.ipv4 import format_address

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from ssl import SSLContext

    from fata.device.lease import Lease
    from fata.device.net import Net
    from fata.device.stack import BaseProtocol, DatagramTransport, Transport
    from fata.proto.tcp.settings import HostSettings, Settings
    from fata.stack.ipv4 import Addressing
    from fata.stack.server import StackServer

P = TypeVar("P", bound="BaseProtocol")

LINGER = 2.0  # seconds that `close` waits for what was written to be acknowledged


class DirectStack:
    """TCP, UDP and names over `net`. Made inside the running loop, whose clock it goes by.

    `servers` are asked for names. `chance(n)` returns n octets that nobody can foresee. `lend`: the loop's own
    `create_server` and the like are this stack's until it closes, so that libraries which know of no stack use it.
    `settings` are TCP's for every connection, if others than asyncio's are wanted (buffer, congestion control …),
    `caps` the host's (connections, TIME-WAIT …). `memory`: octets that are free where they are few; what strangers can
    make the stack hold is then a part of them, and of what serves at it, too (`fata.http.Limits.of`).
    """

    def __init__(
        self,
        net: Net,
        addressing: Addressing,
        chance: Callable[[int], bytes],
        *,
        servers: Sequence[bytes] = (),
        lend: bool = False,
        settings: Settings = ASYNCIOS,
        caps: HostSettings | None = None,
        memory: int | None = None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.host = Host(net, loop, chance, settings=settings, caps=caps, memory=memory)
        self._calls = self.host.calls
        self.memory = memory
        self._closed = False
        self._lent_to: Any = None
        self.closing: list[Callable[[], None]] = []  # to be called when the stack has closed
        self.host.start()
        self.host.configure(addressing)
        self.host.set_name_servers(servers)
        self.host.keeps_servers = bool(servers)
        if lend:
            self._lend(loop)

    def _lend(self, loop: Any) -> None:
        if not hasattr(loop, "lend_network"):
            raise StateError(f"{type(loop).__name__} takes no network: run the program in fata's own loop")
        loop.lend_network(self._calls)
        self._lent_to = loop

    def take_back(self) -> None:
        """Lend the loop nothing any more."""
        if self._lent_to is not None:
            self._lent_to.return_network(self._calls)
            self._lent_to = None

    async def lease(self, wait: float) -> Lease:
        """Return what DHCP has granted, to a stack made with `NOBODY` as addressing. The first call asks for it.

        It is kept renewed. Raises `Unavailable` after `wait` seconds, and for a stack that was given an address.
        """
        self._check_open()
        return told(await self.host.leasing.get(wait), self.host.loop.time())

    def report(self, seconds: float) -> str:
        """Return what the network is doing, for people; `seconds` is how long it has run."""
        return report(self.host, seconds)

    @property
    def address(self) -> str:
        """This host's address."""
        return format_address(self.host.ip.address)

    async def create_server(
        self,
        protocol_factory: Callable[[], BaseProtocol],
        host: str | None = None,
        port: int = 0,
        *,
        backlog: int = 128,
        ssl: SSLContext | None = None,
    ) -> StackServer:
        """Listen at `port` of every address that `host` has. Raises `Unavailable`; `OSError` for an unknown host."""
        self._check_open()
        check_port("TCP", port)
        try:
            return await self._calls.create_server(protocol_factory, host, port, backlog=backlog, ssl=ssl)
        except OSError as error:
            _refuse(error, "TCP", host, port)
            raise

    async def create_connection(
        self,
        protocol_factory: Callable[[], P],
        host: str,
        port: int,
        *,
        ssl: SSLContext | None = None,
        server_hostname: str | None = None,
    ) -> tuple[Transport, P]:
        """Connect to the first address of `host` that answers."""
        self._check_open()
        check_port("TCP", port)
        return await self._calls.create_connection(
            protocol_factory, host, port, ssl=ssl, server_hostname=server_hostname
        )

    async def create_datagram_endpoint(
        self,
        protocol_factory: Callable[[], P],
        local_address: tuple[str, int] | None = None,
        remote_address: tuple[str, int] | None = None,
    ) -> tuple[DatagramTransport, P]:
        """Open a UDP port. Raises `Unavailable`."""
        self._check_open()
        for _, port in filter(None, (local_address, remote_address)):
            check_port("UDP", port)
        try:
            return await self._calls.create_datagram_endpoint(protocol_factory, local_address, remote_address)
        except OSError as error:
            _refuse(error, "UDP", *(local_address or (None, 0)))
            raise

    async def resolve(self, name: str) -> Sequence[str]:
        """Return the addresses of a host name, best first."""
        self._check_open()
        return [format_address(address) for address in await self.host.names.resolve(name)]

    async def ping(self, host: str, *, size: int = 56, wait: float = 1.0) -> float:
        """Send one echo request; return the seconds until its reply."""
        self._check_open()
        addresses = await self.host.names.resolve(host)
        return await self.host.icmp.ping(addresses[0], size, wait)

    async def close(self, linger: float = LINGER) -> None:
        """Stop listening, give what was written `linger` seconds to arrive, reset what is left, give the card back."""
        if self._closed:
            return
        self._closed = True
        self.take_back()
        await self.host.close(linger)
        for call in self.closing:
            call()

    def _check_open(self) -> None:
        if self._closed:
            raise StateError("the stack is closed")


def _refuse(error: OSError, protocol: str, host: str | None, port: int) -> None:
    """Raise `Unavailable` if the user can end the error by choosing otherwise."""
    place = f"{protocol} port {port} on {host or 'every address'}"
    if error.errno == errno.EADDRINUSE:
        raise Unavailable(f"{place} is in use", "Choose another port.") from error
    if error.errno == errno.EADDRNOTAVAIL:
        raise Unavailable(
            f"{place} is not to be had: this host does not have the address", "Choose its own."
        ) from error
