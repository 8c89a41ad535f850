"""Requests that no good client sends: each is answered or closed within the limits, and none leaves a traceback."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.http.asgi import Asgi
from fata.http.files import Files
from fata.http.limits import DEFAULT
from fata.http.server import Responder
from tests.http.loopback import filled
from tests.http.wires import connect, later, run, server, settle, statuses

pytestmark = pytest.mark.slow  # in all, some seconds

LIMITS = dataclasses.replace(DEFAULT, header_octets=2048, header_fields=20, body_octets=4096)

HOST = b"Host: a\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST
POST = b"POST / HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"
SECOND = b"GET /second HTTP/1.1\r\nHost: a\r\n\r\n"  # what a smuggler wants to be taken for a request of its own

# Name: what the client sends, and the statuses that it gets before the connection is closed.
HOSTILE: dict[str, tuple[bytes, list[int]]] = {
    "nothing": (b"", []),
    "half a request line": (b"GET / HT", []),
    "half a head": (GET + b"Accept: x", []),
    "only a line end": (b"\r\n", []),
    "not HTTP at all": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [400]),
    "HTTP/2's preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [505]),
    "HTTP/0.9": (b"GET /\r\n\r\n", [400]),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", [505]),
    "lower-case version": (b"GET / http/1.1\r\nHost: a\r\n\r\n", [400]),
    "two spaces before the target": (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
    "tab instead of space": (b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
    "space before the method": (b" GET / HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
    "empty method": (b"/ HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
    "method with a colon": (b"GE:T / HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
    "target with a NUL": (b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
    "target with octets beyond ASCII": (b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
    "target of another scheme": (b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
    "target without a slash": (b"GET a HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
    "CONNECT": (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n" + SECOND, [501]),
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", [400]),
    "two Hosts": (GET + HOST + b"\r\n", [400]),
    "bare LF after the request line": (b"GET / HTTP/1.1\nHost: a\r\n\r\n", [400]),
    "bare LF after a field": (b"GET / HTTP/1.1\r\nHost: a\n\r\n", [400]),
    "bare LFs only": (b"GET / HTTP/1.1\nHost: a\n\n", [400]),
    "bare CR in a value": (GET + b"A: b\rc\r\n\r\n", [400]),
    "CR CR LF": (GET + b"A: b\r\r\n\r\n", [400]),
    "NUL in a value": (GET + b"A: b\0c\r\n\r\n", [400]),
    "control character in a value": (GET + b"A: \x01\r\n\r\n", [400]),
    "DEL in a value": (GET + b"A: \x7f\r\n\r\n", [400]),
    "obs-fold": (GET + b"A: b\r\n c\r\n\r\n", [400]),
    "obs-fold of the first field": (b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", [400]),
    "space before the colon": (GET + b"A : b\r\n\r\n", [400]),
    "field without a colon": (GET + b"A\r\n\r\n", [400]),
    "field without a name": (GET + b": b\r\n\r\n", [400]),
    "name with a space": (GET + b"A b: c\r\n\r\n", [400]),
    "head beyond the limit, complete": (GET + b"A: " + b"b" * 3000 + b"\r\n\r\n", [431]),
    "head beyond the limit, without end": (GET + b"A: " + b"b" * 3000, [431]),
    "request line beyond the limit": (b"GET /" + b"a" * 3000, [431]),
    "line ends without end": (GET + b"a:\r\n" * 600, [431]),
    "too many fields": (GET + b"a:\r\n" * 30 + b"\r\n", [431]),
    "both lengths": (CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n" + SECOND, [400]),
    "both lengths, the other way round": (
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SECOND,
        [400],
    ),
    "two lengths": (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello" + SECOND, [400]),
    "two equal lengths": (POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", [400]),
    "a list of lengths": (POST + b"Content-Length: 5, 5\r\n\r\nhello", [400]),
    "signed length": (POST + b"Content-Length: +5\r\n\r\nhello", [400]),
    "negative length": (POST + b"Content-Length: -5\r\n\r\nhello", [400]),
    "hexadecimal length": (POST + b"Content-Length: 0x5\r\n\r\nhello", [400]),
    "length with an underscore": (POST + b"Content-Length: 1_0\r\n\r\nhello", [400]),
    "empty length": (POST + b"Content-Length:\r\n\r\n", [400]),
    "length of 20 digits": (POST + b"Content-Length: 18446744073709551621\r\n\r\n", [400]),
    "length of 5000 digits": (POST + b"Content-Length: " + b"1" * 1900 + b"\r\n\r\n", [400]),
    "length beyond the limit": (POST + b"Content-Length: 4097\r\n\r\n", [413]),
    "transfer coding that nobody knows": (POST + b"Transfer-Encoding: gzip\r\n\r\n", [501]),
    "two transfer codings": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", [501]),
    "chunked twice": (CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [501]),
    "chunked, then identity": (CHUNKED + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n", [501]),
    "misspelt chunked": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", [501]),
    "vertical tab before chunked": (POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", [400]),
    "space before the colon of chunked": (POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SECOND, [400]),
    "chunked in HTTP/1.0": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SECOND, [400]),
    "chunk of no size": (CHUNKED + b"\r\n\r\n", [400]),
    "chunk size that is no number": (CHUNKED + b"\r\nxyz\r\n", [400]),
    "signed chunk size": (CHUNKED + b"\r\n+5\r\nhello\r\n0\r\n\r\n", [400]),
    "chunk size with 0x": (CHUNKED + b"\r\n0x5\r\nhello\r\n0\r\n\r\n", [400]),
    "chunk size with an underscore": (CHUNKED + b"\r\n1_0\r\n", [400]),
    "chunk size of 30 digits": (CHUNKED + b"\r\n" + b"0" * 29 + b"5\r\nhello\r\n0\r\n\r\n", [400]),
    "chunk size of 20 digits": (CHUNKED + b"\r\n" + b"f" * 20 + b"\r\n" + b"x" * 5000, [413]),
    "chunk shorter than it says": (CHUNKED + b"\r\n6\r\nhello\r\n0\r\n\r\n", [400]),
    "chunk longer than it says": (CHUNKED + b"\r\n4\r\nhello\r\n0\r\n\r\n", [400]),
    "bare LF after a chunk size": (CHUNKED + b"\r\n5\nhello\r\n0\r\n\r\n" + SECOND, [400]),
    "bare LF in a chunk extension": (CHUNKED + b"\r\n5;a\nb\r\nhello\r\n0\r\n\r\n" + SECOND, [400]),
    "bare LF after a chunk": (CHUNKED + b"\r\n5\r\nhello\n0\r\n\r\n", [400]),
    "bare LF as the end of chunks": (CHUNKED + b"\r\n0\r\n\n" + SECOND, [400]),
    "bare LF in the trailers": (CHUNKED + b"\r\n0\r\nA: b\n\r\n" + SECOND, [400]),
    "trailer that is no field": (CHUNKED + b"\r\n0\r\nA b\r\n\r\n" + SECOND, [400]),
    "endless chunk extension": (CHUNKED + b"\r\n5;" + b"a" * 3000, [431]),
    "endless trailers": (CHUNKED + b"\r\n0\r\n" + b"a: b\r\n" * 500, [431]),
    "chunk extensions, octet by octet": (CHUNKED + b"\r\n" + (b"1;" + b"a" * 900 + b"\r\nx\r\n") * 9, [400]),
    "chunked body beyond the limit": (CHUNKED + b"\r\n" + (b"400\r\n" + b"x" * 1024 + b"\r\n") * 5, [413]),
    "body cut short": (POST + b"Content-Length: 5\r\n\r\nhel", []),
    "chunked body cut short": (CHUNKED + b"\r\n5\r\nhel", []),
}  # fmt: skip


async def reading_application(scope: Any, receive: Any, send: Any) -> None:
    """Reads the whole body, then answers: a body's faults come to light only if somebody asks for it."""
    while (message := await receive())["type"] == "http.request" and message["more_body"]:
        pass
    if message["type"] == "http.request":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})


