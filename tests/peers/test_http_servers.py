"""uvicorn, aiohttp and websockets, unmodified servers on our loop over TAP; the clients use the kernel's sockets."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from aiohttp import WSMsgType, web
from websockets.asyncio.server import ServerConnection, serve
from websockets.sync.client import connect

from fata.stack.direct import DirectStack
from tests.peers.cable import OURS, Cable, run_on, tap
from tests.peers.leaks import leaves_nothing
from tests.programs import needs

pytestmark = [pytest.mark.root, pytest.mark.peer, needs("curl")]

PORT = 8000
URL = f"http://{OURS}:{PORT}"
TEN_MEGABYTES = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(312_500))
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: closing resets the connection

Serving = Callable[[list[str]], AbstractAsyncContextManager[None]]


async def respond(send: Any, kind: bytes, *pieces: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def application(log: list[str]) -> Any:
    """Return an ASGI application: /down, /up and WebSockets that echo. `log` is told of its life."""

    async def lifespan(receive: Any, send: Any) -> None:
        while True:
            kind = (await receive())["type"]
            log.append(kind)
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return

    async def echo(receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({**message, "type": "websocket.send"})

    async def upload(receive: Any, send: Any) -> None:
        digest, more = hashlib.sha256(), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                log.append("abort")
                return
            digest.update(message["body"])
            more = message["more_body"]
        await respond(send, b"application/json", json.dumps(digest.hexdigest()).encode())

    async def serve_one(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
        elif scope["type"] == "websocket":
            await echo(receive, send)
        elif scope["path"] == "/up":
            await upload(receive, send)
        else:
            await respond(send, b"application/octet-stream", TEN_MEGABYTES[:5_000_000], TEN_MEGABYTES[5_000_000:])

    return serve_one


@asynccontextmanager
async def under_uvicorn(log: list[str], **options: Any) -> AsyncIterator[None]:
    config = uvicorn.Config(application(log), host=OURS, port=PORT, log_level="error", lifespan="on", **options)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        assert not running.done()
        await asyncio.sleep(0.01)
    yield
    server.should_exit = True
    await running


async def echo(request: web.Request) -> web.WebSocketResponse:
    """Send every message back, to aiohttp's client."""
    channel = web.WebSocketResponse(max_msg_size=0)
    await channel.prepare(request)
    async for message in channel:
        if message.type is WSMsgType.TEXT:
            await channel.send_str(message.data)
        else:
            await channel.send_bytes(message.data)
    return channel


@asynccontextmanager
async def under_aiohttp(log: list[str]) -> AsyncIterator[None]:
    async def down(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(TEN_MEGABYTES[:5_000_000])
        await response.write(TEN_MEGABYTES[5_000_000:])
        return response

    async def up(request: web.Request) -> web.Response:
        digest = hashlib.sha256()
        try:
            async for piece in request.content.iter_any():
                digest.update(piece)
        except (ConnectionError, RuntimeError):  # the latter after an orderly end
            log.append("abort")
            raise
        return web.json_response(digest.hexdigest())

    async def note(_app: web.Application) -> AsyncIterator[None]:
        log.append("lifespan.startup")
        yield
        log.append("lifespan.shutdown")

    app = web.Application(client_max_size=0)
    app.add_routes([web.get("/down", down), web.put("/up", up), web.get("/echo", echo)])
    app.cleanup_ctx.append(note)
    quiet = logging.Logger("quiet")  # pytest would keep what is logged, and with its traceback the connection
    quiet.addHandler(logging.NullHandler())
    runner = web.AppRunner(app, logger=quiet, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, OURS, PORT).start()
    yield
    await runner.cleanup()


def abort_in_mid_body(reset: bool) -> None:
    """Send some of a body and go, by FIN or by RST."""
    with socket.create_connection((OURS, PORT), timeout=10) as client:
        client.sendall(b"PUT /up HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + bytes(5000))
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def abort_in_mid_answer(reset: bool) -> None:
    """Read a little of ten megabytes and go."""
    with socket.create_connection((OURS, PORT), timeout=10) as client:
        client.sendall(b"GET /down HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.recv(1000)
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def talk(messages: tuple[str | bytes, ...]) -> None:
    with connect(f"ws://{OURS}:{PORT}/echo", max_size=None) as channel:
        for message in messages:
            channel.send(message)
            assert channel.recv(timeout=10) == message
        channel.ping().wait(10)


MESSAGES: tuple[str | bytes, ...] = ("hello", "", "wörld", b"\0\xff", TEN_MEGABYTES[:3_000_000])


async def clients(cable: Cable, upload: Path) -> None:
    """Do what clients do, good ones and others."""
    assert await cable.asking("curl", "-sS", f"{URL}/down") == TEN_MEGABYTES
    told = await cable.asking("curl", "-sS", "-T", str(upload), f"{URL}/up")
    assert json.loads(told) == hashlib.sha256(TEN_MEGABYTES).hexdigest()
    await cable.calling(talk, MESSAGES)
    for reset in (False, True):
        await cable.calling(abort_in_mid_body, reset)
        await cable.calling(abort_in_mid_answer, reset)


@pytest.mark.parametrize(
    "serving",
    [
        lambda log: under_uvicorn(log, http="h11", ws="websockets-sansio"),
        lambda log: under_uvicorn(log, http="httptools", ws="wsproto"),
        under_aiohttp,
    ],
    ids=["uvicorn h11", "uvicorn httptools", "aiohttp"],
)
def test_http_server(serving: Serving, tmp_path: Path) -> None:
    upload = tmp_path / "upload"
    upload.write_bytes(TEN_MEGABYTES)
    log: list[str] = []

    async def main(stack: DirectStack) -> None:
        async with serving(log):
            await leaves_nothing(stack, lambda: clients(cable, upload))
        assert (log[0], log[-1]) == ("lifespan.startup", "lifespan.shutdown")
        assert "abort" in log

    with tap() as cable:
        run_on(cable, main)


def test_websockets_server() -> None:
    async def echo(channel: ServerConnection) -> None:
        async for message in channel:
            await channel.send(message)

    async def main(stack: DirectStack) -> None:
        async with serve(echo, OURS, PORT, max_size=None):
            await leaves_nothing(stack, lambda: cable.calling(talk, MESSAGES))

    with tap() as cable:
        run_on(cable, main)
