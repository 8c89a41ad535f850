"""A WebSocket between a client and an ASGI application (RFC 6455; ASGI WebSocket specification 2.4).

wsproto does the frames. permessage-deflate is not offered: it would cost 300 KB of state a connection, and a
few kilobytes from a hostile client could inflate to any size before a limit on messages sees them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from enum import Enum
from typing import Any

from wsproto.connection import Connection as Frames
from wsproto.connection import ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage

from fata.errors import StateError
from fata.http.deadline import Deadline
from fata.http.exchange import Exchange
from fata.http.limits import Limits
from fata.http.scope import Application, Message, header_lines
from fata.http.websocket_handshake import Offer, accepted
from fata.http.wire import ClientGone

INBOX_HIGH_WATER = 64 * 1024  # octets that wait for the application before reading stops
INBOX_FLOOR = 16 * 1024  # octets that each may have whatever others have
MESSAGE_COST = 256  # octets that an empty message takes: a dictionary, its value, a place in the queue
PIECE_COST = 64  # octets that a piece takes besides what it says
WIDEST = 4  # octets that a character may take, and all others of its text with it

# RFC 6455, 7.4.1, and its registry for the last
NORMAL, GOING_AWAY, ABNORMAL, TOO_BIG, INTERNAL_ERROR, TRY_AGAIN_LATER = 1000, 1001, 1006, 1009, 1011, 1013


class Stage(Enum):
    """How far the WebSocket's life has gone."""

    CONNECTING = "the application has not decided yet"
    DENYING = "the application answers with HTTP instead"
    OPEN = "messages pass"
    CLOSING = "we have sent Close and wait for the client's"
    CLOSED = "nothing passes any more"


