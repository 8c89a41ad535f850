"""One TCP connection: requests in order, back-pressure both ways, and a deadline for whatever is awaited.

It is an asyncio protocol and touches nothing but its transport and the loop's timers.
"""

from __future__ import annotations

import asyncio
import logging
from enum import Enum
from typing import TYPE_CHECKING, cast

from fata.http.contract import Transport
from fata.http.exchange import Exchange, Upgraded
from fata.http.intake import Intake
from fata.http.reader import RequestReader
from fata.http.request import Refused
from fata.http.status import refusal
from fata.http.wire import Wire

if TYPE_CHECKING:
    from fata.http.server import Server

LOG = logging.getLogger("http")


class Phase(Enum):
    """What the connection is about."""

    HEAD = "between requests, or in the middle of a request's head"
    ANSWER = "a request is being answered"
    UPGRADED = "another protocol has taken over"
    ENDED = "what still comes is dropped"


class Connection(asyncio.Protocol):
    """Reads requests, has them answered one at a time, and keeps the client within the limits."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._limits = server.limits
        self.budget = server.budget
        self._reader = RequestReader(server.limits)
        self._phase = Phase.ENDED
        self._head_begun = True  # the first head's time runs from the start; a later one's from its first octet
        self._exchange: Exchange | None = None
        self._upgraded: Upgraded | None = None
        self._gone = False  # the transport has

    # asyncio's protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A stack's own transport has only the shape.
        self._wire = Wire(cast(Transport, transport), self._server.loop, self._limits)
        self._intake = Intake(self._reader, self._wire, self._limits, self.budget)
        if not self._server.admit(self):
            self._wire.write(refusal(503))
            self._wire.close()
            return
        self._phase = Phase.HEAD
        self._wire.expect(self._limits.header_seconds, self._head_overdue)

    def data_received(self, data: bytes) -> None:
        match self._phase:
            case Phase.HEAD:
                self._reader.feed(data)
                self._advance()
            case Phase.ANSWER:
                self._reader.feed(data)
                self._pump()
            case Phase.UPGRADED:
                assert self._upgraded is not None
                self._upgraded.data_received(data)
            case Phase.ENDED:
                pass

    def eof_received(self) -> bool:
        self._wire.eof = True
        match self._phase:
            case Phase.HEAD:
                self._advance()
            case Phase.ANSWER:
                self._pump()
            case Phase.UPGRADED | Phase.ENDED:
                self.close()
        return True  # a client may close its sending side and still read the answer

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose()
        self._wire.lost()
        self._gone = True
        # Who goes while a task is at work for it keeps its place till then: others must not fill memory by going.
        if self._exchange is None or self._exchange.when_complete is None:
            self._server.forget(self)

    def pause_writing(self) -> None:
        self._wire.pause_writing()
        self.throttle()

    def resume_writing(self) -> None:
        self._wire.resume_writing()
        self.throttle()
        self._watch_client()
        if self._phase is Phase.HEAD:
            self._server.loop.call_soon(self._advance)

    # What the server asks of it

    @property
    def idle(self) -> bool:
        """Whether it waits for a request of which nothing has come."""
        return self._phase is Phase.HEAD and not self._reader.buffered

    @property
    def expires(self) -> float:
        """When its deadline passes, in seconds on the loop's clock."""
        return self._wire.expires

    def shutdown(self) -> None:
        """End when the running request, if there is one, has been answered."""
        if self._phase is Phase.HEAD:
            self.close()
        elif self._upgraded is not None:
            self._upgraded.shutdown()

    def close(self) -> None:
        """End once what was written has left."""
        self._lose()
        self._wire.close()

    def abort(self) -> None:
        """Break off at once."""
        if not self._gone:
            self._lose()
            self._wire.abort()

    # What an exchange asks of it

    def ask_for_body(self, interim: bytes) -> None:
        self._wire.write(interim)
        self._watch_client()

    def body_taken(self) -> None:
        if self._phase is Phase.ANSWER:
            self._pump()

    def upgrade(self, upgraded: Upgraded) -> None:
        self._phase = Phase.UPGRADED
        self._upgraded = upgraded
        self._watch_client()
        rest = self._reader.take()
        if rest:
            upgraded.data_received(rest)
        self.throttle()

    def throttle(self) -> None:
        """Read from the network exactly while there is room for what comes."""
        if self._upgraded is None:
            full = self._intake.full(self._exchange)
        else:
            full = self._upgraded.full or not self._wire.writable
        if self._wire.read(not full) and self._phase is Phase.ANSWER:
            self._watch_client()

    def common_lines(self, keep_alive: bool) -> bytes:
        lines = self._server.date_line()
        return lines if keep_alive and not self._server.stopping else lines + b"connection: close\r\n"

    # Requests, one after the other

    def _advance(self) -> None:
        for _ in range(self._limits.pipelined):
            if self._phase is not Phase.HEAD or not self._wire.writable:
                self.throttle()
                return
            try:
                request = self._reader.next_request()
            except Refused as refused:
                self._refuse(refused)
                return
            if request is None:
                self._await_head()
                return
            self._begin(Exchange(self, self._wire, request, self._reader.body_complete))
        self._server.loop.call_soon(self._advance)

    def _await_head(self) -> None:
        if self._wire.eof:
            self.close()
            return
        if not self._wire.reading:
            self.throttle()
        if self._reader.buffered and not self._head_begun:
            self._watch_client()

    def _begin(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._phase = Phase.ANSWER
        if not exchange.body_complete:
            self._pump()
            if self._phase is not Phase.ANSWER:
                return
        try:
            task = self._server.responder.start(exchange)
        except BaseException:
            exchange.drop()
            raise
        if task is None:
            self._ended(exchange)
            return
        exchange.when_complete = self._completed
        self._server.watch(task)
        task.add_done_callback(lambda task: self._task_done(exchange, task))
        self._watch_client()

    def _completed(self, exchange: Exchange) -> None:
        # An application may work on after its answer; the next request need not wait for that.
        self._ended(exchange)
        if self._reader.buffered or self._wire.eof:
            self._server.loop.call_soon(self._advance)

    def _task_done(self, exchange: Exchange, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not (exchange.lost and isinstance(error, OSError)):
            LOG.error("%s", exchange, exc_info=error)
        if self._exchange is exchange:
            self._ended(exchange)
            self._advance()

    def _ended(self, exchange: Exchange) -> None:
        if LOG.isEnabledFor(logging.DEBUG):
            LOG.debug("%s", exchange)
        self._exchange = None
        if exchange.queued:
            exchange.drop()
        if self._gone:
            self._server.forget(self)
        if self._phase is Phase.UPGRADED:
            self.close()
        elif self._phase is Phase.ANSWER:
            self._conclude(exchange)

    def _conclude(self, exchange: Exchange) -> None:
        if not exchange.complete:
            self._give_up(exchange, 500)
        elif not exchange.body_complete:
            self._linger()
        elif not exchange.keep_alive or self._server.stopping:
            self.close()
        else:
            self._phase = Phase.HEAD
            self._watch_client()

    def _pump(self) -> None:
        exchange = self._exchange
        assert exchange is not None
        try:
            if not exchange.body_complete and self._intake.fill(exchange):
                self._watch_client()
        except Refused as refused:
            self._refuse(refused)
            return
        if self._wire.eof and exchange.body_complete:
            exchange.half_closed = True
            exchange.wake()
        elif self._wire.eof and not self._intake.full(exchange):
            self.close()
        self.throttle()

    # Deadlines

    def _watch_client(self) -> None:
        """Set the deadline for what the client owes now."""
        if self._phase is not Phase.HEAD:
            self._intake.watch(self._exchange, self._refuse)
            return
        self._head_begun = self._reader.buffered > 0
        if self._head_begun:
            self._wire.expect(self._limits.header_seconds, self._head_overdue)
        else:
            self._wire.expect(self._limits.idle_seconds, self.close)

    def _head_overdue(self) -> None:
        if self._reader.buffered:
            self._refuse(Refused(408, f"no whole head within {self._limits.header_seconds} s"))
        else:
            self.close()

    # Ends

    def _refuse(self, refused: Refused) -> None:
        LOG.debug("refused: %s", refused)
        self._give_up(self._exchange, refused.status)

    def _give_up(self, exchange: Exchange | None, status: int) -> None:
        """Answer with an error if nothing has been written yet; otherwise the client has to see the break."""
        if exchange is not None and exchange.begun:
            self.abort()
            return
        self._wire.write(refusal(status))
        self._linger()

    def _linger(self) -> None:
        self._lose()
        self._wire.linger()

    def _lose(self) -> None:
        self._phase = Phase.ENDED
        if self._exchange is not None:
            self._exchange.lost = True
            if not self._exchange.body_complete:
                self._exchange.drop()
            self._exchange.wake()
        if self._upgraded is not None:
            self._upgraded.lost()
            self._upgraded = None
