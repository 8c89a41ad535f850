"""git:// over the network that a stack has lent to the event loop, for dulwich, which reads and writes in a thread.

dulwich makes a socket of the host's, which a unikernel has none of, and which with `--net direct` would pass our stack
by. HTTP and ssh still want one.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import IO, Any
from urllib.parse import urlparse

from dulwich.client import TCPGitClient
from dulwich.protocol import (
    DEFAULT_GIT_PROTOCOL_VERSION_FETCH,
    DEFAULT_GIT_PROTOCOL_VERSION_SEND,
    TCP_GIT_PORT,
    Protocol,
)

ROOM = 1 << 20  # octets that wait on their way in, and on their way out


class LentClient(TCPGitClient):
    """A git server, reached by the loop's own `create_connection`. Its methods are called in another thread."""

    loop: asyncio.AbstractEventLoop

    def _connect(
        self, cmd: bytes, path: str | bytes, protocol_version: int | None = None
    ) -> tuple[Protocol, Callable[[], bool], IO[bytes] | None]:
        port = self._port or TCP_GIT_PORT
        connecting = self.loop.create_connection(lambda: Wire(self.loop), self._host, port)
        _, wire = asyncio.run_coroutine_threadsafe(connecting, self.loop).result()
        protocol = Protocol(wire.read, wire.write, wire.close, shutdown_write=wire.shut)
        version = b""
        if cmd == b"upload-pack":
            self.protocol_version = DEFAULT_GIT_PROTOCOL_VERSION_FETCH if protocol_version is None else protocol_version
            if self.protocol_version == 2:  # behind two zeros, where older servers do not look
                version = b"\0\0version=2\0"
        else:
            self.protocol_version = DEFAULT_GIT_PROTOCOL_VERSION_SEND
        where = path if isinstance(path, bytes) else path.encode()
        protocol.send_cmd(
            b"git-" + cmd, where.removeprefix(b"/") if where.startswith(b"/~") else where, self._named(version)
        )
        return protocol, wire.has_more, None

    def _named(self, version: bytes) -> bytes:
        return b"host=" + self._host.encode("idna") + version


def lent_client(url: str, loop: asyncio.AbstractEventLoop) -> tuple[LentClient, str]:
    """Return the client of a git:// URL over a loop's network, and the repository's path there."""
    parsed = urlparse(url)
    client = LentClient.from_parsedurl(parsed, thin_packs=False, quiet=True)
    assert isinstance(client, LentClient)
    client.loop = loop
    return client, parsed.path


class Wire(asyncio.Protocol):
    """A connection between the loop and one thread, which blocks while nothing has come, or too much has to leave."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._changed = threading.Condition()
        self._arrived = bytearray()
        self._leaving = 0  # octets that the loop has not taken yet
        self._ended = self._lost = self._paused = self._full = False

    # In the loop.

    def connection_made(self, transport: Any) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        with self._changed:
            self._arrived += data
            if len(self._arrived) > ROOM and not self._paused:
                self._paused = True
                self._transport.pause_reading()
            self._changed.notify()

    def eof_received(self) -> bool:
        with self._changed:
            self._ended = True
            self._changed.notify()
        return True  # what is to be sent may still be sent

    def connection_lost(self, exc: Exception | None) -> None:
        with self._changed:
            self._ended = self._lost = True
            self._changed.notify()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        with self._changed:
            self._full = False
            self._changed.notify()

    def _send(self, data: bytes) -> None:
        self._transport.write(data)
        with self._changed:
            self._leaving -= len(data)
            self._changed.notify()

    # In the thread.

    def read(self, size: int) -> bytes:
        """Return so many octets, fewer only at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or len(self._arrived) >= size)
            data = bytes(self._arrived[:size])
            del self._arrived[:size]
            if self._paused and len(self._arrived) < ROOM // 2:
                self._paused = False
                self._loop.call_soon_threadsafe(self._transport.resume_reading)
        return data

    def write(self, data: bytes) -> int:
        """Send octets. Raises `ConnectionResetError` if the connection is no more."""
        with self._changed:
            self._changed.wait_for(lambda: self._lost or not (self._full or self._leaving > ROOM))
            if self._lost:
                raise ConnectionResetError("the connection is lost")
            self._leaving += len(data)
        self._loop.call_soon_threadsafe(self._send, bytes(data))
        return len(data)

    def has_more(self) -> bool:
        """Say whether something has come that nobody has read."""
        return bool(self._arrived) or self._ended

    def shut(self) -> None:
        """Send no more."""
        self._loop.call_soon_threadsafe(self._transport.write_eof)

    def close(self) -> None:
        """End."""
        self._loop.call_soon_threadsafe(self._transport.close)
