"""What all clients of a server together can make it hold, and that it is whole again once they have gone."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import sys
from typing import Any

import pytest
from wsproto.connection import Connection as Frames
from wsproto.connection import ConnectionType
from wsproto.events import BytesMessage, CloseConnection, TextMessage

from fata.driver.kv.memory import MemoryKv
from fata.http.asgi import Asgi
from fata.http.connection import Connection
from fata.http.exchange import LEAST
from fata.http.files import PIECE, Files
from fata.http.intake import HIGH_WATER
from fata.http.limits import DEFAULT
from fata.http.server import Server
from fata.http.websocket import INBOX_FLOOR, MESSAGE_COST
from tests.http.applications import GET, answer, echo_body
from tests.http.websocket_client import HANDSHAKE, Client
from tests.http.wires import MemoryTransport, connect, later, run, server, settle, statuses

LIMITED = dataclasses.replace(DEFAULT, held_octets=256 * 1024)
DELIVERY = 8 * 1024  # octets that the network brings at a time
CLIENTS = 40
SIZE = 1_000_000
SMALL = 24 * 1024  # octets, a budget that few clients use up
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % SIZE
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % SIZE
CHUNKS = b"%x\r\n%b\r\n" % (1000, bytes(1000))


async def deaf(scope: Any, receive: Any, send: Any) -> None:
    """Takes nothing, and never ends by itself."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
    await asyncio.Event().wait()


def press(connection: Connection, wire: MemoryTransport, most: int = SIZE) -> int:
    """Send as much of a body as is read; return how much."""
    sent = 0
    while wire.is_reading() and sent < most:
        piece = bytes(min(DELIVERY, most - sent))
        connection.data_received(piece)
        sent += len(piece)
    return sent


@pytest.mark.parametrize("head", [POST, CHUNKED])
def test_bodies_that_nobody_takes_stay_below_the_budget_and_are_given_back(head: bytes) -> None:
    async def scenario() -> None:
        shared = server(Asgi(deaf, {}, "", LIMITED), LIMITED)
        clients = [connect(shared) for _ in range(CLIENTS)]
        held = []
        for connection, wire in clients:
            connection.data_received(head)
            held.append(press(connection, wire))
        assert held[0] == HIGH_WATER, "below the budget nothing changes"
        assert min(held) == DELIVERY, "everybody is read once"
        assert LIMITED.held_octets * 3 // 4 < shared.budget.held <= LIMITED.held_octets + CLIENTS * DELIVERY
        assert shared.budget.held == sum(held)
        for connection, wire in clients[::2]:
            wire.close()
            connection.connection_lost(None)
        assert shared.budget.held == sum(held[1::2]), "a body that will never be whole is dropped at once"
        for connection, _ in clients[1::2]:
            connection.abort()
        await end(shared)

    run(scenario())


