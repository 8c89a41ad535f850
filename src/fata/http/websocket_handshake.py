"""The opening handshake of a WebSocket, the server's side (RFC 6455, 4.2).

wsproto has one too; it parses the request with an h11 of its own and raises `UnicodeError` for a Host that is
not IDNA. The request is parsed already, and what is left to check is little.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from wsproto.utilities import generate_accept_token

from fata.http.request import Request, tokens

KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")  # sixteen octets in base64
VERSION = b"13"


class Offer(NamedTuple):
    """What the client has asked for."""

    key: bytes
    subprotocols: list[str]


def asks_for_websocket(request: Request) -> bool:
    """Say whether the request wants to become a WebSocket, well made or not."""
    return b"websocket" in tokens(request.fields.get(b"upgrade", b"")) and request.version == "1.1"


def handshake(request: Request) -> Offer | tuple[int, bytes]:
    """Return what the client offers, or the status and header lines to refuse it with."""
    fields = request.fields
    if fields.get(b"sec-websocket-version") != VERSION:
        return 426, b"sec-websocket-version: 13\r\nupgrade: websocket\r\n"
    key = fields.get(b"sec-websocket-key", b"")
    upgrades = request.method == "GET" and b"upgrade" in tokens(fields.get(b"connection", b""))
    has_body = b"content-length" in fields or b"transfer-encoding" in fields  # it would be taken for frames
    if has_body or not upgrades or KEY.fullmatch(key) is None:
        return 400, b""
    offered = fields.get(b"sec-websocket-protocol", b"").decode("latin-1")
    return Offer(key, [name.strip() for name in offered.split(",") if name.strip()])


def accepted(offer: Offer, subprotocol: str | None, lines: bytes) -> bytes:
    """Return the answer that ends HTTP on this connection; `lines` are whole header lines to go with it."""
    chosen = b"" if subprotocol is None else b"sec-websocket-protocol: %b\r\n" % subprotocol.encode("ascii")
    return b"".join(
        (
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n",
            b"sec-websocket-accept: %b\r\n" % generate_accept_token(offer.key),
            chosen,
            lines,
            b"\r\n",
        )
    )
