"""Shows what arrives at a TCP port."""

import asyncio
from functools import partial
from typing import Any

from fata.device import Console, Stack


class Dump(asyncio.Protocol):
    """Writes what comes to the console, with where it comes from."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def connection_made(self, transport: Any) -> None:
        address, port = transport.get_extra_info("peername")[:2]
        self.peer = f"{address}:{port}"
        self.console.write(f"{self.peer}: connected\n")

    def data_received(self, data: bytes) -> None:
        text = data.decode("utf-8", "backslashreplace").rstrip("\n").replace("\r", "\\r")
        self.console.write(f"{self.peer}: {len(data)} octets\n")
        for line in text.split("\n"):
            self.console.write(f"  {line}\n")

    def connection_lost(self, exc: Exception | None) -> None:
        self.console.write(f"{self.peer}: {exc or 'closed'}\n")


class Network:
    """Show on the console what arrives at a TCP port.

    Keys:
        port: TCP port to listen on
    """

    def __init__(self, stack: Stack, console: Console, *, port: int = 8080) -> None:
        self.stack = stack
        self.console = console
        self.port = port

    async def run(self) -> None:
        """Listen until somebody stops the program."""
        server = await self.stack.create_server(partial(Dump, self.console), port=self.port)
        self.console.write(f"listening on tcp://*:{server.addresses[0][1]}\n")
        await asyncio.Event().wait()
