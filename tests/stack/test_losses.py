"""Heavy losses both ways: connections get through, since one odd round trip does not rule the timer."""

from __future__ import annotations

import asyncio

import pytest

from fata.driver.net.line import Faults
from fata.proto.tcp.acknowledging import measure_by_echo
from fata.proto.tcp.connection import Connection
from fata.proto.tcp.host import TcpHost
from fata.sim.network import Simulation
from tests.conformance.stack import Accepting, Peer

SIZE = 200_000  # octets
MOST = 300.0  # seconds; the median of twenty seeds is 32


@pytest.mark.parametrize("seed", range(4))
def test_a_third_lost_each_way_is_slow_but_whole(seed: int) -> None:
    sim = Simulation(seed)
    server = sim.host("server", "10.0.0.1/24")
    client = sim.host("client", "10.0.0.2/24", link=Faults(loss=0.3, delay=0.02))
    sent = bytes(range(250)) * (SIZE // 250)

    async def main() -> None:
        accepting = Accepting()
        await server.stack.create_server(accepting, "10.0.0.1", 7)
        transport, _ = await client.stack.create_connection(Peer, "10.0.0.1", 7)
        transport.write(sent)
        transport.write_eof()
        peer = await accepting.accepted.get()
        async with asyncio.timeout(MOST):
            await peer.eof.wait()
        assert peer.received == sent

    with sim:
        sim.run(main())


def measured() -> Connection:
    """Return a connection whose timeout is a second, and whose segments have timestamps."""
    host = TcpHost(bytes(32))
    connection = host.connect(b"\x0a\0\0\2", b"\x0a\0\0\1", 7, None, None, 0.0)
    connection.stamps = True
    return connection


def echo_of(connection: Connection, moment: float) -> int:
    return connection.stamp(moment)


def test_one_round_trip_that_is_far_too_long_is_not_believed() -> None:
    connection = measured()
    connection.rtt.sample(0.5)
    before = connection.rtt.base
    measure_by_echo(connection, echo_of(connection, 40.0), 100.0)
    assert connection.rtt.base == before
    measure_by_echo(connection, echo_of(connection, 100.0), 100.4)
    assert connection.rtt.smoothed < 0.5


def test_a_path_that_has_become_slow_is_believed_when_it_says_so_again() -> None:
    connection = measured()
    connection.rtt.sample(0.02)
    measure_by_echo(connection, echo_of(connection, 10.0), 16.0)
    assert connection.rtt.timeout < 1
    measure_by_echo(connection, echo_of(connection, 20.0), 26.0)
    assert connection.rtt.timeout > 6


def test_an_echo_that_was_never_ours_is_never_believed() -> None:
    connection = measured()
    connection.rtt.sample(0.02)
    for _ in range(3):
        measure_by_echo(connection, echo_of(connection, 0.0), 1000.0)
    assert connection.rtt.timeout < 1