async def end(shared: Server) -> None:
    """Cancel every task of the server; nothing is left of what it held."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await settle()
    assert len(asyncio.all_tasks()) == 1
    assert shared.budget.held == 0


def test_a_small_request_is_answered_beside_clients_who_hold_the_budget() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/":
            await asyncio.Event().wait()
        taken, more = 0, True
        while more:
            message = await receive()
            taken += len(message["body"])
            more = message["more_body"]
        await answer(send, b"%d" % taken)

    async def scenario() -> None:
        shared = server(Asgi(application, {}, "", LIMITED), LIMITED)
        for _ in range(CLIENTS):
            connection, wire = connect(shared)
            connection.data_received(POST)
            press(connection, wire)
        assert shared.budget.free <= 0
        connection, wire = connect(shared)
        connection.data_received(POST.replace(b" / ", b" /honest "))
        sent = 0
        while sent < SIZE:  # a large body, too, as fast as the application takes it
            sent += press(connection, wire, SIZE - sent)
            await settle(3)
        assert wire.take().endswith(b"\r\n%d\r\n0\r\n\r\n" % SIZE)
        connection.data_received(GET.replace(b" / ", b" /honest "))
        await settle()
        assert statuses(wire.take()) == [200]
        await later(2 * LIMITED.body_seconds)
        await end(shared)

    run(scenario())


def test_messages_wait_in_the_network_while_the_application_is_slow_and_the_budget_used_up() -> None:
    async def scenario() -> None:
        taken: list[bytes] = []
        go = asyncio.Event()

        async def application(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            while True:
                await go.wait()
                message = await receive()
                if message["type"] == "websocket.disconnect":
                    return
                taken.append(message["bytes"])

        shared = server(Asgi(application, {}, "", LIMITED), LIMITED)
        shared.budget.held += LIMITED.held_octets  # by others
        client = Client(application, LIMITED, to=shared)
        await client.shake_hands()
        said = [b"%d" % number for number in range(500)]
        assert await client.send(*(BytesMessage(data=data) for data in said), CloseConnection(code=1000)) == []
        assert shared.budget.held - LIMITED.held_octets < 2 * MESSAGE_COST
        assert not client.wire.is_reading()
        go.set()
        await settle(2000)
        assert taken == said
        assert client.wire.is_closed(), "the farewell behind them has been read"
        assert shared.budget.held == LIMITED.held_octets

    run(scenario())


@pytest.mark.parametrize("size", [1, HIGH_WATER - 1, HIGH_WATER, 3 * HIGH_WATER])
def test_connection_is_read_on_after_a_whole_body_however_much_others_hold(size: int) -> None:
    async def scenario() -> None:
        shared = server(Asgi(echo_body, {}, "", LIMITED), LIMITED)
        shared.budget.held += LIMITED.held_octets  # by others
        connection, wire = connect(shared)
        for _ in range(3):
            connection.data_received(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))
            await settle(30)
            assert statuses(wire.take()) == [200]
            assert wire.is_reading()
        wire.close()

    run(scenario())


def test_clients_that_come_and_go_are_counted_while_tasks_are_at_work_for_them() -> None:
    limits = dataclasses.replace(LIMITED, connections=20)

    async def scenario() -> None:
        shared = server(Asgi(deaf, {}, "", limits), limits)
        request = POST.replace(b"%d" % SIZE, b"%d" % DELIVERY) + bytes(DELIVERY)
        for number in range(200):
            connection, wire = connect(shared)
            connection.data_received(request)
            await settle(2)
            assert statuses(wire.take()) == ([] if number < limits.connections else [503])
            connection.connection_lost(None)
        assert shared.budget.held == limits.connections * DELIVERY
        await end(shared)
        connection, wire = connect(shared)
        connection.data_received(b"?\n")
        assert statuses(wire.take()) == [400]

    run(scenario())


def test_what_was_said_is_held_for_as_long_as_somebody_may_want_it() -> None:
    async def scenario() -> None:
        files = server(Files(MemoryKv()), LIMITED)
        connection, wire = connect(files)
        connection.data_received(POST + bytes(DELIVERY))
        assert statuses(wire.take()) == [405]
        assert files.budget.held == 0, "there will be no answer but this"
        shared = server(Asgi(deaf, {}, "", LIMITED), LIMITED)
        connection, _ = connect(shared)
        connection.data_received(POST.replace(b"%d" % SIZE, b"100") + bytes(100))
        await settle()
        connection.connection_lost(None)
        assert shared.budget.held == 100, "the request is whole: whoever has sent it need not wait for an answer"
        client = Client(deaf, LIMITED, to=shared)
        await client.shake_hands()
        await client.send(BytesMessage(data=bytes(200), message_finished=False))
        assert shared.budget.held > 300
        client.connection.connection_lost(None)
        assert shared.budget.held == 100, "the message will never be"
        await end(shared)

    run(scenario())


PAIRS = [BytesMessage(data=bytes((number & 255, 7)), message_finished=False) for number in range(1000)]
WIDE = [TextMessage(data="a" * 1000, message_finished=False) for _ in range(12)]
FACE = "\N{GRINNING FACE}"


@pytest.mark.parametrize("events", [PAIRS, [*WIDE, TextMessage(data=FACE)]], ids=["pairs", "wide"])
def test_a_message_counts_for_the_memory_that_it_takes_not_for_its_octets(events: list[Any]) -> None:
    async def scenario() -> None:
        shared = server(Asgi(deaf, {}, "", LIMITED), LIMITED)
        shared.budget.held += LIMITED.held_octets  # by others
        client = Client(deaf, LIMITED, to=shared)
        await client.shake_hands(HANDSHAKE)
        (event,) = await client.send(*events)
        assert isinstance(event, CloseConnection)
        assert event.code == 1013
        assert shared.budget.held == LIMITED.held_octets
        client.connection.connection_lost(None)
        shared.budget.held -= LIMITED.held_octets
        await end(shared)

    run(scenario())


@pytest.mark.parametrize("data", [b"", b"x" * 100, "x" * 100, FACE * 100, "a" * 99 + FACE])
def test_what_a_message_counts_for_is_no_less_than_what_it_takes(data: Any) -> None:
    async def scenario() -> None:
        shared = server(Asgi(deaf, {}, "", LIMITED), LIMITED)
        client = Client(deaf, LIMITED, to=shared)
        await client.shake_hands(HANDSHAKE)
        before = shared.budget.held
        await client.send(BytesMessage(data=data) if isinstance(data, bytes) else TextMessage(data=data))
        (task,) = asyncio.all_tasks() - {asyncio.current_task()}
        message = {"type": "websocket.receive", "text": data}
        assert before == 0
        assert shared.budget.held >= sys.getsizeof(message) + sys.getsizeof(data) - sys.getsizeof(b"")
        task.cancel()
        client.connection.connection_lost(None)
        await end(shared)

    run(scenario())


def test_pieces_of_a_file_shrink_as_clients_who_do_not_read_hold_more() -> None:
    async def scenario() -> None:
        site = MemoryKv()
        await site.set("large", bytes(SIZE))
        shared = server(Files(site), LIMITED)
        get = GET.replace(b" / ", b" /large ")
        first, wire = connect(shared)
        first.data_received(get)
        alone = len(wire.take())
        wires = []
        for _ in range(CLIENTS):
            connection, wire = connect(shared, room=1)
            connection.data_received(get)
            wires.append(wire)
        sizes = [len(wire.written) for wire in wires]
        assert PIECE > sizes[0] > sizes[-1]
        assert LEAST < sizes[-1] < LEAST + 500, "the head and the least piece"
        assert alone > SIZE
        assert sum(sizes) - CLIENTS * 500 < shared.budget.held < LIMITED.held_octets + CLIENTS * LEAST
        whole = bytearray()
        while not whole.endswith(bytes(1)) or len(whole) < SIZE:
            whole += wires[-1].take(room=1)
            await settle(2)
        assert len(whole.partition(b"\r\n\r\n")[2]) == SIZE
        await later(LIMITED.write_seconds + 0.1)
        assert all(wire.is_closed() for wire in wires[:-1])
        await end(shared)

    run(scenario())


class Erring:
    """Answers in a way that is drawn anew at each of its awaits: takes, answers early or late, raises, or waits."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        chance, websocket = self._chance, scope["type"] == "websocket"
        if websocket:
            await receive()
            await send({"type": "websocket.accept"})
        while True:
            match chance.randrange(40):
                case 0:
                    return
                case 1:
                    raise asyncio.CancelledError
                case 2 if not websocket:
                    await answer(send, bytes(chance.randrange(5000)))
                    await asyncio.sleep(0)
                case 3:
                    await receive()
                case _:
                    await asyncio.sleep(0)


