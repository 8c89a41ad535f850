"""How WebSockets end: limits, silence, farewells from either side, and what an application learns of it."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong

from fata.http.limits import DEFAULT
from tests.http.websocket_client import Client, echo
from tests.http.wires import later, run, settle


def test_message_beyond_the_limit_closes_with_1009_also_in_fragments() -> None:
    limits = dataclasses.replace(DEFAULT, message_octets=100)

    async def scenario() -> None:
        for events in (
            (BytesMessage(data=bytes(101)),),
            (BytesMessage(data=bytes(60), message_finished=False), BytesMessage(data=bytes(60))),
        ):
            client = Client(echo, limits)
            await client.shake_hands()
            for _ in range(3):
                assert await client.send(BytesMessage(data=bytes(100))) == [BytesMessage(data=bytes(100))]
            (event,) = await client.send(*events)
            assert isinstance(event, CloseConnection)
            assert event.code == 1009
            await later(limits.linger_seconds + 0.1)
            assert client.wire.is_closed()
            await settle()
            assert len(asyncio.all_tasks()) == 1

    run(scenario())


def test_application_closes_and_the_client_confirms() -> None:
    async def scenario() -> None:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "websocket.accept", "headers": [(b"x-y", b"z")]})
            await send({"type": "websocket.close", "code": 4000, "reason": "enough"})
            assert (await receive())["type"] == "websocket.disconnect"

        client = Client(application)
        answer = await client.shake_hands()
        head, _, rest = answer.partition(b"\r\n\r\n")
        assert b"\r\nx-y: z" in head
        client.frames.receive_data(rest)
        (event,) = client.frames.events()
        assert isinstance(event, CloseConnection)
        assert (event.code, event.reason) == (4000, "enough")
        assert not client.wire.is_closed(), "the client closes first"
        client.connection.data_received(client.frames.send(event.response()))
        await settle()
        assert client.wire.is_closed()
        assert not client.wire.is_aborted()

    run(scenario())


@pytest.mark.parametrize(("failing", "code"), [(False, 1000), (True, 1011)])
def test_application_that_returns_or_fails_leaves_no_websocket_open(failing: bool, code: int) -> None:
    async def scenario() -> None:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            if failing:
                raise RuntimeError("oh")

        client = Client(application)
        client.frames.receive_data((await client.shake_hands()).partition(b"\r\n\r\n")[2])
        (event,) = client.frames.events()
        assert isinstance(event, CloseConnection)
        assert event.code == code
        await later(DEFAULT.linger_seconds + 0.1)
        assert client.wire.is_closed()
        await settle()
        assert len(asyncio.all_tasks()) == 1

    run(scenario())


def test_application_learns_how_it_ended_and_cannot_send_any_more() -> None:
    async def scenario(end: str) -> list[Any]:
        heard: list[Any] = []

        async def application(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            heard.append(await receive())
            heard.append(await receive())
            try:
                await send({"type": "websocket.send", "text": "hello?"})
            except OSError:
                heard.append("gone")

        client = Client(application)
        await client.shake_hands()
        if end == "close":
            await client.send(CloseConnection(code=4321, reason="x"))
        else:
            client.connection.connection_lost(ConnectionResetError())
        await settle()
        assert len(asyncio.all_tasks()) == 1
        return heard

    closed = {"type": "websocket.disconnect", "code": 4321, "reason": "x"}
    lost = {"type": "websocket.disconnect", "code": 1006, "reason": ""}
    assert run(scenario("close")) == [closed, closed, "gone"]
    assert run(scenario("lost")) == [lost, lost, "gone"]


def test_client_that_goes_before_the_handshake_is_answered() -> None:
    async def scenario() -> None:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            assert (await receive())["type"] == "websocket.disconnect"

        client = Client(application)
        await client.shake_hands()
        client.connection.connection_lost(None)
        await settle()
        assert len(asyncio.all_tasks()) == 1

    run(scenario())


def test_silent_client_is_pinged_and_then_given_up() -> None:
    async def scenario() -> None:
        client = Client(echo)
        await client.shake_hands()
        for _ in range(3):
            await later(DEFAULT.idle_seconds + 0.1)
            assert await client.send(Pong()) == [Ping(payload=b"")]
        await later(DEFAULT.idle_seconds + 0.1)
        await later(DEFAULT.idle_seconds + 0.1)
        assert client.wire.is_aborted()
        await settle()
        assert len(asyncio.all_tasks()) == 1

    run(scenario())


def test_network_is_not_read_while_messages_wait_or_the_client_does_not_read() -> None:
    async def scenario() -> None:
        go = asyncio.Event()

        async def application(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            await go.wait()
            while (message := await receive())["type"] == "websocket.receive":
                await send({"type": "websocket.send", "bytes": message["bytes"]})

        client = Client(application)
        await client.shake_hands()
        sent = 0
        while client.wire.is_reading():
            client.connection.data_received(client.frames.send(BytesMessage(data=bytes(1000))))
            sent += 1
        assert 50 < sent < 70
        await later(2 * DEFAULT.idle_seconds + 0.2)  # it is not the client that is silent
        assert not client.wire.is_closed()
        go.set()
        await settle(3 * sent)
        assert client.wire.is_reading()
        assert len(await client.received()) == sent
        client.wire.room = 10
        client.connection.data_received(client.frames.send(Ping(payload=b"x" * 100)))
        assert not client.wire.is_reading(), "whoever does not read his Pongs may send no Pings"
        client.wire.take()
        assert client.wire.is_reading()
        client.wire.close()
        await settle()

    run(scenario())


def test_stopping_server_says_that_it_goes_away() -> None:
    async def scenario() -> None:
        client = Client(echo)
        await client.shake_hands()
        client.connection.shutdown()
        (event,) = await client.received()
        assert isinstance(event, CloseConnection)
        assert event.code == 1001
        client.connection.data_received(client.frames.send(event.response()))
        await settle()
        assert client.wire.is_closed()
        assert len(asyncio.all_tasks()) == 1

    run(scenario())
