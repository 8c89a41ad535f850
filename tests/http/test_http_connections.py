"""Connections: order, keep-alive and back-pressure, on a wire in memory."""

from __future__ import annotations

import asyncio

import pytest

from fata.driver.kv.memory import MemoryKv
from fata.http.files import PIECE, Files
from fata.http.limits import DEFAULT
from tests.http.site import BIG, get, site_wire
from tests.http.wires import answer_of, connect, later, run, server, settle, statuses

# Order and keep-alive


def test_pipelined_requests_are_answered_in_order_also_beyond_a_turn() -> None:
    async def scenario() -> None:
        connection, wire = await site_wire()
        connection.data_received((get("/a") + get("/b") + get("/none")) * 20)
        assert len(statuses(bytes(wire.written))) == DEFAULT.pipelined, "others get their turn in between"
        await settle()
        assert statuses(wire.take()) == [200, 200, 404] * 20
        assert not wire.is_closed()
        wire.close()

    run(scenario())


def test_site_that_never_waits_needs_no_task_and_one_write() -> None:
    async def scenario() -> None:
        connection, wire = await site_wire()
        connection.data_received(get("/a"))
        assert answer_of(wire.take()).body == b"A" * 10
        assert len(asyncio.all_tasks()) == 1
        connection.connection_lost(None)

    run(scenario())


@pytest.mark.parametrize(
    ("request_octets", "closes"),
    [
        (get("/a"), False),
        (get("/a", "Connection: keep-alive"), False),
        (get("/a", "Connection: close"), True),
        (get("/a", "Connection: keep-alive, CLOSE"), True),
        (get("/a", "Connection: close", "Connection: keep-alive"), True),
        (b"GET /a HTTP/1.0\r\n\r\n", True),
        (b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", True),
        (b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", False),
        (b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", False),
        (b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", False),
    ],
)
def test_connection_is_kept_when_both_can(request_octets: bytes, closes: bool) -> None:
    async def scenario() -> None:
        connection, wire = await site_wire()
        connection.data_received(request_octets)
        await settle()
        assert wire.is_closed() is closes
        assert (answer_of(wire.take()).fields.get("connection") == "close") is closes
        if not closes:
            connection.data_received(get("/b"))
            assert answer_of(wire.take()).body == b"B" * 20
            wire.close()

    run(scenario())


def test_refused_body_is_read_through_for_a_while_so_that_the_answer_arrives() -> None:
    async def scenario() -> None:
        connection, wire = await site_wire()
        connection.data_received(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n" + b"x" * 1000)
        answer = answer_of(wire.take())
        assert (answer.status, answer.fields["connection"]) == (405, "close")
        assert wire.is_half_closed()
        assert not wire.is_closed()
        connection.data_received(b"x" * 40000)
        assert wire.is_reading()
        await later(DEFAULT.linger_seconds + 0.1)
        assert wire.is_closed()
        assert not wire.is_aborted()

    run(scenario())


def test_client_that_has_closed_its_side_still_gets_all_its_answers() -> None:
    async def scenario() -> None:
        connection, wire = await site_wire()
        connection.data_received(get("/a") * 40)
        connection.eof_received()
        await settle()
        assert statuses(wire.take()) == [200] * 40
        assert wire.is_closed()

    run(scenario())


# Back-pressure


def test_large_value_is_never_in_memory_as_a_whole() -> None:
    async def scenario() -> bytes:
        connection, wire = await site_wire(room=PIECE)
        connection.data_received(get("/big"))
        received, largest = b"", 0
        while len(received) < len(BIG):
            await settle()
            largest = max(largest, len(wire.written))
            received += wire.take(room=PIECE)
        assert largest < 2 * PIECE + 1000
        connection.data_received(get("/a"))
        await settle()
        assert answer_of(wire.take()).body == b"A" * 10, "the connection lives on"
        wire.close()
        await settle()
        return answer_of(received).body

    assert run(scenario()) == BIG


def test_client_that_does_not_read_is_not_answered_further_nor_read_from() -> None:
    async def scenario() -> None:
        connection, wire = await site_wire(room=500)
        connection.data_received(get("/a") * 1000)
        await settle()
        assert len(statuses(bytes(wire.written))) < 10
        assert not wire.is_reading()
        answers = b""
        for _ in range(2000):
            answers += wire.take(room=500)
            await settle(2)
        assert statuses(answers) == [200] * 1000
        assert wire.is_reading()
        wire.close()

    run(scenario())


def test_reading_stops_while_a_task_answers_and_more_lies_behind() -> None:
    async def scenario() -> None:
        gate = asyncio.Event()

        class Slow(MemoryKv):
            async def get_partial(self, key: str, offset: int, length: int) -> bytes:
                await gate.wait()
                return await super().get_partial(key, offset, length)

        store = Slow()
        await store.set("a", b"A")
        connection, wire = connect(server(Files(store)))
        connection.data_received(get("/a"))
        for _ in range(1000):
            if wire.is_reading():
                connection.data_received(get("/a"))
        assert not wire.is_reading()
        gate.set()
        await settle(100)
        answered = len(statuses(wire.take()))
        assert answered > DEFAULT.header_octets // len(get("/a"))
        assert wire.is_reading()
        wire.close()

    run(scenario())
