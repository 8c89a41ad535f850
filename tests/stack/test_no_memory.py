"""Want of memory while frames are taken: what it befell is dropped and counted, everything else goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fata.proto.tcp.connection import Connection
from fata.sim.host import Host
from fata.sim.network import Simulation
from fata.stack.input import Input
from fata.stack.server import StackServer
from fata.stack.tcp import Tcp
from tests.conformance.stack_peers import Echo, Peer

MARK = b"there is no memory for this"


@pytest.fixture
def hosts(sim: Simulation) -> tuple[Host, Host]:
    return sim.host("server"), sim.host("client")


def failing(monkeypatch: pytest.MonkeyPatch, kind: type, name: str, when: Any, times: int = 1 << 30) -> list[Any]:
    """Have a method raise when `when(self, *arguments)` says so; return what it was called with then."""
    method = getattr(kind, name)
    failed: list[Any] = []

    def fail(self: Any, *arguments: Any, **options: Any) -> Any:
        if len(failed) < times and when(self, *arguments):
            failed.append(arguments)
            raise MemoryError
        return method(self, *arguments, **options)

    monkeypatch.setattr(kind, name, fail)
    return failed


async def connected(hosts: tuple[Host, Host], count: int) -> list[Peer]:
    server, client = hosts
    await server.stack.create_server(Echo, port=7)
    return [(await client.stack.create_connection(Peer, server.address, 7))[1] for _ in range(count)]


def test_a_frame_that_there_is_no_memory_for_is_dropped_and_comes_again(
    sim: Simulation, hosts: tuple[Host, Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        peers = await connected(hosts, 20)
        failed = failing(monkeypatch, Input, "_receive_any", lambda _self, data, *_: MARK in data, 3)
        for number, peer in enumerate(peers):
            peer.transport.write(MARK if number == 7 else b"good")
        await asyncio.sleep(20)
        assert len(failed) == 3
        assert hosts[0].stack.host.counters.no_memory == 3
        assert "no memory 3" in hosts[0].stack.report(1.0)
        assert [bytes(peer.received) for peer in peers] == [b"good"] * 7 + [MARK] + [b"good"] * 12

    sim.run(main())


def test_a_connection_whose_octets_there_is_no_memory_for_ends_and_no_other(
    sim: Simulation, hosts: tuple[Host, Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        peers = await connected(hosts, 9)
        failing(monkeypatch, Connection, "read", lambda self, _: any(MARK in piece[0] for piece in self.pieces))
        for number, peer in enumerate(peers):
            peer.transport.write(MARK if number == 4 else b"good")
        await asyncio.sleep(20)
        assert [peer.lost.is_set() for peer in peers] == [number == 4 for number in range(9)]
        assert b"".join(bytes(peer.received) for peer in peers) == b"good" * 8

    with pytest.raises(MemoryError):  # the loop's exception handler has been told
        sim.run(main())


def test_a_newcomer_that_there_is_no_memory_for_is_reset_and_others_are_not(
    sim: Simulation, hosts: tuple[Host, Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        (peer,) = await connected(hosts, 1)
        await asyncio.sleep(1)
        failing(monkeypatch, StackServer, "accept", lambda *_: True, 1)
        _, newcomer = await hosts[1].stack.create_connection(Peer, hosts[0].address, 7)
        await newcomer.lost.wait()
        assert isinstance(newcomer.error, ConnectionResetError)
        _, another = await hosts[1].stack.create_connection(Peer, hosts[0].address, 7)
        for one in (peer, another):
            one.transport.write(b"good")
        await asyncio.sleep(1)
        assert peer.received == another.received == b"good"
        assert hosts[0].stack.host.tcp.host.counters.no_memory == 1

    sim.run(main())


def test_what_there_is_no_memory_to_send_is_sent_later(
    sim: Simulation, hosts: tuple[Host, Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        peers = await connected(hosts, 5)
        server = hosts[0].stack.host.tcp
        failing(monkeypatch, Tcp, "_flush", lambda self, *_: self is server, 4)
        for peer in peers:
            peer.transport.write(b"good")
        await asyncio.sleep(5)
        assert all(peer.received == b"good" for peer in peers)
        assert server.host.counters.no_memory == 4

    sim.run(main())


def test_what_the_card_has_no_memory_to_send_is_lost_and_counted(
    sim: Simulation, hosts: tuple[Host, Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        (peer,) = await connected(hosts, 1)
        interface = hosts[0].stack.host.interface
        failing(monkeypatch, type(interface.net), "send", lambda self, _: self is interface.net, 2)
        peer.transport.write(b"good")
        await asyncio.sleep(20)
        assert peer.received == b"good"
        assert hosts[0].stack.host.counters.no_memory >= 2

    sim.run(main())