def cut_up(stream: bytes, cuts: list[int]) -> list[bytes]:
    """Split a stream at these places."""
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    return [stream[start:stop] for start, stop in pairwise(edges) if stop > start]


async def talk(responder: Responder, pieces: list[bytes]) -> tuple[bytes, bool]:
    """Send pieces, then nothing; return the answers, and whether the connection has been closed."""
    connection, wire = connect(server(responder, LIMITS))
    for piece in pieces:
        if wire.is_closed():
            break
        connection.data_received(piece)
        await settle(3)
    await settle()
    if not wire.is_closed():
        connection.eof_received()
    await settle()
    if not wire.is_closed():
        await later(LIMITS.linger_seconds + 0.1)
    closed = wire.is_closed()
    wire.close()
    await settle()
    return bytes(wire.written), closed


@pytest.fixture(autouse=True)
def _no_error_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info] == []


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("size", [1, 97, 10_000])
def test_hostile_request_is_refused_by_an_application_that_reads(case: str, size: int) -> None:
    octets, expected = HOSTILE[case]
    pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
    answers, closed = run(talk(Asgi(reading_application, {}, "", LIMITS), pieces))
    assert statuses(answers) == expected
    assert closed
    if expected:
        assert b"\r\nconnection: close\r\n" in answers
        assert b"Host" not in answers, "an answer must not quote the request"


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_request_never_has_its_second_part_answered_by_a_site(case: str) -> None:
    async def scenario() -> tuple[bytes, bool]:
        return await talk(Files(await filled({"index.html": b"home", "second": b"smuggled"})), [HOSTILE[case][0]])

    answers, closed = run(scenario())
    assert closed
    assert b"smuggled" not in answers
    assert b" 200 " not in answers


