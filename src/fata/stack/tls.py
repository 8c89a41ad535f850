"""asyncio's own TLS over our transport, in buffers that fit the host. Who speaks no TLS does not import it, nor ssl."""

from __future__ import annotations

from asyncio import sslproto
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

    from fata.stack.server import Tls

Protocol: Any = sslproto.SSLProtocol  # typeshed has no None where None is the default
UNTOLD = 2  # deliveries that may wait, encrypted, for a transport that is full


class Secured(Protocol):  # type: ignore[misc]  # it is Any to us
    """A protocol to our transport and a transport to another protocol.

    asyncio's makes a buffer of 256 KiB for each connection, keeps as much that its protocol does not read, and 512 KiB
    of what the peer does not. Here all three follow `most`, the octets that a protocol is given at a time.
    """

    def __init__(self, most: int, *arguments: Any, **options: Any) -> None:
        self.max_size = min(most, Protocol.max_size)
        super().__init__(*arguments, **options)
        self._set_read_buffer_limits(self.max_size)
        self._set_write_buffer_limits(UNTOLD * self.max_size)


def secured(
    loop: asyncio.AbstractEventLoop,
    protocol: asyncio.BaseProtocol,
    tls: Tls,
    waiter: asyncio.Future[None] | None,
    most: int,
    *,
    server_side: bool,
    server_hostname: str | None = None,
) -> asyncio.BaseProtocol:
    """Return TLS for `protocol`."""
    made: asyncio.BaseProtocol = Secured(
        most,
        loop,
        protocol,
        tls.context,
        waiter,
        server_side,
        server_hostname,
        ssl_handshake_timeout=tls.handshake_timeout,
        ssl_shutdown_timeout=tls.shutdown_timeout,
    )
    return made
