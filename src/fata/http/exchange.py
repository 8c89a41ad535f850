"""One request and its answer: the body as it arrives, the answer as it is written.

The answer is serialised here rather than by h11: reading is where the attacks are, writing is formatting, and
our files' header lines need no second validation (it is two thirds of h11's time for a request). The lines of
an ASGI application are checked where they enter, in asgi.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from fata.errors import StateError
from fata.http.budget import Budget
from fata.http.request import Request
from fata.http.status import page, page_lines, status_line
from fata.http.wire import ClientGone, Wire

LEAST = 4 * 1024  # octets of an answer that each may hold, whatever others have
READERS = 8  # a piece of an answer is at most this part of what is free, so that slow readers never take all
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Upgraded(Protocol):
    """Another protocol that takes the connection over."""

    @property
    def full(self) -> bool:
        """Whether reading should stop until `Channel.throttle` is called again."""
        ...

    def data_received(self, data: bytes) -> None: ...

    def lost(self) -> None:
        """The client has gone."""
        ...

    def shutdown(self) -> None:
        """The server is about to stop."""
        ...


class Channel(Protocol):
    """The side of a connection that an exchange uses."""

    @property
    def budget(self) -> Budget:
        """What is held for all clients of the server."""
        ...

    def ask_for_body(self, interim: bytes) -> None: ...

    def body_taken(self) -> None: ...

    def throttle(self) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...

    def upgrade(self, upgraded: Upgraded) -> None: ...

    def common_lines(self, keep_alive: bool) -> bytes: ...


class Exchange:
    """A request on its connection. Made by the connection, used by a `Responder`.

    The body is a queue that the connection fills: it stops reading from the network while `queued` is high, or the
    server holds much. What is queued is the budget's until it is taken, or nobody will take it any more.
    The answer is `start`, then `send` until it is called without `more`. Its head leaves together with the
    first octets of the body.
    """

    __slots__ = (
        "_arrived",
        "_chunked",
        "_lines",
        "_pieces",
        "_remaining",
        "_silent",
        "awaiting_continue",
        "body_complete",
        "channel",
        "complete",
        "half_closed",
        "keep_alive",
        "lost",
        "queued",
        "received",
        "request",
        "sent",
        "status",
        "when_complete",
        "wire",
    )

    def __init__(self, channel: Channel, wire: Wire, request: Request, body_complete: bool) -> None:
        self.request = request
        self.keep_alive = request.keep_alive
        self.body_complete = body_complete
        self.awaiting_continue = request.expects_continue and not body_complete
        self.queued = 0  # octets of body that nobody has taken
        self.received = 0  # octets of body so far
        self.status = 0  # of the answer; 0 until it is started
        self.sent = 0  # octets of the answer's body
        self.complete = False  # the answer is
        self.half_closed = False  # the client will send nothing more
        self.lost = False  # nobody is there to be answered
        self.when_complete: Callable[[Exchange], None] | None = None
        self.channel = channel
        self.wire = wire
        self._pieces: list[bytes] = []
        self._arrived: asyncio.Event | None = None  # made by the first who waits
        self._lines: bytes | None = None  # the head's, until it is written
        self._remaining: int | None = None  # octets of body still owed; None: no length was promised
        self._chunked = False
        self._silent = False  # the answer has no body by definition

    def __str__(self) -> str:
        """Client, request line, status and octets, for the log."""
        peer, request = self.wire.address("peername"), self.request
        return f"{peer[0] if peer else '-'} {request.method} {request.path.decode()} {self.status} {self.sent}"

    # The answer

    @property
    def begun(self) -> bool:
        """Whether the answer's head has been written: its status cannot be changed any more."""
        return self.status != 0 and self._lines is None

    def start(self, status: int, lines: bytes, length: int | None) -> None:
        """Begin the answer. `lines` are whole header lines; `length` is what they promise, if they do.

        Raises `StateError` for a second start.
        """
        if self._lines is not None or self.status:
            raise StateError(f"answer {status} to a request that is being answered with {self.status}")
        self.status = status
        self._lines = lines
        self._remaining = length
        self._silent = self.request.method == "HEAD" or status in (204, 304)

    def send(self, data: bytes, more: bool = False) -> None:
        """Write the next octets of the body; without `more` they are the last.

        Raises `StateError` when the answer has not been started or is complete, or when the octets are more
        or (at the end) fewer than its head has promised.
        """
        if self.complete or not self.status:
            raise StateError("body of an answer that is complete" if self.complete else "body before a status")
        data = b"" if self._silent else self._framed(data, more)
        if self._lines is not None:
            data = self._head(last=not more) + data
        self.complete = not more
        if data:
            self.wire.write(data)
        if self.complete and self.when_complete is not None:
            self.wake()
            self.when_complete(self)

    def answer(self, status: int, lines: bytes, body: bytes) -> None:
        """Answer at once. `lines` have to hold the content length, if the status allows one."""
        self.start(status, lines, len(body))
        self.send(body)

    def answer_page(self, status: int, lines: bytes = b"") -> None:
        """Answer with nothing but a status, as a line of text."""
        self.answer(status, page_lines(status) + lines, page(status))

    def _framed(self, data: bytes, more: bool) -> bytes:
        if self._lines is not None and self._remaining is None and not (more or data):
            # Nothing was promised and nothing came: say so rather than send an empty chunk.
            self._lines += b"content-length: 0\r\n"
            self._remaining = 0
        self.sent += len(data)
        if self._remaining is not None:
            self._remaining -= len(data)
            if self._remaining < 0 or (self._remaining and not more):
                raise StateError(f"body differs from the promised length by {-self._remaining} octets")
            return data
        if self.request.version == "1.0":  # ends with the connection (RFC 9112, 6.3)
            self.keep_alive = False
            return data
        self._chunked = True
        chunk = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
        return chunk if more else chunk + b"0\r\n\r\n"

    def _head(self, last: bool) -> bytes:
        assert self._lines is not None
        lines, self._lines = self._lines, None
        if last and not self.body_complete:  # it would have to be read through before the next request
            self.keep_alive = False
        if self._chunked:
            lines += b"transfer-encoding: chunked\r\n"
        return b"".join((status_line(self.status), lines, self.channel.common_lines(self.keep_alive), b"\r\n"))

    def upgrade(self, upgraded: Upgraded, head: bytes) -> None:
        """Answer with `head`, a whole 101, and hand the connection over."""
        self.status = 101
        self.wire.write(head)
        self.channel.upgrade(upgraded)

    def room(self, most: int) -> int:
        """Return how many octets of an answer, at most `most`, to hold at a time."""
        return min(most, max(LEAST, self.channel.budget.free // READERS))

    async def drained(self, held: int) -> None:
        """Wait until the client takes more; meanwhile `held` octets, written last, are the budget's.

        Raises `ClientGone` when it never will.
        """
        budget = self.channel.budget
        budget.held += held
        try:
            await self.wire.drained()
        finally:
            budget.held -= held

    # The body

    async def receive(self) -> tuple[bytes, bool]:
        """Return what has arrived of the body, and whether more will; wait while there is nothing to say.

        Raises `ClientGone` when the rest will never come.
        """
        if self.awaiting_continue:
            self.awaiting_continue = False
            self.channel.ask_for_body(b"" if self.begun else CONTINUE)
        while not (self._pieces or self.body_complete):
            if self.lost or self.complete:
                raise ClientGone("the rest of the request will not come")
            await self._arrival()
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self.drop()
        if not self.body_complete:
            self.channel.body_taken()  # which may bring more at once, and the end
        return data, bool(self._pieces) or not self.body_complete

    async def disconnected(self) -> None:
        """Wait until the client has gone or the answer is complete."""
        while not (self.lost or self.half_closed or self.complete):
            await self._arrival()

    def feed(self, data: bytes) -> None:
        """Take a piece of body from the connection."""
        self.awaiting_continue = False
        self.queued += len(data)
        self.channel.budget.held += len(data)
        self.received += len(data)
        self._pieces.append(data)
        self.wake()

    def drop(self) -> None:
        """Forget what is queued: it has been taken, or nobody will."""
        self._pieces.clear()
        self.channel.budget.held -= self.queued
        self.queued = 0

    def wake(self) -> None:
        """Let those who wait look again at what has changed."""
        if self._arrived is not None:
            self._arrived.set()
            self._arrived = None

    async def _arrival(self) -> None:
        if self._arrived is None:
            self._arrived = asyncio.Event()
        await self._arrived.wait()
