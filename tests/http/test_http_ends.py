"""How connections end: deadlines, caps, failures and a server that stops, on a clock that the test moves."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from fata.driver.kv.memory import MemoryKv
from fata.http.asgi import Asgi
from fata.http.files import PIECE, Files
from fata.http.limits import DEFAULT
from tests.http.loopback import filled
from tests.http.site import BIG, get, site_server, site_wire
from tests.http.wires import answer_of, connect, later, run, server, settle, statuses

# Deadlines


def test_silent_newcomer_is_closed_without_an_answer() -> None:
    async def scenario() -> None:
        _, wire = await site_wire()
        await later(DEFAULT.header_seconds - 1)
        assert not wire.is_closed()
        await later(1.1)
        assert wire.is_closed()
        assert not wire.written

    run(scenario())


def test_slow_head_is_overdue_however_steadily_it_drips() -> None:
    async def scenario() -> None:
        connection, wire = await site_wire()
        connection.data_received(get("/a"))
        wire.take()
        for octet in get("/a")[: int(DEFAULT.header_seconds)]:
            connection.data_received(bytes([octet]))
            assert not wire.is_half_closed()
            await later(1.01)
        assert answer_of(wire.take()).status == 408
        assert wire.is_half_closed()
        await later(DEFAULT.linger_seconds + 0.1)
        assert wire.is_closed()

    run(scenario())


def test_idle_connection_is_closed_but_not_while_it_is_used() -> None:
    async def scenario() -> None:
        connection, wire = await site_wire()
        for _ in range(3):
            connection.data_received(get("/a"))
            await later(DEFAULT.idle_seconds - 1)
        assert statuses(wire.take()) == [200] * 3
        assert not wire.is_closed()
        await later(1.1)
        assert wire.is_closed()
        assert not wire.written

    run(scenario())


def test_client_that_takes_nothing_is_cut_off() -> None:
    async def scenario() -> None:
        connection, wire = await site_wire(room=PIECE)
        connection.data_received(get("/big"))
        await later(DEFAULT.write_seconds - 1)
        wire.take(room=PIECE)
        await settle()
        await later(DEFAULT.write_seconds - 1)
        assert not wire.is_closed(), "it has taken something"
        await later(1.1)
        assert wire.is_aborted()

    run(scenario())


def test_client_that_takes_no_small_answer_is_cut_off_no_later() -> None:
    async def scenario() -> None:
        connection, wire = await site_wire(room=5)
        connection.data_received(get("/a"))
        assert DEFAULT.idle_seconds > DEFAULT.write_seconds
        await later(DEFAULT.write_seconds + 0.1)
        assert wire.is_aborted()

    run(scenario())


@pytest.mark.parametrize("room", [5, 1000])
def test_last_answer_too_has_to_be_taken_in_time(room: int) -> None:
    async def scenario() -> None:
        connection, wire = await site_wire(room=room)

        def close() -> None:  # a transport closes only when its buffer is empty
            wire.write_eof()

        wire.close = close  # type: ignore[method-assign]
        connection.data_received(get("/a", "Connection: close"))
        assert wire.is_half_closed()
        await later(DEFAULT.write_seconds + 0.1)
        assert wire.is_aborted()

    run(scenario())


# Ends


def test_at_the_cap_the_longest_idle_gives_way_and_else_the_newcomer_is_told() -> None:
    async def scenario() -> None:
        to = await site_server(dataclasses.replace(DEFAULT, connections=2))
        first, second = connect(to), connect(to)
        for connection, wire in (first, second):
            connection.data_received(get("/a"))
            wire.take()
            await later(1)
        third = connect(to)
        await settle()
        assert first[1].is_aborted()
        assert not second[1].is_closed()
        second[0].data_received(b"GET")
        third[0].data_received(b"GET")
        _, turned_away = connect(to)
        assert answer_of(turned_away.take()).status == 503
        assert turned_away.is_closed()
        await settle()
        second[0].data_received(get("/a")[3:])
        assert answer_of(second[1].take()).status == 200
        for _, wire in (second, third):
            wire.close()

    run(scenario())


def test_value_that_becomes_shorter_while_it_is_sent_breaks_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        store = await filled({"big": BIG})
        connection, wire = connect(server(Files(store)), room=PIECE)
        connection.data_received(get("/big"))
        await settle()
        await store.set("big", b"short")
        wire.take()
        await settle()
        assert wire.is_aborted()

    run(scenario())
    assert "'big' became shorter while it was sent" in caplog.text


def test_client_that_goes_in_mid_answer_leaves_no_task_behind() -> None:
    async def scenario() -> None:
        connection, wire = await site_wire(room=PIECE)
        connection.data_received(get("/big"))
        await settle()
        assert len(asyncio.all_tasks()) == 2
        connection.connection_lost(ConnectionResetError())
        await settle()
        assert len(asyncio.all_tasks()) == 1
        del wire

    run(scenario())


async def waiting_application(scope: Any, receive: Any, send: Any) -> None:
    """Answers when its event says so."""
    await scope["state"]["go"].wait()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


@pytest.mark.parametrize("answers_in_time", [True, False])
def test_server_that_is_told_to_stop_lets_running_requests_end_within_the_grace_time(answers_in_time: bool) -> None:
    async def scenario() -> None:
        class Deaf:
            addresses = (("192.0.2.2", 80),)

            def close(self) -> None: ...

            async def wait_closed(self) -> None: ...

            async def create_server(
                self, protocol_factory: Any, host: str | None = None, port: int = 0, **_: Any
            ) -> Any:
                return self

        go = asyncio.Event()
        to = server(Asgi(waiting_application, {"go": go}, "", DEFAULT))
        task = asyncio.create_task(to.run(Deaf(), None, 80))
        await settle()
        busy, idle = connect(to), connect(to)
        busy[0].data_received(get("/"))
        await settle()
        task.cancel()
        await settle()
        assert idle[1].is_closed()
        assert not busy[1].is_closed()
        if answers_in_time:
            go.set()
            await settle()
            answer = answer_of(busy[1].take())
            assert (answer.status, answer.fields["connection"]) == (200, "close")
            assert not busy[1].is_aborted()
        else:
            await later(DEFAULT.grace_seconds + 0.1)
            assert busy[1].is_aborted()
        await settle(30)
        assert task.cancelled()
        assert len(asyncio.all_tasks()) == 1

    run(scenario())


def test_site_with_a_bug_fails_the_one_connection() -> None:
    async def scenario() -> None:
        class Buggy(MemoryKv):
            async def digest(self, key: str) -> bytes:
                raise ZeroDivisionError

        store = Buggy()
        await store.set("a", b"A")
        connection, wire = connect(server(Files(store)))
        with pytest.raises(ZeroDivisionError):  # the loop logs it and drops the connection
            connection.data_received(get("/a"))
        connection.connection_lost(ZeroDivisionError())
        assert not wire.written

    run(scenario())
