"""The reading half of HTTP/1.1 (RFC 9112): octets in, a head and the pieces of a body out. No I/O, no time.

h11 parses. It is lenient where the standard lets a recipient be: bare line feeds, folded lines, repeated
Content-Length fields of one value, Transfer-Encoding beside Content-Length, control characters in values.
A proxy in front of this server may read such a message differently, and two readers that disagree about where
a message ends are all that request smuggling needs. So a head passes `GATE` before h11 sees it, and whatever
frames a body in an ambiguous way is refused.

Each request has an h11 connection of its own: we write the answers ourselves (see exchange.py), and making one
costs less than leading an old one through the states of an answer it never sees.
"""

from __future__ import annotations

import re

import h11

from fata.http.limits import Limits
from fata.http.request import Refused, Request, joined, split_target, tokens

# A head without anything that two parsers could read in two ways: RFC 9112 sections 3 and 5, without obs-fold.
GATE = re.compile(
    rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [!-~]+ HTTP/(?P<version>[0-9]\.[0-9])\r\n"
    rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\x00-\x08\n-\x1f\x7f]*\r\n)*\r\n"
)
# What no beginning of a good head contains. A lone CR at the very end may still become CRLF.
IMPOSSIBLE = re.compile(rb"(?<!\r)\n|\r[^\n]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\A[^!-~\r]")
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([^\r]*?)[ \t]*(?=\r)", re.IGNORECASE)
MAX_LENGTH_DIGITS = 18  # beyond this no limit could admit it
END = b"\r\n\r\n"

# A chunk of one octet carries at least five of framing ("1\r\n", "\r\n"); more than this is no upload but a
# way to make the server work for nothing.
MAX_FRAMING_PER_OCTET = 8

MOUTHFUL = 64 * 1024  # octets that h11 is fed at a time: it copies all that it has got, and so do we


