"""Bodies for ASGI applications: both ways at once, at the pace of whoever is slower, and no further than allowed."""

from __future__ import annotations

import asyncio
import dataclasses
import zlib
from typing import Any

import pytest

from fata.http.asgi import Asgi
from fata.http.intake import HIGH_WATER
from fata.http.limits import DEFAULT
from tests.http.applications import GET, answer, application_wire, ask, echo_body
from tests.http.wires import answer_of, connect, later, run, server, settle, statuses


def test_body_streams_both_ways_at_once() -> None:
    async def scenario() -> None:
        connection, wire = application_wire(echo_body)
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
        assert HIGH_WATER <= sent < HIGH_WATER + 10_000
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
        connection, wire = application_wire(echo_body)
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


def test_client_that_waits_to_be_asked_has_all_the_time() -> None:
    async def scenario() -> None:
        go = asyncio.Event()

        async def application(scope: Any, receive: Any, send: Any) -> None:
            await go.wait()
            await echo_body(scope, receive, send)

        connection, wire = application_wire(application)
        connection.data_received(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        await later(3 * DEFAULT.body_seconds)
        assert not wire.written
        go.set()
        await settle()
        assert statuses(wire.take()) == [100]
        await later(DEFAULT.body_seconds + 0.1)
        assert wire.is_half_closed(), "but once it has been asked, no more than others"
        wire.close()
        await settle()

    run(scenario())


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
        connection, wire = application_wire(echo_body)
        connection.data_received(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 51200\r\n\r\n")
        for _ in range(100):
            connection.data_received(bytes(DEFAULT.body_rate))
            await later(0.99)
        assert wire.take().endswith(b"0\r\n\r\n")
        wire.close()

    run(scenario())


def test_whoever_waits_for_a_body_hears_that_it_is_not_wanted_any_more() -> None:
    async def scenario() -> None:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            reader = asyncio.create_task(receive())
            await asyncio.sleep(0)
            await answer(send, status=403)
            assert await reader == {"type": "http.disconnect"}

        connection, wire = application_wire(application)
        connection.data_received(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
        await settle()
        assert answer_of(wire.take()).fields["connection"] == "close"
        assert len(asyncio.all_tasks()) == 1
        wire.close()

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
