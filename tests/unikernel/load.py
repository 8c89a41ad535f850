"""Load on a web server: many connections at once that stay open, every answer compared octet for octet."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple


class Outcome(NamedTuple):
    """What has come of a load."""

    answered: int  # requests that got the expected answer
    wrong: int  # that got another
    lost: int  # connections that the server, or the way to it, has ended


class Clients:
    """Connections to `port` that are all open at once, from the block's start to its end.

    The first answer is what every other one has to equal.
    """

    def __init__(self, port: int, path: str, connections: int) -> None:
        self.request = f"GET {path} HTTP/1.1\r\nHost: unikernel.test\r\n\r\n".encode()
        self.expected = b""
        self.left = 0  # requests that nobody has sent yet
        self.answered = self.wrong = self.lost = 0
        self.leaving = False
        self._port = port
        self._connections = connections
        self._clients: list[_Client] = []
        self._finished: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Clients:
        self.expected = await _answer(self._port, self.request)
        loop = asyncio.get_running_loop()
        for _ in range(self._connections):
            # One after the other, each with its first answer: QEMU's network lets only one more wait to be accepted,
            # and the kernel repeats what it has refused after seconds.
            _, client = await loop.create_connection(lambda: _Client(self), "127.0.0.1", self._port)
            self._clients.append(client)
            await self._work([client], 1)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.leaving = True
        for client in self._clients:
            client.transport.close()
        await asyncio.sleep(0)

    async def ask(self, requests: int) -> Outcome:
        """Make so many requests, over all connections together; return what has come of all since the start."""
        await self._work(self._clients, requests)
        return Outcome(self.answered, self.wrong, self.lost)

    async def _work(self, clients: Sequence[_Client], requests: int) -> None:
        self.left = requests
        self._finished = None
        for client in clients:
            client.ask()
        self._finished = asyncio.get_running_loop().create_future()
        self.settled()
        await self._finished

    def settled(self) -> None:
        """Look whether all has been asked and nobody waits any more."""
        if self._finished is not None and not self._finished.done() and not any(each.waits for each in self._clients):
            self._finished.set_result(None)


class _Client(asyncio.Protocol):
    """Asks again as soon as it has the answer, while something is left."""

    def __init__(self, shared: Clients) -> None:
        self._shared = shared
        self._heard = bytearray()
        self.waits = False

    def connection_made(self, transport: Any) -> None:
        self.transport: asyncio.Transport = transport

    def ask(self) -> None:
        """Send a request if any is left."""
        shared = self._shared
        self.waits = shared.left > 0 and not self.transport.is_closing()
        if self.waits:
            shared.left -= 1
            self.transport.write(shared.request)
        else:
            shared.settled()

    def data_received(self, data: bytes) -> None:
        self._heard += data
        shared = self._shared
        if len(self._heard) < len(shared.expected):
            return
        if self._heard == shared.expected:
            shared.answered += 1
        else:
            shared.wrong += 1
        self._heard.clear()
        self.ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._shared.leaving:
            self._shared.lost += 1
        self.waits = False
        self._shared.settled()


async def _answer(port: int, request: bytes) -> bytes:
    """Return an answer, head and body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    body = await reader.readexactly(int(length.partition(b":")[2]))
    writer.close()
    await writer.wait_closed()
    return head + body