class RequestReader:
    """Splits what arrives on one connection into requests. Feed it; ask for a head; then ask for its body."""

    __slots__ = ("_buffer", "_chunked", "_data", "_fed", "_limits", "_parser", "_raw", "_searched")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._buffer = bytearray()  # arrived and not looked at
        self._searched = 0  # octets of it known not to start the end of a head
        self._parser: h11.Connection | None = None  # in the middle of a body
        self._chunked = False  # how that body is framed
        self._fed = b""  # the last piece given to it, behind the last four octets before
        self._raw = 0  # octets given to it for the body
        self._data = 0  # octets of body it has given back

    @property
    def buffered(self) -> int:
        """Octets that wait to be looked at."""
        return len(self._buffer)

    @property
    def body_complete(self) -> bool:
        """Whether the body of the last request has been read to its end."""
        return self._parser is None

    def feed(self, data: bytes) -> None:
        """Add what has arrived."""
        self._buffer += data

    def take(self) -> bytes:
        """Return, and forget, what lies behind the last request: another protocol takes over."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def next_request(self) -> Request | None:
        """Return the next request's head, None while it is incomplete. Only once the last body is complete.

        Raises `Refused`; the reader is of no use afterwards.
        """
        buffer = self._buffer
        if not buffer:
            return None
        while buffer.startswith(b"\r\n"):  # RFC 9112, 2.2: a client's stray line end after the last body
            del buffer[:2]
            self._searched = 0
        end = buffer.find(END, self._searched)
        if end < 0:
            self._check_incomplete()
            return None
        head = bytes(buffer[: end + len(END)])
        del buffer[: end + len(END)]
        self._searched = 0
        return self._parse(head)

    def next_body(self) -> bytes:
        """Return the next octets of the body; b"" when more must be fed, or when it is complete.

        Raises `Refused` for broken framing or a body beyond the limit.
        """
        parser = self._parser
        while parser is not None:
            event = _next_event(parser)
            if isinstance(event, h11.Data):
                return self._count(bytes(event.data))
            if isinstance(event, h11.EndOfMessage):
                self._end_body(parser)
                return b""
            self._check_framing()
            if not self._buffer:
                self._fed = self._fed[-len(END) :]
                return b""
            self._feed_body(parser)
        return b""

    def _check_incomplete(self) -> None:
        buffer = self._buffer
        if len(buffer) > self._limits.header_octets:
            raise Refused(431, f"head of more than {self._limits.header_octets} octets")
        if IMPOSSIBLE.search(buffer, max(0, self._searched - 1)):
            raise Refused(400, "malformed head")
        self._searched = max(0, len(buffer) - len(END) + 1)

    def _parse(self, head: bytes) -> Request:
        if len(head) > self._limits.header_octets:
            raise Refused(431, f"head of {len(head)} octets, limit {self._limits.header_octets}")
        if head.count(b"\n") > self._limits.header_fields + 2:  # the request line, the empty line
            raise Refused(431, f"more than {self._limits.header_fields} header fields")
        gate = GATE.fullmatch(head)
        if gate is None:
            raise Refused(400, "malformed head")
        if gate["version"] not in (b"1.1", b"1.0"):
            raise Refused(505, f"HTTP version {gate['version']!r}")
        parser = h11.Connection(h11.SERVER, max_incomplete_event_size=self._limits.header_octets)
        parser.receive_data(head)
        event = _next_event(parser)
        assert isinstance(event, h11.Request)
        headers = list(event.headers)
        fields = joined(headers)
        if b"content-length" in fields or b"transfer-encoding" in fields:
            self._begin_body(parser, head, event.http_version, fields)
        return _request(event, headers, fields)

    def _begin_body(self, parser: h11.Connection, head: bytes, version: bytes, fields: dict[bytes, bytes]) -> None:
        lengths = CONTENT_LENGTH.findall(head)
        if b"transfer-encoding" in fields and (lengths or version == b"1.0"):
            raise Refused(400, "Transfer-Encoding with Content-Length, or in HTTP/1.0")  # RFC 9112, 6.1
        if len(lengths) > 1 or (lengths and not (lengths[0].isdigit() and len(lengths[0]) <= MAX_LENGTH_DIGITS)):
            raise Refused(400, f"Content-Length {lengths!r}")
        if lengths and int(lengths[0]) > self._limits.body_octets:
            raise Refused(413, f"body of {int(lengths[0])} octets, limit {self._limits.body_octets}")
        if lengths and int(lengths[0]) == 0:
            return
        self._parser = parser
        self._chunked = not lengths
        self._fed, self._raw, self._data = head[-len(END) :], 0, 0

    def _check_framing(self) -> None:
        allowed = MAX_FRAMING_PER_OCTET * self._data + 2 * self._limits.header_octets  # a chunk's line, the trailers
        if self._chunked and self._raw > allowed:
            raise Refused(400, f"{self._raw} octets of chunks for {self._data} of body")

    def _feed_body(self, parser: h11.Connection) -> None:
        # Called only when the parser has used up what it had, so that `_fed` holds the end of the body when it comes.
        if len(self._buffer) <= MOUTHFUL:
            piece = self.take()
        else:
            piece = bytes(memoryview(self._buffer)[:MOUTHFUL])
            del self._buffer[:MOUTHFUL]
        self._raw += len(piece)
        if self._chunked:
            self._fed = self._fed[-len(END) :] + piece
        parser.receive_data(piece)

    def _end_body(self, parser: h11.Connection) -> None:
        rest = parser.trailing_data[0]
        # h11 would also end the trailers at a bare line feed.
        if self._chunked and not self._fed.endswith(END, 0, len(self._fed) - len(rest)):
            raise Refused(400, "malformed end of chunks")
        self._buffer[:0] = rest
        self._parser = None
        self._fed = b""

    def _count(self, data: bytes) -> bytes:
        self._data += len(data)
        if self._data > self._limits.body_octets:
            raise Refused(413, f"body of more than {self._limits.body_octets} octets")
        return data


def _next_event(parser: h11.Connection) -> object:
    try:
        return parser.next_event()
    except h11.RemoteProtocolError as error:
        raise Refused(error.error_status_hint, str(error)) from None


def _request(event: h11.Request, headers: list[tuple[bytes, bytes]], fields: dict[bytes, bytes]) -> Request:
    if event.method == b"CONNECT":
        raise Refused(501, "CONNECT")  # what follows would be no HTTP
    path, query = split_target(event.method, event.target)
    modern = event.http_version == b"1.1"
    return Request(
        event.method.decode("ascii"),
        path,
        query,
        "1.1" if modern else "1.0",
        headers,
        fields,
        modern and (b"connection" not in fields or b"close" not in tokens(fields[b"connection"])),
        modern and fields.get(b"expect", b"").lower() == b"100-continue",
    )
