"""Floods of SYN, fragments and segments out of order: others are served, caps hold, work grows as the flood does."""

from __future__ import annotations

import asyncio
import sys
import tracemalloc
from collections.abc import Callable, Coroutine, Iterator
from types import FrameType
from typing import Any

import pytest

from fata.sim.network import Simulation
from fata.wire import tcp
from tests.conformance.stack_peers import Accepting, Peer
from tests.sim.stranger import Stranger
from tests.sim.traffic import ask_rightly, serve

FEW, MANY = 300, 3000  # frames
BATCH = 50  # frames at one moment
MOST = 12  # times the work, for ten times the frames
MOST_MEMORY = 6 << 20  # octets: reassembly's 4 MiB, or a connection's buffer, with what they stand in
PAYLOAD = bytes(100_000)

Flood = Callable[["Field", int], Iterator[bytes]]


class Field:
    """A host that is flooded, one who asks it honestly, and a stranger."""

    def __init__(self) -> None:
        self.sim = Simulation(1)
        self.server = self.sim.host("server")
        self.client = self.sim.host("client")
        self.stranger = Stranger(self.sim, self.server)
        self.known: tuple[int, int] = 0, 0  # seq and ack that fit the open connection

    @property
    def host(self) -> Any:
        return self.server.stack.host

    async def open(self) -> Any:
        """Have the client connect; learn the numbers."""
        accepting = Accepting()
        await self.server.stack.create_server(accepting, port=8)
        transport: Any
        transport, _ = await self.client.stack.host.calls.create_connection(
            Peer, self.server.address, 8, local_addr=(self.client.address, 5000)
        )
        self.accepted: Any = await accepting.accepted.get()
        connection = transport._connection
        self.known = connection.snd_nxt & 0xFFFFFFFF, connection.rcv_nxt & 0xFFFFFFFF
        self.stamp = connection.stamp(self.sim.now)
        return transport


def syns(field: Field, count: int) -> Iterator[bytes]:
    """From as many addresses."""
    for number in range(count):
        source = bytes((10, 0, 0, 100 + number % 100))
        yield field.stranger.segment(source, tcp.Segment(1024 + number % 60000, 7, number * 1000, 0, tcp.SYN, 65535))


def fragments(field: Field, count: int) -> Iterator[bytes]:
    """Of datagrams that never become whole."""
    for number in range(count):
        source = bytes((10, 0, 0, 100 + number % 100))
        yield field.stranger.fragment(source, number & 0xFFFF, 8 * (number % 100), bytes(1400))


def islands(field: Field, count: int) -> Iterator[bytes]:
    """One octet each, none beside another, into an open connection."""
    seq, ack = field.known
    address = b"\x0a\0\0\x02"
    for number in range(count):
        at = (seq + 2 + 2 * (number * 7919 % count)) & 0xFFFFFFFF
        segment = tcp.Segment(5000, 8, at, ack, tcp.ACK, 65535, timestamp=field.stamp)
        yield field.stranger.segment(address, segment, b"x")


async def flood(field: Field, kind: Flood, count: int) -> None:
    frames = list(kind(field, count))
    for start in range(0, count, BATCH):
        field.stranger.say(*frames[start : start + BATCH])
        await asyncio.sleep(0.001)


def run(field: Field, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with field.sim as sim:
        sim.run(main())


def calls(kind: Flood, count: int) -> int:
    """Return how many functions are called by a flood, whoever is asked."""
    called = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal called
        called += event in ("call", "c_call")

    async def main() -> None:
        await serve(field.server)
        await field.open()
        frames = list(kind(field, count))
        sys.setprofile(note)
        try:
            for start in range(0, count, BATCH):
                field.stranger.say(*frames[start : start + BATCH])
                await asyncio.sleep(0.001)
        finally:
            sys.setprofile(None)

    field = Field()
    run(field, main)
    return called


@pytest.mark.slow
@pytest.mark.parametrize("kind", [syns, fragments, islands])
def test_ten_times_the_frames_are_at_most_twelve_times_the_work(kind: Flood) -> None:
    assert calls(kind, MANY) <= MOST * calls(kind, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [syns, fragments, islands])
def test_others_are_served_and_memory_is_bounded(kind: Flood) -> None:
    async def main() -> None:
        await serve(field.server)
        await field.open()
        tracemalloc.start()
        await flood(field, kind, MANY)
        middle = tracemalloc.get_traced_memory()[0]
        asking = asyncio.ensure_future(ask_rightly(field.client, field.server, PAYLOAD))
        await flood(field, kind, MANY)
        await asking
        grown = tracemalloc.get_traced_memory()[0] - middle
        tracemalloc.stop()
        assert grown < MOST_MEMORY

    field = Field()
    run(field, main)
    assert field.host.tcp.host.half_open <= 128
    assert field.host.ip.reassembly.octets <= field.host.ip.reassembly.limits.octets
    assert field.host.tcp.host.pool.held <= 2 << 20


def test_a_flood_of_syn_is_answered_with_cookies() -> None:
    async def main() -> None:
        await serve(field.server)
        await flood(field, syns, 400)
        counters = field.host.tcp.host.counters
        assert field.host.tcp.host.half_open == 128  # `create_server` takes so many by default
        assert counters.cookies_sent == 272
        await ask_rightly(field.client, field.server, b"in the middle of it")
        assert counters.cookies_accepted == 1

    field = Field()
    run(field, main)


def test_fragments_are_kept_up_to_the_caps_and_counted() -> None:
    async def main() -> None:
        await flood(field, fragments, 4500)
        reassembly = field.host.ip.reassembly
        assert reassembly.octets <= reassembly.limits.octets
        assert reassembly.counters.fragments == 4500
        assert reassembly.counters.evicted > 1000
        await asyncio.sleep(60)
        assert (len(reassembly), reassembly.octets) == (0, 0)

    field = Field()
    run(field, main)


def test_islands_are_refused_when_the_connection_is_full_and_it_goes_on() -> None:
    async def main() -> None:
        transport = await field.open()
        await flood(field, islands, 12_000)
        assert field.host.tcp.host.pool.held < 2 << 20
        transport.write(b"y" * 50_000)
        await asyncio.sleep(30)
        assert len(field.accepted.received) >= 50_000

    field = Field()
    run(field, main)
    assert field.host.tcp.host.counters.dropped_out_of_order > 0
