"""The browser's end of a WebSocket, for tests: wsproto on a wire in memory."""

from __future__ import annotations

from typing import Any

from wsproto.connection import Connection as Frames
from wsproto.connection import ConnectionType
from wsproto.events import Event

from fata.http.asgi import Asgi
from fata.http.connection import Connection
from fata.http.limits import DEFAULT, Limits
from fata.http.scope import Application
from fata.http.server import Server
from tests.http.wires import MemoryTransport, connect, server, settle

HANDSHAKE = (
    b"GET /chat?room=1 HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: chat, superchat\r\n\r\n"
)


class Client:
    """A browser's end."""

    def __init__(
        self, application: Application, limits: Limits = DEFAULT, room: int = 1 << 30, to: Server | None = None
    ) -> None:
        self.connection: Connection
        self.wire: MemoryTransport
        self.connection, self.wire = connect(to or server(Asgi(application, {}, "", limits), limits), room)
        self.frames = Frames(ConnectionType.CLIENT)

    async def shake_hands(self, octets: bytes = HANDSHAKE) -> bytes:
        self.connection.data_received(octets)
        await settle()
        return self.wire.take()

    async def send(self, *events: Event) -> list[Event]:
        self.connection.data_received(b"".join(self.frames.send(event) for event in events))
        return await self.received()

    async def received(self) -> list[Event]:
        await settle()
        self.frames.receive_data(self.wire.take())
        return list(self.frames.events())


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Sends back what comes."""
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept", "subprotocol": "chat"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})
