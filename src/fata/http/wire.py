"""A transport with back-pressure, a deadline and three ways to end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fata.http.contract import Transport
from fata.http.deadline import Deadline
from fata.http.limits import Limits


class ClientGone(ConnectionResetError):
    """The client has closed the connection before the answer's end. Nothing is left to do for it."""


class Wire:
    """The client's octets both ways, and the time the client has for what it owes: one deadline at a time."""

    __slots__ = ("_deadline", "_limits", "_reading", "_transport", "_writable", "ended", "eof")

    def __init__(self, transport: Transport, loop: asyncio.AbstractEventLoop, limits: Limits) -> None:
        self.ended = False  # nothing more is written, and what still comes is dropped
        self.eof = False  # the client sends nothing more
        self._transport = transport
        self._limits = limits
        self._deadline = Deadline(loop)
        self._reading = True
        self._writable = asyncio.Event()
        self._writable.set()

    @property
    def reading(self) -> bool:
        """Whether we read: whether it is the client's turn."""
        return self._reading

    @property
    def writable(self) -> bool:
        """Whether the client takes what is written, as far as the transport's buffer can tell."""
        return self._writable.is_set()

    @property
    def expires(self) -> float:
        """When the deadline passes, in seconds on the loop's clock."""
        return self._deadline.when

    def address(self, name: str) -> tuple[str, int] | None:
        """Return the transport's "peername" or "sockname" as host and port; None if it has none."""
        value = self._transport.get_extra_info(name)
        return (value[0], value[1]) if isinstance(value, tuple) else None

    @property
    def secure(self) -> bool:
        """Whether the connection is one of TLS."""
        return self._transport.get_extra_info("sslcontext") is not None

    def write(self, data: bytes) -> None:
        """Write, unless this side has ended."""
        if not self.ended:
            self._transport.write(data)

    async def drained(self) -> None:
        """Wait until there is room for more. Raises `ClientGone` once this side has ended."""
        await self._writable.wait()
        if self.ended:
            raise ClientGone("the client has gone before the end of its answer")

    def read(self, wanted: bool) -> bool:
        """Read from the network, or let the client's window close; say whether that is a change."""
        if self.ended or self.eof or wanted is self._reading:
            return False
        self._reading = wanted
        if wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()
        return True

    def pause_writing(self) -> None:
        """The transport is full: from now on the client owes us reading."""
        self._writable.clear()
        self._deadline.set(self._limits.write_seconds, self.abort)

    def resume_writing(self) -> None:
        """The transport takes more."""
        self._writable.set()

    def expect(self, seconds: float, overdue: Callable[[], None]) -> None:
        """Call `overdue` unless something else is expected by then. `pause_writing` goes before."""
        if self.writable and not self.ended:
            self._deadline.set(seconds, overdue)

    def expect_nothing(self) -> None:
        """Give the client all the time in the world: we are the ones at work."""
        if self.writable and not self.ended:
            self._deadline.clear()

    def linger(self) -> None:
        """Half close, and drop what still comes: closing at once would reset the connection, answer and all."""
        if self.eof or self.secure:  # TLS cannot half close; asyncio drops what comes until the client closes too
            self.close()
            return
        self.read(True)
        self._end()
        self._transport.write_eof()
        self._deadline.set(self._limits.linger_seconds, self.close)

    def close(self) -> None:
        """End once what was written has left."""
        self._end()
        self._transport.close()
        self._deadline.set(self._limits.write_seconds, self.abort)

    def abort(self) -> None:
        """End at once; what was written and has not left is lost."""
        self._end()
        self._transport.abort()

    def lost(self) -> None:
        """The transport is gone."""
        self._end()
        self._deadline.cancel()

    def _end(self) -> None:
        self.ended = True
        self._writable.set()
