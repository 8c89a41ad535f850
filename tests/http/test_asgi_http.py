"""HTTP for ASGI applications: the scope, bodies both ways, and applications that break the rules."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import zlib
from typing import Any

import pytest

from fata.http.asgi import Asgi
from fata.http.intake import HIGH_WATER
from fata.http.limits import DEFAULT, Limits
from fata.http.scope import Application
from tests.http.wires import MemoryTransport, answer_of, connect, later, run, server, settle, statuses


def application_wire(
    application: Application, limits: Limits = DEFAULT, state: dict[str, Any] | None = None, root_path: str = ""
) -> tuple[Any, MemoryTransport]:
    return connect(server(Asgi(application, state or {}, root_path, limits), limits))


def ask(application: Application, octets: bytes, **settings: Any) -> bytes:
    """Send a request to an application; return all that comes back."""

    async def scenario() -> bytes:
        connection, wire = application_wire(application, **settings)
        connection.data_received(octets)
        await settle()
        answers = wire.take()
        connection.connection_lost(None)
        await settle()
        return answers

    return run(scenario())


async def answer(send: Any, body: bytes = b"", *headers: tuple[bytes, bytes], status: int = 200) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def test_scope_tells_the_request() -> None:
    seen: dict[str, Any] = {}

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope)
        scope["state"]["mine"] = 1
        await answer(send)

    state = {"database": object()}
    octets = b"GET /caf%C3%A9%2F?q=%20 HTTP/1.1\r\nHOST: a\r\nX-Twice: 1\r\nx-twice: 2\r\n\r\n"
    ask(application, octets, state=state, root_path="/shop")
    assert seen.pop("state") == {**state, "mine": 1}
    assert "mine" not in state, "a request's state is its own"
    assert seen == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/shop/café/",
        "raw_path": b"/shop/caf%C3%A9%2F",
        "query_string": b"q=%20",
        "root_path": "/shop",
        "headers": [(b"host", b"a"), (b"x-twice", b"1"), (b"x-twice", b"2")],
        "client": ("192.0.2.1", 50000),
        "server": ("192.0.2.2", 80),
    }


# Answers


def test_promised_length_is_sent_as_it_is_and_an_unknown_one_in_chunks() -> None:
    async def sized(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, b"hello", (b"content-length", b"5"))

    async def streamed(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        for piece in (b"hello, ", b"", b"world"):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})

    assert ask(sized, GET) == b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\nhello, \r\n5\r\nworld\r\n0\r\n\r\n"
    assert ask(streamed, GET) == chunked
    old = ask(streamed, b"GET / HTTP/1.0\r\n\r\n")
    assert old == b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello, world"


@pytest.mark.parametrize("status", [204, 304])
def test_answer_without_body_by_definition_has_none(status: int) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, b"ignored", status=status)

    assert statuses(ask(application, GET + GET)) == [status, status]
    assert b"chunked" not in ask(application, GET)
    assert b"ignored" not in ask(application, GET)


def test_head_gets_the_head() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, b"hello", (b"content-length", b"5"))

    assert ask(application, GET.replace(b"GET", b"HEAD")) == b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"


def test_empty_answer_without_a_length_says_that_it_is_empty() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await answer(send)

    assert ask(application, GET) == b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


def test_framing_is_the_servers_business() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, b"x", (b"Transfer-Encoding", b"gzip"), (b"Connection", b"close"), (b"Keep-Alive", b"1"))

    octets = ask(application, GET)
    assert answer_of(octets).fields == {"transfer-encoding": "chunked", "connection": "close"}


def test_next_request_does_not_wait_for_what_the_application_does_after_its_answer() -> None:
    async def scenario() -> None:
        finish = asyncio.Event()

        async def application(scope: Any, receive: Any, send: Any) -> None:
            await answer(send)
            assert await receive() == {"type": "http.disconnect"}
            await finish.wait()

        connection, wire = application_wire(application)
        connection.data_received(GET * 3)
        await settle(30)
        assert statuses(wire.take()) == [200, 200, 200]
        assert len(asyncio.all_tasks()) == 4
        finish.set()
        await settle()
        assert len(asyncio.all_tasks()) == 1
        wire.close()

    run(scenario())


# Bodies


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Sends the body back as it comes."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    more = True
    while more:
        message = await receive()
        more = message.get("more_body", False)
        await send({"type": "http.response.body", "body": message.get("body", b""), "more_body": more})


def test_body_streams_both_ways_at_once() -> None:
    async def scenario() -> None:
        connection, wire = application_wire(echo)
        connection.data_received(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await settle()
        assert wire.take().endswith(b"\r\n\r\n5\r\nhello\r\n")
        connection.data_received(b"3\r\nyou\r\n0\r\n\r\n" + GET)
        await settle()
        assert wire.take().startswith(b"3\r\nyou\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n")
        wire.close()

    run(scenario())


def test_network_is_read_only_as_fast_as_the_application_takes() -> None:
    async def scenario() -> None:
        go, total = asyncio.Event(), 0

        async def application(scope: Any, receive: Any, send: Any) -> None:
            nonlocal total
            await go.wait()
            more = True
            while more:
                message = await receive()
                total += len(message["body"])
                more = message["more_body"]
                await asyncio.sleep(0)
            await answer(send)

        connection, wire = application_wire(application)
        connection.data_received(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n")
        sent = 0
        while wire.is_reading():
            connection.data_received(bytes(10_000))
            sent += 10_000
        assert HIGH_WATER <= sent < 2 * HIGH_WATER
        await later(10 * DEFAULT.body_seconds)  # it is the application that is slow: nobody is refused
        go.set()
        while sent < 10_000_000:
            await settle(2)
            if wire.is_reading():
                connection.data_received(bytes(10_000))
                sent += 10_000
        await settle(50)
        assert total == 10_000_000
        assert statuses(wire.take()) == [200]
        wire.close()

    run(scenario())


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [HIGH_WATER - 1, HIGH_WATER, HIGH_WATER + 1, 2 * HIGH_WATER, 5 * HIGH_WATER + 7])
def test_body_that_came_faster_than_it_was_taken_is_whole(size: int, chunked: bool) -> None:
    async def scenario() -> bytes:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            taken, more = [], True
            while more:
                message = await receive()
                taken.append(message["body"])
                more = message["more_body"]
            whole = b"".join(taken)
            await answer(send, b"%d %x" % (len(whole), zlib.crc32(whole)))

        connection, wire = application_wire(application)
        body = bytes(range(251)) * (size // 251 + 1)
        body = body[:size]
        head = b"POST / HTTP/1.1\r\nHost: a\r\n"
        if chunked:
            chunks = b"".join(
                b"%x\r\n%b\r\n" % (len(c), c) for c in (body[at : at + 3000] for at in range(0, size, 3000))
            )
            connection.data_received(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n" + GET)
        else:
            connection.data_received(head + b"Content-Length: %d\r\n\r\n" % size + body + GET)
        await settle(40)
        answers = wire.take()
        assert b"%d %x\r\n" % (size, zlib.crc32(body)) in answers
        wire.close()
        return answers

    assert statuses(run(scenario())) == [200, 200]


def test_application_waits_while_the_client_does_not_read() -> None:
    async def scenario() -> None:
        sent = 0

        async def application(scope: Any, receive: Any, send: Any) -> None:
            nonlocal sent
            await send({"type": "http.response.start", "status": 200})
            for _ in range(100):
                await send({"type": "http.response.body", "body": bytes(1000), "more_body": True})
                sent += 1
            await send({"type": "http.response.body"})

        connection, wire = connect(server(Asgi(application, {}, "", DEFAULT)), room=5000)
        connection.data_received(GET)
        await settle()
        assert sent < 6
        for _ in range(60):
            wire.take(room=5000)
            await settle()
        assert sent == 100
        wire.close()

    run(scenario())


def test_client_is_asked_to_continue_when_the_application_asks_for_the_body() -> None:
    async def scenario() -> None:
        connection, wire = application_wire(echo)
        head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        connection.data_received(head)
        await settle()
        assert wire.take() == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.data_received(b"hello")
        await settle()
        assert statuses(wire.take()) == [200]
        connection.data_received(head + b"hello")  # it did not wait
        await settle()
        assert statuses(wire.take()) == [200]
        wire.close()

    run(scenario())


def test_client_is_not_asked_to_continue_when_nobody_wants_the_body() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, status=403)

    octets = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    answered = answer_of(ask(application, octets))
    assert (answered.status, answered.fields["connection"]) == (403, "close")


def test_body_that_trickles_is_refused_however_eager_the_application() -> None:
    async def scenario() -> None:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        connection, wire = application_wire(application)
        connection.data_received(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n")
        for _ in range(int(DEFAULT.body_seconds)):
            assert not wire.written
            connection.data_received(bytes(DEFAULT.body_rate - 1))
            await later(1.01)
        assert answer_of(wire.take()).status == 408
        wire.close()
        await settle()
        assert len(asyncio.all_tasks()) == 1

    run(scenario())


def test_body_at_the_least_rate_is_accepted() -> None:
    async def scenario() -> None:
        connection, wire = application_wire(echo)
        connection.data_received(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 51200\r\n\r\n")
        for _ in range(100):
            connection.data_received(bytes(DEFAULT.body_rate))
            await later(0.99)
        assert wire.take().endswith(b"0\r\n\r\n")
        wire.close()

    run(scenario())


# Clients that go


def test_application_learns_that_the_client_has_gone() -> None:
    async def scenario() -> None:
        heard: list[Any] = []

        async def application(scope: Any, receive: Any, send: Any) -> None:
            heard.append((await receive())["type"])
            heard.append((await receive())["type"])
            try:
                await send({"type": "http.response.start", "status": 200})
            except OSError as error:
                heard.append(type(error).__name__)

        connection, wire = application_wire(application)
        connection.data_received(GET)
        await settle()
        connection.connection_lost(None)
        await settle()
        assert heard == ["http.request", "http.disconnect", "ClientGone"]
        del wire

    run(scenario())


def test_half_closed_client_counts_as_gone_for_who_listens_but_is_still_answered() -> None:
    async def scenario() -> None:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            assert (await receive())["type"] == "http.disconnect"
            await answer(send, b"late", (b"content-length", b"4"))

        connection, wire = application_wire(application)
        connection.data_received(GET)
        connection.eof_received()
        await settle()
        assert answer_of(wire.take()).body == b"late"
        assert wire.is_closed()

    run(scenario())


# Applications that break the rules


def started(*messages: dict[str, Any]) -> Application:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    return application


START = {"type": "http.response.start", "status": 200, "headers": []}
SIZED = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]}
BODY = {"type": "http.response.body", "body": b"hello"}
MORE = {"type": "http.response.body", "body": b"hello", "more_body": True}


@pytest.mark.parametrize(
    ("application", "expected", "reason"),
    [
        (started(), [500], "before it had answered"),
        (started(START), [500], "before it had answered"),
        (started(BODY), [500], "body before a status"),
        (started(START, START), [500], "being answered with 200"),
        (started(SIZED, BODY), [500], "differs from the promised length by 2"),
        (started(START, MORE), [200], "before it had answered"),
        (started(START, BODY, BODY), [200], "complete"),
        (started({"type": "http.response.frob"}), [500], "frob"),
        (started({**START, "headers": [(b"a", b"b\r\nc: d")]}), [500], "not allowed"),
        (started({**START, "headers": [(b"a b", b"c")]}), [500], "not allowed"),
        (started({**START, "headers": [(b"a", b"\0")]}), [500], "not allowed"),
        (started({**START, "headers": [(b"content-length", b"-1")]}), [500], "Content-Length"),
    ],
)
def test_broken_application_is_an_internal_error(
    application: Application, expected: list[int], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    octets = ask(application, GET)
    assert statuses(octets) == expected
    assert b"c: d" not in octets
    (record,) = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert record.exc_info is not None
    assert reason in str(record.exc_info[1])


def test_answer_that_cannot_be_completed_breaks_the_connection() -> None:
    async def scenario() -> None:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            await send(START)
            await send(MORE)
            raise RuntimeError("oh")

        connection, wire = application_wire(application)
        connection.data_received(GET)
        await settle()
        assert wire.is_aborted(), "the client must not take it for whole"

    run(scenario())


def test_body_beyond_the_limit_is_refused_before_or_while_it_is_read() -> None:
    limits = dataclasses.replace(DEFAULT, body_octets=10)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await answer(send)

    post = b"POST / HTTP/1.1\r\nHost: a\r\n"
    assert statuses(ask(application, post + b"Content-Length: 11\r\n\r\n", limits=limits)) == [413]
    chunked = post + b"Transfer-Encoding: chunked\r\n\r\n"
    assert statuses(ask(application, chunked + b"b\r\nhello world\r\n0\r\n\r\n", limits=limits)) == [413]
    assert statuses(ask(application, chunked + b"a\r\nhelloworld\r\n0\r\n\r\n", limits=limits)) == [200]
