"""What an ASGI application is told of a request (ASGI 3.0; HTTP and WebSocket specification 2.4)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from fata.errors import StateError
from fata.http.exchange import Exchange
from fata.http.paths import percent_decoded

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

VERSIONS = {"version": "3.0", "spec_version": "2.4"}

# A name is a token, a value has no control characters: an application that passes a client's text on cannot be
# made to end its header early (response splitting).
LINES = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\x00-\x08\n-\x1f\x7f]*\r\n)*")
SCHEMES = {"http": "http", "websocket": "ws"}  # with an "s" for TLS
FRAMING = (b"connection", b"keep-alive", b"transfer-encoding", b"upgrade")  # the server's business


def scope_of(exchange: Exchange, kind: str, root_path: str, state: dict[str, Any]) -> dict[str, Any]:
    """Return the connection scope of a request; `kind` is "http" or "websocket"."""
    request = exchange.request
    path = request.path if b"%" not in request.path else percent_decoded(request.path)
    return {
        "type": kind,
        "asgi": VERSIONS,
        "http_version": request.version,
        "scheme": SCHEMES[kind] + ("s" if exchange.wire.secure else ""),
        "path": root_path + path.decode("utf-8", "replace"),
        "raw_path": root_path.encode("utf-8") + request.path,
        "query_string": request.query,
        "root_path": root_path,
        "headers": request.headers,
        "client": exchange.wire.address("peername"),
        "server": exchange.wire.address("sockname"),
        "state": state.copy(),
    }


def header_lines(headers: Iterable[tuple[bytes, bytes]], status: int) -> tuple[bytes, int | None, bool]:
    """Return an application's headers as lines, the content length they promise, and whether to close afterwards.

    Framing is the server's: those fields are left out. Raises `StateError` for what is no header.
    """
    lines: list[bytes] = []
    length = None
    close = False
    for name, value in headers:
        lower = name.lower()
        if lower in FRAMING:
            close = close or (lower == b"connection" and value.lower() == b"close")
            continue
        if lower == b"content-length":
            if not value.isdigit() or (length is not None and length != int(value)):
                raise StateError(f"the application's Content-Length is {value!r}")
            if length is not None or status == 204:  # RFC 9110, 8.6
                continue
            length = int(value)
        lines.append(b"%b: %b\r\n" % (name, value))
    text = b"".join(lines)
    # The second check is for a line end in the middle of a value: two good lines where one was meant.
    if LINES.fullmatch(text) is None or text.count(b"\n") != len(lines):
        bad = next(line for line in lines if LINES.fullmatch(line) is None or line.count(b"\n") != 1)
        raise StateError(f"the application's header {bad!r} is not allowed")
    return text, length, close
