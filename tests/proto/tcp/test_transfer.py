"""Transfers end to end over a bad link: complete, equal, and ended in order."""

from __future__ import annotations

from random import Random

import pytest

from fata.proto.tcp.settings import HostSettings, Settings
from fata.proto.tcp.state import State
from tests.proto.tcp.link import Faults, Link

PATIENT = HostSettings(time_wait=1000.0)  # a lossy link may take longer than a minute to get the last FIN across


def transfer(link: Link, octets: int, *, both: bool = False) -> None:
    """Send `octets` from the client (and back), close, and check that all of it came."""
    client, server = link.pair()
    there = Random(octets).randbytes(octets)
    back = Random(octets + 1).randbytes(octets) if both else b""
    link.write(client, there)
    link.shutdown(client)
    link.write(server, back)
    link.shutdown(server)
    link.run_until(lambda: client.closed and server.closed, limit=20_000)
    assert server.received == there
    assert client.received == back
    assert client.connection.failure is None
    assert server.connection.failure is None
    assert client.connection.queued == server.connection.queued == 0
    assert link.a.host.pool.held == link.b.host.pool.held == 0


def test_handshake_and_one_message() -> None:
    link = Link()
    client, server = link.pair()
    link.write(client, b"hello")
    link.run_until(lambda: server.received == b"hello")
    link.write(server, b"world")
    link.run_until(lambda: client.received == b"world")
    assert client.connection.state is State.ESTABLISHED
    assert server.connection.state is State.ESTABLISHED


@pytest.mark.parametrize("cut", [True, False])
@pytest.mark.parametrize("octets", [0, 1, 1460, 100_000, 1_000_000])
def test_clean(octets: int, cut: bool) -> None:
    transfer(Link(faults=Faults(cut=cut)), octets, both=True)


@pytest.mark.parametrize("algorithm", ["newreno", "cubic"])
@pytest.mark.parametrize("sack", [True, False])
@pytest.mark.parametrize("stamps", [True, False])
@pytest.mark.parametrize("loss", [0.01, 0.05, 0.3])
def test_loss(loss: float, stamps: bool, sack: bool, algorithm: str) -> None:
    settings = Settings(timestamps=stamps, sack=sack, congestion=algorithm, user_timeout=10_000.0)
    faults = Faults(loss=loss, reorder=0.1, duplicate=0.05)
    transfer(Link(faults=faults, a=settings, b=settings, host=PATIENT), 150_000, both=True)
