"""What strangers can make a small machine's HTTP server hold: as many as it admits, each doing its worst.

The server's stack is told that so many octets are free as a machine of 38 MiB has, and derives caps and limits from
them. `tracemalloc` counts what the whole process has more than before the clients came: the stack's part, the server's
and the application's, and the clients' own stack, which keeps little (their octets are one object, shared).
"""

from __future__ import annotations

import asyncio
import sys
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from wsproto.connection import Connection as Frames
from wsproto.connection import ConnectionType
from wsproto.events import BytesMessage, TextMessage

from benchmarks.table import Table
from fata.driver.entropy.seeded import SeededEntropy
from fata.driver.kv.memory import MemoryKv
from fata.driver.net.switch import Switch
from fata.driver.poller.virtual import VirtualPoller
from fata.http import serve_asgi, serve_files
from fata.http.limits import Limits
from fata.proto.tcp.settings import Settings
from fata.runtime.loop import Loop
from fata.stack.direct import DirectStack
from fata.stack.ipv4 import Addressing

FREE = 14 << 20  # octets
MIB = 1 << 20
LIMITS = Limits.within(FREE)
STRANGERS = LIMITS.connections - 1  # a place is left for somebody honest
SERVER = "10.0.0.1"
HOST = b"Host: a\r\n"
LONG = bytes(4 * MIB)  # a body, or as much of it as is taken
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
MESSAGE = 2000  # octets of a WebSocket message that never ends, in fragments of two


class Stranger(asyncio.Protocol):
    """Says its piece and goes on saying it, whatever is answered, which it reads or not."""

    def __init__(self, said: tuple[bytes, ...], reads: bool) -> None:
        self.said = said
        self.reads = reads
        self.answered = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if not self.reads:
            transport.pause_reading()
        for piece in self.said:
            transport.write(piece)

    def data_received(self, data: bytes) -> None:
        self.answered = (self.answered + data)[:100]


class Attack(NamedTuple):
    """What a stranger does, and to whom."""

    name: str
    said: tuple[bytes, ...]
    application: Callable[..., Awaitable[None]] | None  # None: a site
    reads: bool = True


async def answer(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body"})


async def deaf(scope: Any, receive: Any, send: Any) -> None:
    """Takes nothing and answers never, but for one page."""
    if scope.get("path") == "/small":
        await answer(send)
        return
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
    await asyncio.sleep(100_000 if scope["type"] != "lifespan" else 0)


async def slow(scope: Any, receive: Any, send: Any) -> None:
    """Takes what has come every seven seconds, and answers at the end."""
    if scope["type"] == "lifespan":
        return
    more = scope["path"] != "/small"
    while more:
        await asyncio.sleep(7)
        more = (await receive()).get("more_body", False)
    await answer(send)


def fragments(kind: type[BytesMessage] | type[TextMessage], pieces: list[Any]) -> bytes:
    """One message without an end."""
    frames = Frames(ConnectionType.CLIENT)
    return b"".join(frames.send(kind(data=piece, message_finished=False)) for piece in pieces)


def attacks() -> list[Attack]:
    post = b"POST / HTTP/1.1\r\n" + HOST
    sized = post + b"Content-Length: %d\r\n\r\n" % len(LONG)
    chunked = post + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(LONG)
    field = b"a: " + b"b" * (LIMITS.header_octets // 100 - 6) + b"\r\n"
    head = b"GET / HTTP/1.1\r\n" + HOST + field * 98 + b"\r\n"
    tiny = fragments(BytesMessage, [bytes((n & 255, 7)) for n in range(MESSAGE // 2)])
    words = fragments(TextMessage, ["\N{GRINNING FACE}" + "a" * 1000] * 32)
    get = b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n"
    return [
        Attack("a connection, nothing more", (), deaf),
        Attack("body, application deaf", (sized, LONG), deaf),
        Attack("body, application slow", (sized, LONG), slow),
        Attack("body of chunks, application slow", (chunked, LONG), slow),
        Attack("the longest head, application deaf", (head,), deaf),
        Attack("requests in a row, application slow", (get * 20_000,), slow),
        Attack("message in fragments of 2 octets", (HANDSHAKE, tiny), deaf),
        Attack("messages of text, application deaf", (HANDSHAKE, words), deaf),
        Attack("a large file, not read", (get,), None, reads=False),
    ]


async def held(poller: VirtualPoller, attack: Attack, strangers: int) -> tuple[int, int, bytes]:
    """Return the octets held a minute and a half after the strangers came, the most till then, an honest answer."""
    switch = Switch(poller)
    server, clients = (
        DirectStack(
            switch.port(bytes((2, 0, 0, 0, 0, number))),
            Addressing(bytes((10, 0, 0, number)), 24),
            SeededEntropy(number).octets,
            memory=free,
            settings=Settings(nodelay=True, receive_buffer=buffer),
        )
        for number, free, buffer in ((1, FREE, MIB), (2, None, 2048))
    )
    if attack.application is None:
        site = MemoryKv()
        await site.set("large", bytes(MIB))
        await site.set("small", b"")
        serving = asyncio.create_task(serve_files(site, server, port=80))
    else:
        serving = asyncio.create_task(serve_asgi(attack.application, server, port=80))
    await asyncio.sleep(1)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(strangers):
        await clients.create_connection(lambda: Stranger(attack.said, attack.reads), SERVER, 80)
        if number % 10 == 9:
            await asyncio.sleep(0.1)
    await asyncio.sleep(30)
    now, most = (octets - before for octets in tracemalloc.get_traced_memory())
    tracemalloc.stop()
    honest = await asked(clients)
    serving.cancel()
    await asyncio.wait((serving,))
    await server.close(0)
    return now, most, honest


async def asked(clients: DirectStack) -> bytes:
    """Ask for something small; return the status, or that there is none."""
    _, client = await clients.create_connection(
        lambda: Stranger((b"GET /small HTTP/1.1\r\n" + HOST + b"\r\n",), True), SERVER, 80
    )
    await asyncio.sleep(12)
    return bytes(client.answered[9:12]) or b"none"


def run(attack: Attack, strangers: int) -> tuple[int, int, bytes]:
    poller = VirtualPoller()
    with asyncio.Runner(loop_factory=lambda: Loop(poller)) as runner:
        return runner.run(held(poller, attack, strangers))


def main() -> int:
    limit = FREE
    worst = 0
    with Table(
        f"Held by an HTTP server with {FREE / MIB:.0f} MiB free, {STRANGERS} strangers",
        *("each does", "one holds KiB", "all hold MiB", "at most", "an honest request"),
    ) as table:
        for attack in attacks():
            one = run(attack, 1)[0]
            many, most, honest = run(attack, STRANGERS)
            worst = max(worst, most)
            table.row(attack.name, one / 1024, many / MIB, most / MIB, honest.decode())
    return int(worst > limit)


if __name__ == "__main__":
    sys.exit(main())
