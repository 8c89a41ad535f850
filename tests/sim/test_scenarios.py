"""The scenarios of mirage-tcpip's iperf tests, and a few hours of patience, over the whole stack."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from fata.driver.net.line import Blackout, Faults
from fata.sim.host import Host
from fata.sim.network import LAN, Simulation
from tests.conformance.stack_peers import Accepting, Peer
from tests.sim.traffic import ask_rightly, serve

pytestmark = pytest.mark.slow  # in all, some seconds

BULK = bytes(range(251)) * 20_000  # 5 MB


@pytest.fixture
def server(sim: Simulation) -> Host:
    host = sim.host("server")
    sim.run(serve(host))
    return host


@pytest.fixture
def client(sim: Simulation, server: Host) -> Host:
    return sim.host("client")


def send(sim: Simulation, client: Host, server: Host, faults: Faults, octets: int = 1_000_000) -> None:
    """Send over such a line, both ways."""
    server.sending = server.receiving = faults
    sim.run(ask_rightly(client, server, BULK[:octets]))


def test_a_line_that_enforces_its_mtu(sim: Simulation, client: Host, server: Host) -> None:
    send(sim, client, server, replace(LAN, mtu=1500))
    assert server.cable.receiving.counters.too_large == 0


def test_rubbish_behind_each_frame(sim: Simulation, client: Host, server: Host) -> None:
    for trailing in (1, 4, 18):
        send(sim, client, server, replace(LAN, trailing=trailing), 300_000)
    assert server.stack.host.counters.malformed == server.stack.host.counters.bad_checksum == 0


def test_uniform_loss(sim: Simulation, client: Host, server: Host) -> None:
    send(sim, client, server, replace(LAN, loss=0.05))
    assert server.cable.receiving.counters.lost > 20


def test_loss_of_empty_segments(sim: Simulation, client: Host, server: Host) -> None:
    send(sim, client, server, replace(LAN, loss_of_empty=0.5), len(BULK))
    assert server.cable.sending.counters.lost_empty > 5


def test_a_black_out_of_a_second_after_a_megabyte(sim: Simulation, client: Host, server: Host) -> None:
    send(sim, client, server, replace(LAN, rate=1e8, blackouts=(Blackout(1.0, after_octets=1_000_000),)), len(BULK))
    assert 1 < sim.now < 4


def test_a_switch_that_is_on_and_off(sim: Simulation, client: Host, server: Host) -> None:
    gaps = tuple(Blackout(0.5, at=float(second)) for second in range(1, 40))
    send(sim, client, server, replace(LAN, rate=1e7, blackouts=gaps), 2_000_000)
    assert 2 < sim.now < 15


def test_a_slow_reader_does_not_end_in_a_deadlock(sim: Simulation, client: Host, server: Host) -> None:
    async def main() -> None:
        accepting = Accepting()
        await server.stack.create_server(accepting, port=8)
        transport, _ = await client.stack.create_connection(Peer, server.address, 8)
        reading: Any = await accepting.accepted.get()
        transport.write(BULK)
        transport.write_eof()
        while not reading.eof.is_set():
            reading.transport.resume_reading()
            await asyncio.sleep(0.001)
            reading.transport.pause_reading()
            await asyncio.sleep(0.2)
        assert reading.received == BULK
        transport.close()
        reading.transport.close()

    sim.run(main())


def test_a_window_that_is_closed_for_an_hour(sim: Simulation, client: Host, server: Host) -> None:
    async def main() -> None:
        accepting = Accepting()
        await server.stack.create_server(accepting, port=8)
        transport, peer = await client.stack.create_connection(Peer, server.address, 8)
        reading: Any = await accepting.accepted.get()
        reading.transport.pause_reading()
        transport.write(BULK)
        transport.write_eof()
        before = client.stack.host.counters.sent
        await asyncio.sleep(3600)
        assert not peer.lost.is_set()
        assert client.stack.host.counters.sent - before < 1500  # the window, then a probe a minute, and ARP
        reading.transport.resume_reading()
        await reading.eof.wait()
        assert reading.received == BULK
        transport.close()
        reading.transport.close()

    sim.run(main())


def options(transport: Any, **values: float) -> None:
    """Change the settings of one connection."""
    connection = transport._connection
    connection.settings = replace(connection.settings, **values)


async def connect(server: Host, client: Host) -> tuple[Any, Any, Any]:
    """Return the client's transport, its protocol, and the server's."""
    accepting = Accepting()
    await server.stack.create_server(accepting, port=8)
    transport, peer = await client.stack.create_connection(Peer, server.address, 8)
    return transport, peer, await accepting.accepted.get()


def test_keepalive_finds_a_peer_without_power(sim: Simulation, client: Host, server: Host) -> None:
    async def main() -> None:
        transport, peer, _ = await connect(server, client)
        options(transport, keepalive_idle=100, keepalive_interval=10, keepalive_probes=3)
        transport._connection.keepalive = True
        client.stack.host.tcp.touch(transport._connection)
        await asyncio.sleep(1000)
        assert not peer.lost.is_set()
        server.power_cut()
        await peer.lost.wait()
        assert isinstance(peer.error, TimeoutError)

    sim.run(main())
    assert 1000 < sim.now < 1200


def test_the_user_timeout_ends_what_makes_no_progress(sim: Simulation, client: Host, server: Host) -> None:
    async def main() -> None:
        transport, peer, _ = await connect(server, client)
        options(transport, user_timeout=20)
        sim.cut(client, server)
        transport.write(b"x")
        await peer.lost.wait()
        assert isinstance(peer.error, OSError)

    sim.run(main())
    assert 2 < sim.now < 25


def test_both_ends_close_at_once(sim: Simulation, client: Host, server: Host) -> None:
    async def main() -> None:
        transport, peer, accepted = await connect(server, client)
        transport.close()
        accepted.transport.close()
        await peer.lost.wait()
        await accepted.lost.wait()
        assert peer.error is accepted.error is None
        await asyncio.sleep(200)
        assert not client.stack.host.tcp.host.connections
        assert not server.stack.host.tcp.host.connections

    sim.run(main())


def test_both_ends_open_at_once(sim: Simulation, client: Host, server: Host) -> None:
    """Each connects to the other's port before either has heard of it."""

    async def main() -> None:
        calls = [host.stack.host.calls for host in (client, server)]
        one, other = await asyncio.gather(
            calls[0].create_connection(Peer, server.address, 6000, local_addr=(client.address, 5000)),
            calls[1].create_connection(Peer, client.address, 5000, local_addr=(server.address, 6000)),
        )
        one[0].write(b"from one")
        other[0].write(b"from the other")
        await asyncio.sleep(1)
        assert (one[1].received, other[1].received) == (b"from the other", b"from one")
        one[0].close()
        other[0].close()

    sim.run(main())


def test_a_port_in_time_wait_is_used_again(sim: Simulation, client: Host, server: Host) -> None:
    async def main() -> None:
        accepting = Accepting()
        await server.stack.create_server(accepting, port=8)
        for number in range(3):
            transport, peer = await client.stack.host.calls.create_connection(
                Peer, server.address, 8, local_addr=(client.address, 5000)
            )
            accepted: Any = await accepting.accepted.get()
            transport.write(b"%d" % number)
            await asyncio.sleep(0.1)
            assert accepted.received == b"%d" % number
            accepted.transport.close()  # the server waits
            await peer.eof.wait()
            transport.close()
            await asyncio.sleep(0.1)
        assert server.stack.host.tcp.host.counters.time_wait_reused == 2

    sim.run(main())
