"""Stack: TCP, UDP and names, as asyncio's callables."""

from __future__ import annotations

from fata.device.protocol import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from ssl import SSLContext
    from typing import Any, TypeVar

    P = TypeVar("P", bound="BaseProtocol")


class BaseProtocol(Protocol):
    """What every asyncio protocol class has."""

    def connection_made(self, transport: Any) -> None: ...

    def connection_lost(self, exc: Exception | None) -> None: ...

    def pause_writing(self) -> None: ...

    def resume_writing(self) -> None: ...


class Transport(Protocol):
    """The side of `asyncio.Transport` that applications use."""

    def write(self, data: bytes | bytearray | memoryview) -> None: ...

    def write_eof(self) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...

    def is_closing(self) -> bool: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def get_extra_info(self, name: str, default: Any = None) -> Any: ...


class DatagramTransport(Protocol):
    """The side of `asyncio.DatagramTransport` that applications use."""

    def sendto(self, data: bytes | bytearray | memoryview, addr: Any = None) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...

    def is_closing(self) -> bool: ...

    def get_extra_info(self, name: str, default: Any = None) -> Any: ...


class Server(Protocol):
    """A listening port, as `asyncio.Server`."""

    @property
    def addresses(self) -> Sequence[tuple[str, int]]:
        """Where it listens: (address, port) each, with the port that was chosen for 0."""
        ...

    def close(self) -> None:
        """Stop listening. Connections that were accepted live on."""
        ...

    async def wait_closed(self) -> None:
        """Wait until it has stopped listening."""
        ...


class Icmp(Protocol):
    """Echo requests, as `ping` sends them. It needs a running event loop."""

    async def ping(self, host: str, *, size: int = 56, wait: float = 1.0) -> float:
        """Send one echo request with `size` octets of payload; return the seconds until its reply.

        `host` is a name or an address. Raises `TimeoutError` after `wait` seconds, another `OSError` when there is no
        way to the host, and `Unavailable` where the program may not send echo requests.
        """
        ...


class Stack(Icmp, Protocol):
    """A host's place on the network. It needs a running event loop.

    The same protocols and transports as `asyncio`'s: data arrive in order, `pause_reading` closes the
    window, a transport's `write` never waits. Addresses are text at this edge ("10.0.0.2", "::1").
    Errors of the network are `OSError`, as everywhere in asyncio; a port that is taken, or is none, is `DeviceError`.
    """

    async def create_server(
        self,
        protocol_factory: Callable[[], BaseProtocol],
        host: str | None = None,
        port: int = 0,
        *,
        backlog: int = 128,
        ssl: SSLContext | None = None,
    ) -> Server:
        """Listen for TCP connections on `host` (None: every address). Port 0 lets the stack choose."""
        ...

    async def create_connection(
        self,
        protocol_factory: Callable[[], P],
        host: str,
        port: int,
        *,
        ssl: SSLContext | None = None,
        server_hostname: str | None = None,
    ) -> tuple[Transport, P]:
        """Connect to a TCP port; `host` is a name or an address."""
        ...

    async def create_datagram_endpoint(
        self,
        protocol_factory: Callable[[], P],
        local_address: tuple[str, int] | None = None,
        remote_address: tuple[str, int] | None = None,
    ) -> tuple[DatagramTransport, P]:
        """Open a UDP port."""
        ...

    async def resolve(self, name: str) -> Sequence[str]:
        """Return the addresses of a host name, best first. Raises `OSError` when there are none."""
        ...

    async def close(self) -> None:
        """Give the stack back: its listeners close. A second call does nothing."""
        ...
