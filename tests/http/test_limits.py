"""Limits of a server where memory is little, and that the WebSockets of one server share."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest
from wsproto.events import BytesMessage, CloseConnection

from fata.driver.kv.memory import MemoryKv
from fata.http import Limits, serve_asgi, serve_files
from fata.http.asgi import Asgi
from fata.http.limits import DEFAULT
from fata.http.server import Server
from fata.http.websocket import INBOX_FLOOR, PIECE_COST
from fata.proto.tcp.settings import HostSettings
from tests.http.websocket_client import Client, echo
from tests.http.wires import later, run, server, settle

LITTLE = 14 << 20  # octets
FRAGMENT = BytesMessage(data=bytes(8 * 1024), message_finished=False)


def test_limits_follow_the_memory_of_a_small_machine() -> None:
    small = DEFAULT.within(LITTLE)
    assert small == dataclasses.replace(
        DEFAULT, connections=240, header_octets=6796, message_octets=458_752, held_octets=1_835_008
    )
    assert Limits.within(1 << 40) == DEFAULT
    assert Limits.within(64 << 20).connections == 910
    for memory in (1 << 20, 14 << 20, 64 << 20):
        assert Limits.within(memory).connections < HostSettings.within(memory).max_connections


class Stack:
    """Listens never, and says how much memory there is."""

    memory = LITTLE

    async def create_server(self, *_: Any, **__: Any) -> Any:
        raise OSError("no port")


@pytest.mark.parametrize("given", [None, Limits(connections=1000)])
@pytest.mark.parametrize("kind", ["files", "asgi"])
def test_a_server_takes_its_limits_from_its_stack_unless_it_is_given_some(
    monkeypatch: pytest.MonkeyPatch, kind: str, given: Limits | None
) -> None:
    limits: list[Limits] = []
    make = Server.__init__

    def watched(self: Server, responder: Any, taken: Limits, wall: Any) -> None:
        limits.append(taken)
        make(self, responder, taken, wall)

    monkeypatch.setattr(Server, "__init__", watched)

    async def scenario() -> None:
        stack = Stack()
        serving = (
            serve_files(MemoryKv(), stack, limits=given) if kind == "files" else serve_asgi(echo, stack, limits=given)
        )
        with pytest.raises(OSError, match="no port"):
            await serving

    run(scenario())
    assert limits == [Limits.within(LITTLE) if given is None else given]


def test_a_stack_without_a_word_about_memory_has_the_usual_limits() -> None:
    assert Limits.of(object()) == DEFAULT


def test_unfinished_messages_of_all_websockets_have_a_limit_and_each_its_floor() -> None:
    limits = dataclasses.replace(DEFAULT, held_octets=64 * 1024)

    async def scenario() -> None:
        shared = server(Asgi(echo, {}, "", limits), limits)
        greedy = [Client(echo, limits, to=shared) for _ in range(8)]
        for client in greedy:
            await client.shake_hands()
            assert await client.send(FRAGMENT) == []  # 64 KiB in all; nobody has more than the floor
        (event,) = await greedy[0].send(FRAGMENT, FRAGMENT)
        assert isinstance(event, CloseConnection)
        assert event.code == 1013
        modest = Client(echo, limits, to=shared)
        await modest.shake_hands()
        message = BytesMessage(data=bytes(INBOX_FLOOR - PIECE_COST))
        assert await modest.send(message) == [message]
        for client in (*greedy, modest):
            client.connection.connection_lost(None)
        await later(limits.linger_seconds + 0.1)
        await settle()
        assert len(asyncio.all_tasks()) == 1
        assert shared.budget.held == 0

    run(scenario())
