"""Traffic for simulations: a server that sums up what it gets, clients that send to it."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Any

from fata.sim.host import Host


class Digesting(asyncio.Protocol):
    """Answers with the digest of all that came before the end."""

    def __init__(self) -> None:
        self._digest = sha256()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._digest.update(data)

    def eof_received(self) -> bool:
        self.transport.write(self._digest.digest())
        return False


class Asking(asyncio.Protocol):
    """Sends, says that it is done, waits for the answer and the end."""

    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self.answer = b""
        self.ended: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        transport.write(self._payload)
        transport.write_eof()

    def data_received(self, data: bytes) -> None:
        self.answer += data

    def connection_lost(self, exc: Exception | None) -> None:
        if self.ended.done():  # whoever waited has given up
            return
        if exc is None:
            self.ended.set_result(self.answer)
        else:
            self.ended.set_exception(exc)


async def serve(host: Host, port: int = 7) -> None:
    await host.stack.create_server(Digesting, port=port)


async def ask(client: Host, server: Host, payload: bytes, port: int = 7) -> bytes:
    """Send `payload`; return the server's answer."""
    _transport, protocol = await client.stack.create_connection(lambda: Asking(payload), server.address, port)
    return await protocol.ended


async def ask_rightly(client: Host, server: Host, payload: bytes) -> None:
    assert await ask(client, server, payload) == sha256(payload).digest()