def lose(connection: Connection, wire: MemoryTransport) -> None:
    """Have the client reset its connection."""
    connection.connection_lost(None)
    wire.forget()


def stir(chance: random.Random, connection: Connection, wire: MemoryTransport, frames: Frames) -> None:
    """Have something happen to a connection that is open."""
    match chance.randrange(40):
        case 0 if not wire.is_closed():
            lose(connection, wire)
        case 1 if not (wire.is_closed() or connection.eof_received()):
            wire.close()
        case 2:
            wire.take(room=chance.choice((1, 1 << 30)))
        case _ if wire.is_reading() and not wire.is_closed():
            kind = chance.randrange(3)
            data: bytes = bytes(chance.randrange(DELIVERY)) if kind else CHUNKS * chance.randrange(9)
            if kind == 2:
                data = frames.send(BytesMessage(data=data, message_finished=chance.random() < 0.5))
            connection.data_received(data)
        case _:
            pass


async def schedule(seed: int) -> int:
    """Run clients and tasks in an order that is drawn; return the most that was held."""
    chance, limits = random.Random(seed), dataclasses.replace(DEFAULT, held_octets=SMALL)
    shared = server(Asgi(Erring(chance), {}, "", limits), limits)
    open_: list[tuple[Connection, MemoryTransport, Frames]] = []
    most = 0
    for _ in range(400):
        if len(open_) < 8:
            connection, wire = connect(shared, room=chance.choice((1, 1 << 30)))
            connection.data_received(chance.choice((POST, CHUNKED, HANDSHAKE, GET)))
            open_.append((connection, wire, Frames(ConnectionType.CLIENT)))
        stir(chance, *chance.choice(open_))
        if chance.random() < 0.03:
            tasks = sorted(asyncio.all_tasks() - {asyncio.current_task()}, key=lambda task: task.get_name())
            if tasks:
                chance.choice(tasks).cancel()
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(0)
        open_ = [one for one in open_ if not one[1].is_closed()]
        assert shared.budget.held >= 0
        most = max(most, shared.budget.held)
    for connection, wire, _ in open_:
        lose(connection, wire)
    await settle()
    await end(shared)
    return most


def test_nothing_is_kept_whatever_is_cancelled_lost_or_raised_and_when(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", "http")
    most = [run(schedule(seed)) for seed in range(30)]
    assert max(most) > SMALL, "the budget has been used up"
    assert max(most) <= SMALL + 8 * (INBOX_FLOOR + 2 * DELIVERY)
