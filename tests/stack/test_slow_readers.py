"""Many peers that do not read: what was written for all of them together has a cap, and everyone gets everything."""

from __future__ import annotations

import asyncio

import pytest

from fata.driver.entropy.seeded import SeededEntropy
from fata.driver.net.switch import Switch
from fata.driver.poller.virtual import VirtualPoller
from fata.proto.tcp.connection import Connection
from fata.proto.tcp.settings import WRITTEN_FLOOR, HostSettings, Settings
from fata.stack.direct import DirectStack
from fata.stack.ipv4 import Addressing
from tests.stack.networks import run_virtual

READERS, PIECE, ANSWER = 40, 4000, 400_000  # of octets the last two: all answers are 16 MB
CAP = 512 * 1024  # octets
BUFFER = 8192  # octets that a reader's own stack takes before its window closes
SIMULATED_MINUTE = 60.0


class Reader(asyncio.Protocol):
    """Reads nothing until it is told to."""

    def __init__(self) -> None:
        self.received = 0
        self.done = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        self.received += len(data)

    def eof_received(self) -> None:
        self.done.set()


class Generating(asyncio.Protocol):
    """Answers whoever connects with pieces that are made one by one, as long as it need not pause."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.left = transport, ANSWER
        self.paused = False
        self.resume_writing()

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        while self.left and not self.paused:
            self.left -= PIECE
            self.transport.write(bytes(PIECE))
        if not self.left:
            self.transport.close()


def network(poller: VirtualPoller, caps: HostSettings | None) -> tuple[DirectStack, DirectStack]:
    """Return a server's stack with `caps` and one of clients with small receive buffers."""
    switch, made = Switch(poller), []
    for number, (settings, own) in enumerate(((Settings(), caps), (Settings(receive_buffer=BUFFER), None)), 1):
        port = switch.port(bytes((2, 0, 0, 0, 0, number)))
        addressing = Addressing(bytes((10, 0, 0, number)), 24)
        made.append(DirectStack(port, addressing, SeededEntropy(number).octets, settings=settings, caps=own))
    return made[0], made[1]


def written(stack: DirectStack) -> int:
    """Count what all connections have written and not got acknowledged."""
    return sum(each.queued for each in stack.host.tcp.host.connections.values() if isinstance(each, Connection))


def test_answers_that_nobody_reads_stay_below_the_cap_and_arrive_once_they_are_read() -> None:
    async def main(poller: VirtualPoller) -> None:
        server, clients = network(poller, HostSettings(max_written=CAP))
        await server.create_server(Generating, port=80)
        readers = [(await clients.create_connection(Reader, server.address, 80))[1] for _ in range(READERS)]
        for _ in range(20):
            await asyncio.sleep(SIMULATED_MINUTE / 20)
            assert written(server) <= CAP + READERS * (WRITTEN_FLOOR + PIECE)
        tcp = server.host.tcp.host
        assert written(server) > CAP // 2, "the cap is in use"
        assert tcp.counters.writers_paused >= READERS - 1
        assert "writers paused" in server.report(1.0)
        late = (await clients.create_connection(Reader, server.address, 80))[1]
        late.transport.resume_reading()
        await asyncio.wait_for(late.done.wait(), SIMULATED_MINUTE)  # the others still do not read
        assert late.received == ANSWER
        for reader in readers:
            reader.transport.resume_reading()
        for reader in readers:
            await asyncio.wait_for(reader.done.wait(), SIMULATED_MINUTE)
            assert reader.received == ANSWER
        await asyncio.sleep(1.0)
        assert tcp.written.held == 0

    run_virtual(main)


@pytest.mark.parametrize("end", ["abort", "reset"])
def test_what_an_ended_connection_held_is_free_again(end: str) -> None:
    async def main(poller: VirtualPoller) -> None:
        server, clients = network(poller, HostSettings(max_written=CAP))
        made: list[Generating] = []

        def generating() -> Generating:
            made.append(Generating())
            return made[-1]

        await server.create_server(generating, port=80)
        _, reader = await clients.create_connection(Reader, server.address, 80)
        await asyncio.sleep(1.0)
        tcp = server.host.tcp.host
        assert tcp.written.held > CAP // 4
        (made[0] if end == "abort" else reader).transport.abort()
        await asyncio.sleep(1.0)
        assert tcp.written.held == 0
        assert tcp.written.share == CAP

    run_virtual(main)


def test_a_connection_has_a_share_of_what_is_free_and_never_less_than_the_floor() -> None:
    async def main(poller: VirtualPoller) -> None:
        server, clients = network(poller, HostSettings(max_written=1))
        await server.create_server(Generating, port=80)
        readers = [(await clients.create_connection(Reader, server.address, 80))[1] for _ in range(3)]
        await asyncio.sleep(1.0)
        assert all(
            each.queued <= WRITTEN_FLOOR + PIECE
            for each in server.host.tcp.host.connections.values()
            if isinstance(each, Connection)
        )
        for reader in readers:
            reader.transport.resume_reading()
            await asyncio.wait_for(reader.done.wait(), SIMULATED_MINUTE)
            assert reader.received == ANSWER

    run_virtual(main)
