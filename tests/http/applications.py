"""What tests of ASGI applications share: a connection to one, a request to it, an answer from it."""

from __future__ import annotations

from typing import Any

from fata.http.asgi import Asgi
from fata.http.connection import Connection
from fata.http.limits import DEFAULT, Limits
from fata.http.scope import Application
from tests.http.wires import MemoryTransport, connect, run, server, settle


def application_wire(
    application: Application, limits: Limits = DEFAULT, state: dict[str, Any] | None = None, root_path: str = ""
) -> tuple[Connection, MemoryTransport]:
    return connect(server(Asgi(application, state or {}, root_path, limits), limits))


def ask(application: Application, octets: bytes, **settings: Any) -> bytes:
    """Send a request to an application; return all that comes back."""

    async def scenario() -> bytes:
        connection, wire = application_wire(application, **settings)
        connection.data_received(octets)
        await settle()
        answers = wire.take()
        connection.connection_lost(None)
        await settle()
        return answers

    return run(scenario())


async def answer(send: Any, body: bytes = b"", *headers: tuple[bytes, bytes], status: int = 200) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def echo_body(scope: Any, receive: Any, send: Any) -> None:
    """Sends the body back as it comes."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    more = True
    while more:
        message = await receive()
        more = message.get("more_body", False)
        await send({"type": "http.response.body", "body": message.get("body", b""), "more_body": more})


GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
