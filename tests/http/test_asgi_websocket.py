"""WebSockets for ASGI applications: handshakes and messages, against wsproto as the client."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

from fata.http.scope import Application
from tests.http.websocket_client import HANDSHAKE, Client, echo
from tests.http.wires import answer_of, run, settle, statuses


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
        ((b"Host: a\r\n", b"Host: a\r\nContent-Length: 5\r\n"), 400),
        ((b"Host: a\r\n", b"Host: a\r\nTransfer-Encoding: chunked\r\n"), 400),
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
