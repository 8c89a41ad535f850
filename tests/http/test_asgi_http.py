"""HTTP for ASGI applications: the scope, answers, and applications that break the rules."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from fata.http.scope import Application
from tests.http.applications import GET, answer, application_wire, ask
from tests.http.wires import answer_of, run, settle, statuses


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


def test_whoever_listens_for_the_clients_end_hears_that_the_answer_is_complete() -> None:
    async def scenario() -> None:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            listener = asyncio.create_task(receive())
            await asyncio.sleep(0)
            await answer(send)
            assert await listener == {"type": "http.disconnect"}

        connection, wire = application_wire(application)
        connection.data_received(GET)
        await settle()
        assert len(asyncio.all_tasks()) == 1
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
