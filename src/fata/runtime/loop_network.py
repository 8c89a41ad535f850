"""The loop's calls for TCP, UDP and names, passed on to the network that a stack lends to it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from fata.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Callable


class LoopNetwork(Protocol):
    """What a stack lends: asyncio's own calls, with asyncio's own arguments."""

    async def create_server(self, factory: Callable[[], Any], host: Any, port: Any, **options: Any) -> Any: ...

    async def create_connection(self, factory: Callable[[], Any], host: Any, port: Any, **options: Any) -> Any: ...

    async def create_datagram_endpoint(
        self, factory: Callable[[], Any], local: Any, remote: Any, **more: Any
    ) -> Any: ...

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> list[Any]: ...

    async def getnameinfo(self, sockaddr: Any, flags: int) -> tuple[str, str]: ...


class NetworkCalls(asyncio.BaseEventLoop):
    """The calls. Without a network they are those of `BaseEventLoop`, which need a kernel's sockets."""

    _network: LoopNetwork | None = None

    @property
    def has_network(self) -> bool:
        """Whether a stack has lent one."""
        return self._network is not None

    def lend_network(self, network: LoopNetwork) -> None:
        """Use `network` for every call from now on. There is one at a time."""
        if self._network is not None:
            raise StateError("the loop has a network already")
        self._network = network

    def return_network(self, network: LoopNetwork) -> None:
        """Use `network` no longer. Without effect if it is not in use."""
        if self._network is network:
            self._network = None

    async def create_server(self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
        """Listen for TCP connections, as asyncio documents it."""
        call = super().create_server if self._network is None else self._network.create_server
        return await call(protocol_factory, host, port, **options)

    async def create_connection(self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
        """Connect to a TCP port, as asyncio documents it."""
        call = super().create_connection if self._network is None else self._network.create_connection
        return await call(protocol_factory, host, port, **options)

    async def create_datagram_endpoint(
        self, protocol_factory: Any, local_addr: Any = None, remote_addr: Any = None, **options: Any
    ) -> Any:
        """Open a UDP port, as asyncio documents it."""
        network = self._network
        call = super().create_datagram_endpoint if network is None else network.create_datagram_endpoint
        return await call(protocol_factory, local_addr, remote_addr, **options)

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        """Look a name up, as asyncio documents it."""
        call = super().getaddrinfo if self._network is None else self._network.getaddrinfo
        return await call(host, port, **options)

    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> Any:
        """Return host and port of an address, as asyncio documents it."""
        call = super().getnameinfo if self._network is None else self._network.getnameinfo
        return await call(sockaddr, flags)
