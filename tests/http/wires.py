"""A connection without a network: a transport in memory, and a loop whose clock a test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, TypeVar

from fata.http.connection import Connection
from fata.http.limits import DEFAULT, Limits
from fata.http.server import Responder, Server

T = TypeVar("T")


class MovableLoop(asyncio.SelectorEventLoop):
    """An event loop that takes a test's word for what time it is."""

    skew = 0.0

    def time(self) -> float:
        return super().time() + self.skew


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a test's coroutine on a movable loop."""
    with asyncio.Runner(loop_factory=MovableLoop) as runner:
        return runner.run(main)


async def settle(turns: int = 12) -> None:
    """Let whatever can run, run."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def later(seconds: float) -> None:
    """Let time pass at once, and whatever was due meanwhile happen."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, MovableLoop)
    loop.skew += seconds
    await settle()


class MemoryTransport:
    """The server's end of a wire whose other end is the test."""

    def __init__(self, protocol: Connection, room: int = 1 << 30) -> None:
        self.written = bytearray()
        self.room = room  # octets until the transport says that it is full
        self._reading = True
        self._half_closed = False
        self._closed = False
        self._aborted = False
        self._protocol = protocol

    def write(self, data: bytes) -> None:
        assert not self._closed, "written after close"
        assert not self._half_closed, "written after write_eof"
        self.written += data
        had, self.room = self.room, self.room - len(data)
        if had > 0 >= self.room:
            self._protocol.pause_writing()

    def take(self, room: int = 1 << 30) -> bytes:
        """Read, as the client, all that was written, and make room for more."""
        data = bytes(self.written)
        self.written.clear()
        was_full, self.room = self.room <= 0, room
        if was_full:
            self._protocol.resume_writing()
        return data

    # Methods, not attributes: a type checker would hold an attribute to what was last asserted of it.

    def is_reading(self) -> bool:
        return self._reading

    def is_half_closed(self) -> bool:
        return self._half_closed

    def is_closed(self) -> bool:
        return self._closed

    def is_aborted(self) -> bool:
        return self._aborted

    def write_eof(self) -> None:
        self._half_closed = True

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    def forget(self) -> None:
        """The client has gone, and the protocol has been told."""
        self._closed = True

    def abort(self) -> None:
        self._aborted = True
        self.close()

    def pause_reading(self) -> None:
        assert self._reading, "paused twice"
        self._reading = False

    def resume_reading(self) -> None:
        assert not self._reading, "resumed twice"
        self._reading = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("192.0.2.1", 50000), "sockname": ("192.0.2.2", 80)}.get(name, default)


def server(responder: Responder, limits: Limits = DEFAULT, wall: Callable[[], float | None] | None = None) -> Server:
    """A server that nobody listens for."""
    return Server(responder, limits, wall)


def connect(to: Server, room: int = 1 << 30) -> tuple[Connection, MemoryTransport]:
    """A client has connected."""
    connection = Connection(to)
    transport = MemoryTransport(connection, room)
    connection.connection_made(transport)  # type: ignore[arg-type]  # it has the shape
    return connection, transport


def statuses(answers: bytes) -> list[int]:
    """The status of each answer in a row whose bodies hold no "HTTP/1.1"."""
    return [int(part[1:4]) for part in answers.split(b"HTTP/1.1")[1:]]


class Answer(NamedTuple):
    """One answer, taken apart."""

    status: int
    fields: dict[str, str]
    body: bytes


def answer_of(octets: bytes) -> Answer:
    """Take an answer apart; whatever follows the head is its body."""
    head, _, body = octets.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines)
    assert len(fields) == len(lines), f"a field twice: {lines}"
    return Answer(int(first.split(" ")[1]), fields, body)
