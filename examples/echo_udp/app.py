"""The echo service over UDP (RFC 862)."""

import asyncio
from typing import Any

from fata.device import Console, Stack


class Echo(asyncio.DatagramProtocol):
    """Sends every datagram back to where it came from."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.transport.sendto(data, addr)


class EchoUdp:
    """Send every datagram back to where it came from.

    Keys:
        port: UDP port to listen on
    """

    def __init__(self, stack: Stack, console: Console, *, port: int = 7) -> None:
        self.stack = stack
        self.console = console
        self.port = port

    async def run(self) -> None:
        """Serve until somebody stops the program."""
        transport, _ = await self.stack.create_datagram_endpoint(Echo, ("0.0.0.0", self.port))
        self.console.write(f"listening on udp://*:{transport.get_extra_info('sockname')[1]}\n")
        await asyncio.Event().wait()
