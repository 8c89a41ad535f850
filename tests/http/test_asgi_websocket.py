"""WebSockets for ASGI applications, against wsproto as the client, octet by octet."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection as Frames
from wsproto.connection import ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

from fata.http.asgi import Asgi
from fata.http.connection import Connection
from fata.http.limits import DEFAULT, Limits
from fata.http.scope import Application
from tests.http.wires import MemoryTransport, answer_of, connect, later, run, server, settle, statuses

HANDSHAKE = (
    b"GET /chat?room=1 HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: chat, superchat\r\n\r\n"
)


class Client:
    """A browser's end."""

    def __init__(self, application: Application, limits: Limits = DEFAULT, room: int = 1 << 30) -> None:
        self.connection: Connection
        self.wire: MemoryTransport
        self.connection, self.wire = connect(server(Asgi(application, {}, "", limits), limits), room)
        self.frames = Frames(ConnectionType.CLIENT)

    async def shake_hands(self, octets: bytes = HANDSHAKE) -> bytes:
        self.connection.data_received(octets)
        await settle()
        return self.wire.take()

    async def send(self, *events: Event) -> list[Event]:
        self.connection.data_received(b"".join(self.frames.send(event) for event in events))
        return await self.received()

    async def received(self) -> list[Event]:
        await settle()
        self.frames.receive_data(self.wire.take())
        return list(self.frames.events())


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Sends back what comes."""
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept", "subprotocol": "chat"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})


def test_handshake_is_the_standards_example_and_the_scope_tells_it() -> None:
    seen: dict[str, Any] = {}

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope)
        await echo(scope, receive, send)

    async def scenario() -> bytes:
        client = Client(application)
        answer = await client.shake_hands()
        client.wire.close()
        await settle()
        return answer

    answer = answer_of(run(scenario()))
    assert answer.status == 101
    assert answer.fields == {
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",  # RFC 6455, 1.3
        "sec-websocket-protocol": "chat",
    }
    assert (seen["type"], seen["scheme"], seen["path"]) == ("websocket", "ws", "/chat")
    assert seen["query_string"] == b"room=1"
    assert seen["subprotocols"] == ["chat", "superchat"]
    assert "method" not in seen


def test_messages_pass_both_ways_whole_or_in_fragments() -> None:
    async def scenario() -> None:
        client = Client(echo)
        await client.shake_hands()
        assert await client.send(TextMessage(data="héllo")) == [TextMessage(data="héllo")]
        assert await client.send(BytesMessage(data=b"\0\xff")) == [BytesMessage(data=b"\0\xff")]
        assert await client.send(TextMessage(data="")) == [TextMessage(data="")]
        fragments = (
            TextMessage(data="a", message_finished=False),
            Ping(payload=b"?"),
            TextMessage(data="ß", message_finished=False),
            TextMessage(data="", message_finished=True),
        )
        assert await client.send(*fragments) == [Pong(payload=b"?"), TextMessage(data="aß")]
        (closed,) = await client.send(CloseConnection(code=1000, reason="bye"))
        assert isinstance(closed, CloseConnection)
        assert (closed.code, closed.reason) == (1000, "bye")
        assert client.wire.is_closed()
        await settle()
        assert len(asyncio.all_tasks()) == 1

    run(scenario())


@given(
    messages=st.lists(st.text(max_size=300) | st.binary(max_size=300), max_size=5),
    size=st.integers(1, 200),
)
def test_messages_cut_anywhere_come_back_as_they_were(messages: list[str | bytes], size: int) -> None:
    async def scenario() -> None:
        client = Client(echo)
        await client.shake_hands()
        events: list[Event] = [
            TextMessage(data=message) if isinstance(message, str) else BytesMessage(data=message)
            for message in messages
        ]
        octets = b"".join(client.frames.send(event) for event in events)
        back: list[Event] = []
        for at in range(0, len(octets), size):
            client.connection.data_received(octets[at : at + size])
        await settle(60)
        back += await client.received()
        assert back == events
        client.wire.close()
        await settle()

    run(scenario())


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ((b"Version: 13", b"Version: 8"), 426),
        ((b"Sec-WebSocket-Version: 13\r\n", b""), 426),
        ((b"dGhlIHNhbXBsZSBub25jZQ==", b"short"), 400),
        ((b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b""), 400),
        ((b"keep-alive, Upgrade", b"keep-alive"), 400),
        ((b"GET", b"POST"), 400),
    ],
)
def test_broken_handshake_is_refused(change: tuple[bytes, bytes], status: int) -> None:
    async def scenario() -> None:
        client = Client(echo)
        answer = answer_of(await client.shake_hands(HANDSHAKE.replace(*change)))
        assert answer.status == status
        assert status != 426 or answer.fields["sec-websocket-version"] == "13"
        client.wire.close()

    run(scenario())


def test_host_that_is_no_domain_name_is_not_our_business() -> None:
    async def scenario() -> None:
        client = Client(echo)
        answer = await client.shake_hands(HANDSHAKE.replace(b"Host: a", b"Host: \xff" + b"a" * 300))
        assert statuses(answer) == [101]
        client.wire.close()
        await settle()

    run(scenario())


def test_upgrade_to_something_else_is_an_ordinary_request() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})

    async def scenario() -> None:
        client = Client(application)
        request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"
        assert statuses(await client.shake_hands(request * 2)) == [200, 200]
        client.wire.close()

    run(scenario())


def test_application_can_refuse_with_a_status_or_with_an_answer_of_its_own() -> None:
    async def closing(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.close"})

    async def denying(scope: Any, receive: Any, send: Any) -> None:
        assert scope["extensions"] == {"websocket.http.response": {}}
        await receive()
        headers = [(b"content-length", b"2")]
        await send({"type": "websocket.http.response.start", "status": 401, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b"n", "more_body": True})
        await send({"type": "websocket.http.response.body", "body": b"o"})

    async def scenario(application: Application) -> bytes:
        client = Client(application)
        answer = await client.shake_hands(HANDSHAKE + b"GET /next HTTP/1.0\r\n\r\n")
        client.wire.close()
        await settle()
        return answer

    assert statuses(run(scenario(closing)))[0] == 403
    assert b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno" in run(scenario(denying))


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"\x81\x05hello", 1002),  # without a mask
        (b"\xf1\x80\0\0\0\0", 1002),  # reserved bits
        (b"\x83\x80\0\0\0\0", 1002),  # an opcode that nobody knows
        (b"\x80\x80\0\0\0\0", 1002),  # continues nothing
        (b"\x89\xfe\x00\x7e\0\0\0\0" + bytes(126), 1002),  # a Ping of 126 octets
        (b"\x09\x80\0\0\0\0", 1002),  # a Ping in fragments
        (b"\x82\xff\xff" + bytes(7) + bytes(4), 1002),  # 2^63 octets
        (b"\x81\x82\0\0\0\0\xc3\x28", 1007),  # text that is not UTF-8
        (b"\x88\x81\0\0\0\0\x03", 1002),  # half a close code
        (b"\x88\x82\0\0\0\0\x03\xed", 1002),  # a close code that is only for ourselves, 1005
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_broken_frames_are_answered_with_a_close(octets: bytes, code: int, size: int) -> None:
    async def scenario() -> None:
        client = Client(echo)
        await client.shake_hands()
        for at in range(0, len(octets), size):
            client.connection.data_received(octets[at : at + size])
        (event,) = await client.received()
        assert isinstance(event, CloseConnection)
        assert event.code == code
        assert client.wire.is_closed()
        await settle()
        assert len(asyncio.all_tasks()) == 1

    run(scenario())


@given(st.binary(max_size=200))
def test_any_octets_after_the_handshake_end_well(octets: bytes) -> None:
    async def scenario() -> None:
        client = Client(echo)
        await client.shake_hands()
        client.connection.data_received(octets)
        await settle()
        client.connection.eof_received()
        await settle()
        assert client.wire.is_closed()
        assert len(asyncio.all_tasks()) == 1

    run(scenario())


def test_message_beyond_the_limit_closes_with_1009_also_in_fragments() -> None:
    limits = dataclasses.replace(DEFAULT, message_octets=100)

    async def scenario() -> None:
        for events in (
            (BytesMessage(data=bytes(101)),),
            (BytesMessage(data=bytes(60), message_finished=False), BytesMessage(data=bytes(60))),
        ):
            client = Client(echo, limits)
            await client.shake_hands()
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


@pytest.mark.parametrize(
    "messages",
    [
        [{"type": "websocket.send", "text": "early"}],
        [{"type": "websocket.accept", "subprotocol": "nobody's"}],
        [{"type": "websocket.frob"}],
        [],
    ],
)
def test_application_that_breaks_the_rules_before_accepting_is_an_internal_error(
    messages: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    async def scenario() -> bytes:
        client = Client(application)
        answer = await client.shake_hands()
        client.wire.close()
        await settle()
        return answer

    assert statuses(run(scenario())) == [500]
    assert "StateError" in caplog.text
