"""Answering with an ASGI application: HTTP (ASGI 3.0, HTTP specification 2.4)."""

from __future__ import annotations

import asyncio
from typing import Any

from fata.errors import StateError
from fata.http.exchange import Exchange
from fata.http.limits import Limits
from fata.http.scope import Application, Message, header_lines, scope_of
from fata.http.websocket import WebSocket
from fata.http.websocket_handshake import Offer, asks_for_websocket, handshake
from fata.http.wire import ClientGone


class Asgi:
    """Answers each request in a task of its own: that is what an application may rely on."""

    def __init__(self, application: Application, state: dict[str, Any], root_path: str, limits: Limits) -> None:
        self._application = application
        self._state = state
        self._root_path = root_path
        self._limits = limits

    def start(self, exchange: Exchange) -> asyncio.Task[None] | None:
        """Call the application."""
        loop = asyncio.get_running_loop()
        if not asks_for_websocket(exchange.request):
            scope = scope_of(exchange, "http", self._root_path, self._state)
            scope["method"] = exchange.request.method
            return loop.create_task(HttpCycle(self._application, scope, exchange).run())
        offer = handshake(exchange.request)
        if not isinstance(offer, Offer):
            exchange.answer_page(*offer)
            return None
        scope = scope_of(exchange, "websocket", self._root_path, self._state)
        scope["subprotocols"] = offer.subprotocols
        scope["extensions"] = {"websocket.http.response": {}}
        socket = WebSocket(self._application, scope, exchange, offer, self._limits)
        return loop.create_task(socket.run())


class HttpCycle:
    """One call of the application for one request."""

    __slots__ = ("_application", "_body_given", "_exchange", "_scope")

    def __init__(self, application: Application, scope: dict[str, Any], exchange: Exchange) -> None:
        self._application = application
        self._scope = scope
        self._exchange = exchange
        self._body_given = False

    async def run(self) -> None:
        """Call it. Raises what it raises, and `StateError` if it leaves the request without a whole answer."""
        await self._application(self._scope, self._receive, self._send)
        if not (self._exchange.complete or self._exchange.lost):
            raise StateError("the application returned before it had answered")

    async def _receive(self) -> Message:
        exchange = self._exchange
        if not (self._body_given or exchange.complete):
            try:
                body, more = await exchange.receive()
            except ClientGone:
                return {"type": "http.disconnect"}
            self._body_given = not more
            return {"type": "http.request", "body": body, "more_body": more}
        await exchange.disconnected()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        exchange = self._exchange
        if exchange.lost:
            raise ClientGone("the client has gone before the end of its answer")
        match message["type"]:
            case "http.response.start":
                status = message["status"]
                lines, length, close = header_lines(message.get("headers", ()), status)
                if close:
                    exchange.keep_alive = False
                exchange.start(status, lines, length)
            case "http.response.body":
                more = message.get("more_body", False)
                exchange.send(message.get("body", b""), more)
                if more:
                    await exchange.wire.drained()
            case kind:
                raise StateError(f"message {kind!r} on an HTTP request")
