"""Both ends of connections and ports, as tests of stacks want them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class Peer(asyncio.Protocol):
    """Records what happens to one end of a connection."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.eof = asyncio.Event()
        self.lost = asyncio.Event()
        self.error: Exception | None = None
        self.paused = False
        self.writable = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        assert isinstance(data, bytes)
        assert not self.lost.is_set()
        self.received += data

    def eof_received(self) -> bool:
        self.eof.set()
        return True  # we may still have something to say

    def connection_lost(self, exc: Exception | None) -> None:
        self.error = exc
        self.lost.set()

    def pause_writing(self) -> None:
        self.paused = True
        self.writable.clear()

    def resume_writing(self) -> None:
        self.paused = False
        self.writable.set()


class Echo(Peer):
    """Sends back what comes, and its own end after that."""

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def eof_received(self) -> bool:
        return False  # everything is said once what has been written is sent


class ModestEcho(Echo):
    """Reads no faster than the peer takes what it sends back."""

    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()


class Mailbox(asyncio.DatagramProtocol):
    """Collects datagrams."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[tuple[bytes, tuple[Any, ...]]] = asyncio.Queue()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.received.put_nowait((data, addr))


class Accepting:
    """A protocol factory that remembers what it made."""

    def __init__(self, make: Callable[[], Peer] = Peer) -> None:
        self.make = make
        self.accepted: asyncio.Queue[Peer] = asyncio.Queue()

    def __call__(self) -> Peer:
        peer = self.make()
        self.accepted.put_nowait(peer)
        return peer
