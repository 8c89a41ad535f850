"""Nothing is left behind: descriptors, tasks and connections are back to their start after ten thousand clients."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fata.http.connection import Connection
from fata.http.limits import DEFAULT
from tests.http.loopback import asgi, files, filled

AT_ONCE = 50
LARGE = 1 << 20
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: closing resets the connection
GET = b"GET /small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
GET_LARGE = b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
HALF_A_POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + bytes(5000)


async def counting(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body, if the client stays for it, and answers."""
    if scope["type"] == "lifespan":
        return
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        more = message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[socket.socket]:
    """A client's socket, without a transport of its own that could leak in the server's place."""
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.setblocking(False)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await loop.sock_connect(client, ("127.0.0.1", port))
        yield client


async def whole(port: int) -> None:
    """Ask, read all, leave."""
    loop = asyncio.get_running_loop()
    async with connected(port) as client:
        await loop.sock_sendall(client, GET)
        received = b""
        while piece := await loop.sock_recv(client, 65536):
            received += piece
        assert received.startswith(b"HTTP/1.1 200 ")


async def aborted(port: int, request: bytes, reset: bool) -> None:
    """Go in the middle of a body, politely or not."""
    loop = asyncio.get_running_loop()
    async with connected(port) as client:
        await loop.sock_sendall(client, request)
        if request is GET_LARGE:
            assert await loop.sock_recv(client, 1000)
        else:
            await asyncio.sleep(0)
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


async def clients(port: int, count: int, request: bytes) -> None:
    """Let so many clients come, a tenth of which go in the middle of a body."""
    for first in range(0, count, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, count))
        calls = (aborted(port, request, n % 20 == 0) if n % 10 == 0 else whole(port) for n in numbers)
        await asyncio.gather(*calls)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def until_back(before: tuple[int, int]) -> None:
    """Wait until descriptors and tasks are as many as before; the closing of sockets takes some turns of the loop."""
    for _ in range(500):
        now = descriptors(), len(asyncio.all_tasks())
        if now == before:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"descriptors and tasks: {before} before, {now} after")


async def scenario(count: int) -> None:
    site = await filled({"small": b"small", "large": bytes(LARGE)})
    for server, request in ((files(site, DEFAULT), GET_LARGE), (asgi(counting, DEFAULT), HALF_A_POST)):
        async with server as port:
            await whole(port)
            await asyncio.sleep(0.01)
            before = descriptors(), len(asyncio.all_tasks())
            await clients(port, count // 2, request)
            await until_back(before)
        gc.collect()
        assert [thing for thing in gc.get_objects() if isinstance(thing, Connection)] == []


def test_few_clients_leave_nothing_behind() -> None:
    asyncio.run(scenario(200))


@pytest.mark.slow
def test_ten_thousand_clients_leave_nothing_behind() -> None:
    asyncio.run(scenario(10_000))