FRAGMENTS = st.sampled_from(
    [octets for octets, _ in HOSTILE.values()]
    + [GET, POST, CHUNKED, SECOND, HOST, b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\0", b": ", b" "]
    + [b"5\r\nhello\r\n", b"0\r\n\r\n"]
    + [b"Content-Length: 5\r\n", b"Connection: upgrade\r\n", b"Upgrade: websocket\r\n", b"Expect: 100-continue\r\n"]
)


@given(
    stream=st.lists(FRAGMENTS | st.binary(max_size=40), max_size=6).map(b"".join),
    cuts=st.lists(st.integers(0, 6000), max_size=6),
)
def test_any_octets_cut_anywhere_are_answered_with_whole_answers_and_closed(stream: bytes, cuts: list[int]) -> None:
    pieces = cut_up(stream, cuts)
    for responder in (Asgi(reading_application, {}, "", LIMITS), None):

        async def scenario(responder: Responder | None = responder) -> tuple[bytes, bool]:
            return await talk(responder or Files(await filled({"index.html": b"home"})), pieces)

        answers, closed = run(scenario())
        assert closed
        assert set(statuses(answers)) <= {100, 200, 400, 403, 404, 405, 408, 413, 426, 431, 501, 505}


@given(cuts=st.lists(st.integers(0, 400), max_size=8))
def test_good_requests_cut_anywhere_are_answered_the_same(cuts: list[int]) -> None:
    stream = (
        SECOND
        + POST
        + b"Content-Length: 5\r\n\r\nhello"
        + CHUNKED
        + b"\r\n5;ext=1\r\nhello\r\n3\r\nyou\r\n0\r\nTrailer: x\r\n\r\n"
        + SECOND
    )
    pieces = cut_up(stream, cuts)
    answers, _ = run(talk(Asgi(reading_application, {}, "", LIMITS), pieces))
    assert statuses(answers) == [200, 200, 200, 200]
