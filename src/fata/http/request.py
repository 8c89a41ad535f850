"""A request's head, and the refusal of one."""

from __future__ import annotations

from typing import NamedTuple

from fata.errors import WireError


class Refused(WireError):
    """The client broke the protocol or a limit: answer with `status` if nothing was answered yet, and close.

    The text may quote the client's octets: it is for the log, never for the answer.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status


class Request(NamedTuple):
    """The head of a request (RFC 9112, section 3)."""

    method: str
    path: bytes  # as sent, still percent-encoded; begins with "/", or is "*"
    query: bytes  # what follows "?", without it
    version: str  # "1.0" or "1.1"
    headers: list[tuple[bytes, bytes]]  # names in lower case, in the order of arrival
    fields: dict[bytes, bytes]  # the same by name; those of one name joined by ", " (RFC 9110, 5.3)
    keep_alive: bool  # the client expects the connection to outlive the answer
    expects_continue: bool  # the client waits for "100 Continue" before it sends the body


def joined(headers: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return the fields by name, repeated ones as one list (RFC 9110, 5.3; cookies by RFC 6265, 5.4)."""
    fields: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in fields:
            value = fields[name] + (b"; " if name == b"cookie" else b", ") + value
        fields[name] = value
    return fields


def tokens(value: bytes) -> list[bytes]:
    """Split a comma-separated list of case-insensitive tokens, such as Connection's (RFC 9110, 5.6.1)."""
    return [token.strip() for token in value.lower().split(b",")]


def split_target(method: bytes, target: bytes) -> tuple[bytes, bytes]:
    """Split a request target into path and query (RFC 9112, 3.2: origin, absolute and asterisk form)."""
    if target[:1] != b"/":
        if target == b"*" and method == b"OPTIONS":
            return target, b""
        target = _without_authority(target)
    path, _, query = target.partition(b"?")
    return path, query


def _without_authority(target: bytes) -> bytes:
    scheme, separator, rest = target.partition(b"://")
    if not separator or scheme.lower() not in (b"http", b"https"):
        raise Refused(400, f"request target {target[:80]!r}")
    slash = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
    origin = rest[slash:]
    return origin if origin.startswith(b"/") else b"/" + origin
