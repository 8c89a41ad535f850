"""What these tests share: a listener on the host's loopback, a running server, a store, octets in and out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import Any

from fata.driver.kv.memory import MemoryKv
from fata.http import Limits, serve_asgi, serve_files
from fata.http.scope import Application

SHORT = Limits(
    header_seconds=0.05,
    idle_seconds=0.05,
    body_seconds=0.05,
    write_seconds=0.1,
    linger_seconds=0.05,
    grace_seconds=0.1,
)


class Port:
    """One listening port of the host."""

    def __init__(self, server: asyncio.Server) -> None:
        self._server = server
        self.addresses: Sequence[tuple[str, int]] = [socket.getsockname()[:2] for socket in server.sockets]

    def close(self) -> None:
        self._server.close()

    async def wait_closed(self) -> None:
        await self._server.wait_closed()


class Loopback:
    """Listens on 127.0.0.1, and tells where."""

    def __init__(self) -> None:
        self.port: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def create_server(
        self,
        protocol_factory: Callable[[], asyncio.Protocol],
        host: str | None = None,
        port: int = 0,
        *,
        ssl: SSLContext | None = None,
    ) -> Port:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(protocol_factory, "127.0.0.1", port, backlog=1024, ssl=ssl)
        listening = Port(server)
        self.port.set_result(listening.addresses[0][1])
        return listening


@asynccontextmanager
async def running(
    serve: Callable[[Loopback], Coroutine[Any, Any, None]],
) -> AsyncIterator[int]:
    """Run a server; give its port; end it as Ctrl-C would. A failed start is raised here."""
    stack = Loopback()
    task = asyncio.create_task(serve(stack))
    await asyncio.wait((task, stack.port), return_when=asyncio.FIRST_COMPLETED)
    if not stack.port.done():
        stack.port.cancel()
        await task
    try:
        yield stack.port.result()
    finally:
        task.cancel()
        await asyncio.wait((task,))
        if not task.cancelled():
            task.result()


def files(site: MemoryKv, limits: Limits = SHORT) -> Any:
    """A running server of files."""
    return running(lambda stack: serve_files(site, stack, port=0, limits=limits))


def asgi(application: Application, limits: Limits = SHORT, root_path: str = "") -> Any:
    """A running server of an application."""
    return running(lambda stack: serve_asgi(application, stack, port=0, limits=limits, root_path=root_path))


async def filled(values: dict[str, bytes]) -> MemoryKv:
    """A store in memory with these values."""
    store = MemoryKv()
    for key, value in values.items():
        await store.set(key, value)
    return store


async def exchanged(port: int, *pieces: bytes, end: bool = False) -> bytes:
    """Send pieces, in segments of their own if the kernel likes; return what comes until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if end:
            writer.write_eof()
        received = await asyncio.wait_for(reader.read(-1), 5)
    except ConnectionError:
        pass
    finally:
        writer.close()
        try:
            await writer.wait_closed()
        except ConnectionError:
            pass
    return received
