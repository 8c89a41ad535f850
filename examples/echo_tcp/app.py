"""The echo service over TCP (RFC 862)."""

import asyncio
from typing import Any

from fata.device import Console, Stack


class Echo(asyncio.Protocol):
    """Sends back what comes, and reads no faster than the peer takes it."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()


class EchoTcp:
    """Send back whatever comes, on every connection.

    Keys:
        port: TCP port to listen on
    """

    def __init__(self, stack: Stack, console: Console, *, port: int = 7) -> None:
        self.stack = stack
        self.console = console
        self.port = port

    async def run(self) -> None:
        """Serve until somebody stops the program."""
        server = await self.stack.create_server(Echo, port=self.port)
        self.console.write(f"listening on tcp://*:{server.addresses[0][1]}\n")
        await asyncio.Event().wait()