class WebSocket:
    """One call of the application for one WebSocket, and what the connection hands over to once it is open."""

    def __init__(
        self,
        application: Application,
        scope: dict[str, Any],
        exchange: Exchange,
        offer: Offer,
        limits: Limits,
    ) -> None:
        self._application = application
        self._scope = scope
        self._exchange = exchange
        self._offer = offer
        self._limits = limits
        self._budget = exchange.channel.budget
        self._held = 0  # octets that it knows of
        self._deadline = Deadline(asyncio.get_running_loop())
        self._frames = Frames(ConnectionType.SERVER)
        self._frames_wait = False  # some have come, and were not looked at
        self._stage = Stage.CONNECTING
        self._connect_told = False
        self._pieces: list[str] | list[bytes] = []  # of the message that is arriving
        self._size = 0  # of them together, in octets or characters
        self._width = 1  # octets that one of them takes, once they are together
        self._inbox: deque[Message] = deque()
        self._queued = 0  # what the inbox takes, in octets
        self._farewell: Message | None = None  # the last thing that the application will receive
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Call the application, and close the WebSocket if it leaves it open. Raises what it raises."""
        code = INTERNAL_ERROR
        try:
            await self._application(self._scope, self._receive, self._send)
            code = NORMAL
        finally:
            try:
                if self._stage is Stage.OPEN:
                    self._begin_close(code, "")
                while self._stage is Stage.CLOSING:
                    await self._change()
            finally:
                self._deadline.cancel()
                self._inbox.clear()
                self._queued = 0
                self._drop_pieces()
        if self._stage in (Stage.CONNECTING, Stage.DENYING) and not self._exchange.lost:
            raise StateError("the application returned before it had accepted, closed or answered")

    # The application's side

    async def _receive(self) -> Message:
        if not self._connect_told:
            self._connect_told = True
            return {"type": "websocket.connect"}
        if self._stage in (Stage.CONNECTING, Stage.DENYING):
            await self._exchange.disconnected()
            return {"type": "websocket.disconnect", "code": ABNORMAL, "reason": ""}
        while not (self._inbox or self._farewell):
            await self._change()
        if not self._inbox:
            assert self._farewell is not None
            return self._farewell
        message = self._inbox.popleft()
        cost = _cost(message)
        self._queued -= cost
        self._held -= cost
        self._budget.held -= cost
        if self._frames_wait:
            self._take_frames()
        self._exchange.channel.throttle()
        return message

    async def _send(self, message: Message) -> None:
        exchange = self._exchange
        if exchange.lost:
            raise ClientGone("the client has closed the WebSocket")
        match (self._stage, message["type"]):
            case (Stage.CONNECTING, "websocket.accept"):
                self._accept(message)
            case (Stage.CONNECTING, "websocket.close"):
                exchange.answer_page(403)
                self._stage = Stage.CLOSED
            case (Stage.CONNECTING, "websocket.http.response.start"):
                lines, length, _ = header_lines(message.get("headers", ()), message["status"])
                exchange.start(message["status"], lines, length)
                self._stage = Stage.DENYING
            case (Stage.DENYING, "websocket.http.response.body"):
                more = message.get("more_body", False)
                exchange.send(message.get("body", b""), more)
                self._stage = Stage.DENYING if more else Stage.CLOSED
            case (Stage.OPEN, "websocket.send"):
                self._send_message(message.get("bytes"), message.get("text"))
                await exchange.wire.drained()
            case (Stage.OPEN, "websocket.close"):
                self._begin_close(message.get("code") or NORMAL, message.get("reason") or "")
            case (stage, kind):
                raise StateError(f"message {kind!r} on a WebSocket when {stage.value}")

    def _accept(self, message: Message) -> None:
        lines, _, _ = header_lines(message.get("headers", ()), 101)
        subprotocol = message.get("subprotocol")
        if subprotocol is not None and subprotocol not in self._offer.subprotocols:
            raise StateError(f"subprotocol {subprotocol!r} was not offered: {self._offer.subprotocols}")
        self._stage = Stage.OPEN
        self._deadline.set(self._limits.idle_seconds, self._ping)
        self._exchange.upgrade(self, accepted(self._offer, subprotocol, lines))

    def _send_message(self, octets: bytes | None, text: str | None) -> None:
        if octets is not None:
            self._write(BytesMessage(data=octets))
        elif text is not None:
            self._write(TextMessage(data=text))
        else:
            raise StateError("a message with neither bytes nor text")

    # The connection's side

    @property
    def full(self) -> bool:
        """Whether enough waits for the application."""
        queued = self._queued
        budget = self._budget
        if queued < INBOX_HIGH_WATER and (not queued or self._held + budget.held < budget.limit):
            return False
        return self._stage is Stage.OPEN

    def data_received(self, data: bytes) -> None:
        """Take what the client has sent."""
        if self._stage is Stage.OPEN:
            self._deadline.set(self._limits.idle_seconds, self._ping)
        self._frames.receive_data(data)
        self._take_frames()
        self._exchange.channel.throttle()

    def lost(self) -> None:
        """The client has gone, with or without a farewell."""
        self._leave(ABNORMAL, "")
        self._stage = Stage.CLOSED
        self._frames_wait = False
        self._deadline.cancel()
        self._drop_pieces()

    def shutdown(self) -> None:
        """The server stops: tell both sides."""
        if self._stage is Stage.OPEN:
            self._begin_close(GOING_AWAY, "")

    def _take_frames(self) -> None:
        """Take what has come, as far as there is room; the rest waits as it came."""
        self._frames_wait = self._queued > 0 and self.full
        if self._frames_wait:
            return
        for event in self._frames.events():
            self._handle(event)
            if self._queued and self.full:
                self._frames_wait = True
                return

    def _handle(self, event: Event) -> None:
        match event:
            case TextMessage() | BytesMessage() if self._stage is Stage.OPEN:
                self._gather(event)
            case Ping() if self._stage is Stage.OPEN:
                self._write(event.response())
            case CloseConnection() if self._stage is Stage.OPEN:
                self._leave(int(event.code), event.reason or "")
                self._write(event.response())
                self._exchange.channel.close()
            case CloseConnection():
                self._exchange.channel.close()
            case _:
                pass  # Pong, and whatever crosses our Close

    def _gather(self, event: TextMessage | BytesMessage) -> None:
        data = event.data
        self._size += len(data)
        if self._size > self._limits.message_octets:
            self._begin_close(TOO_BIG, f"message of more than {self._limits.message_octets} octets")
        elif event.message_finished and self._size <= INBOX_FLOOR // WIDEST and not self._pieces:
            self._size = 0
            self._put(data)
        else:
            self._gather_piece(event, data)

    def _gather_piece(self, event: TextMessage | BytesMessage, data: str | bytes | bytearray) -> None:
        if data:
            self._pieces.append(data)  # type: ignore[arg-type]  # wsproto keeps a message's kind
            if isinstance(data, str) and not data.isascii():
                self._width = WIDEST
        self._weigh()
        # Where messages wait for the application, reading stops instead.
        if not self._queued and self._held > max(INBOX_FLOOR, self._budget.free):
            self._begin_close(TRY_AGAIN_LATER, "too much waits for the application")
        elif event.message_finished:
            empty: Any = "" if isinstance(event, TextMessage) else b""
            whole = empty.join(self._pieces)
            self._drop_pieces()
            self._put(whole)

    def _put(self, data: str | bytes | bytearray) -> None:
        """Have the application receive a whole message."""
        kind = "text" if isinstance(data, str) else "bytes"
        message: Message = {"type": "websocket.receive", kind: data}
        cost = _cost(message)
        self._queued += cost
        self._held += cost
        self._budget.held += cost
        self._inbox.append(message)
        self._changed.set()

    def _weigh(self) -> None:
        held = self._queued + self._size * self._width + len(self._pieces) * PIECE_COST
        self._budget.held += held - self._held
        self._held = held

    def _drop_pieces(self) -> None:
        self._pieces, self._size, self._width = [], 0, 1
        self._weigh()

    def _begin_close(self, code: int, reason: str) -> None:
        self._drop_pieces()
        self._write(CloseConnection(code=code, reason=reason))
        self._leave(code, reason)
        self._stage = Stage.CLOSING
        self._deadline.set(self._limits.linger_seconds, self._exchange.channel.close)
        self._exchange.channel.throttle()

    def _leave(self, code: int, reason: str) -> None:
        if self._farewell is None:
            self._farewell = {"type": "websocket.disconnect", "code": code, "reason": reason}
        self._changed.set()

    def _ping(self) -> None:
        if not self.full:  # otherwise it is we who do not listen
            self._write(Ping())
            self._deadline.set(self._limits.idle_seconds, self._exchange.channel.abort)
        else:
            self._deadline.set(self._limits.idle_seconds, self._ping)

    def _write(self, event: Event) -> None:
        self._exchange.wire.write(self._frames.send(event))

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


def _cost(message: Message) -> int:
    text: str | None = message.get("text")
    if text is None:
        return MESSAGE_COST + len(message["bytes"])
    return MESSAGE_COST + len(text) * (1 if text.isascii() else WIDEST)
