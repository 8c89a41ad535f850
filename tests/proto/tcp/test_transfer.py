"""Transfers end to end over a bad link: complete, equal, and ended in order."""

from __future__ import annotations

from random import Random

import pytest

from fata.proto.tcp.isn import TICKS, initial_numbers
from fata.proto.tcp.settings import HostSettings, Settings
from fata.proto.tcp.state import State
from tests.proto.tcp.link import CLIENT, PORT, SERVER, Faults, Link

PATIENT = HostSettings(time_wait=1000.0)  # a lossy link may take longer than a minute to get the last FIN across
PATIENCE = 10_000.0  # seconds of user timeout: at 30 % of loss each way a row of eight losses is nothing special


def transfer(link: Link, octets: int, *, both: bool = False) -> float:
    """Send `octets` from the client (and back), close, check that all of it came; return the seconds it took."""
    client, server = link.pair()
    there = Random(octets).randbytes(octets)
    back = Random(octets + 1).randbytes(octets) if both else b""
    start = link.now
    link.write(client, there)
    link.shutdown(client)
    link.write(server, back)
    link.shutdown(server)
    link.run_until(lambda: client.ended and server.ended, limit=20_000)
    took = link.now - start
    link.run_until(lambda: client.closed and server.closed, limit=20_000)
    assert server.received == there
    assert client.received == back
    assert client.connection.failure is None
    assert server.connection.failure is None
    assert client.connection.queued == server.connection.queued == 0
    assert link.a.host.pool.held == link.b.host.pool.held == 0
    return took


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
    settings = Settings(timestamps=stamps, sack=sack, congestion=algorithm, user_timeout=PATIENCE)
    faults = Faults(loss=loss, reorder=0.1, duplicate=0.05)
    transfer(Link(faults=faults, a=settings, b=settings, host=PATIENT), 100_000, both=True)


@pytest.mark.parametrize("buffer", [2000, 16_384, 1 << 20])
@pytest.mark.parametrize("rtt", [0.001, 0.03, 0.3])
@pytest.mark.parametrize("loss", [0.0, 0.02, 0.1])
def test_buffers_delays_and_losses(loss: float, rtt: float, buffer: int) -> None:
    settings = Settings(receive_buffer=buffer, user_timeout=PATIENCE)
    faults = Faults(loss=loss, delay=rtt / 2, reorder=loss, duplicate=loss, late=rtt)
    transfer(Link(seed=7, faults=faults, a=settings, b=settings, host=PATIENT), 60_000, both=True)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("cut", [True, False])
@pytest.mark.parametrize("loss", [0.0, 0.01, 0.05, 0.15, 0.3])
def test_many_seeds(loss: float, cut: bool, seed: int) -> None:
    settings = Settings(user_timeout=PATIENCE)
    faults = Faults(loss=loss, reorder=0.2, duplicate=0.1, late=0.1, cut=cut)
    transfer(Link(seed=seed, faults=faults, a=settings, b=settings, host=PATIENT), 500_000, both=True)


def test_a_link_is_filled() -> None:
    """Without losses the link's rate is the limit: 2.5 million octets a second, 20 ms of round trip."""
    took = transfer(Link(faults=Faults(delay=0.01, rate=2.5e6)), 2_000_000)
    assert took < 1.25 * 2_000_000 / 2.5e6


@pytest.mark.parametrize("before", [1, 3000, 40_000])
def test_sequence_numbers_wrap_around(before: int) -> None:
    """The client's numbers pass 2^32 in the handshake, in the first flight, and later on; under loss."""
    link = Link(faults=Faults(loss=0.03, reorder=0.1))
    key = SERVER + CLIENT + PORT.to_bytes(2, "big") + (5000).to_bytes(2, "big")
    offset, _ = initial_numbers(CLIENT * 8, key, 0.0)
    link.now = ((1 << 32) - before - offset) % (1 << 32) / TICKS
    link.listen()
    client = link.connect(5000)
    assert (1 << 32) - before - 2 <= client.connection.iss < 1 << 32
    data = Random(4).randbytes(200_000)
    link.write(client, data)
    link.run_until(lambda: bool(link.b.users) and link.b.users[-1].received == data)
    server = link.b.users[-1]
    link.write(server, data)
    link.shutdown(client)
    link.shutdown(server)
    link.run_until(lambda: client.closed and server.closed)
    assert client.received == data


def test_small_writes_both_ways_under_loss() -> None:
    link = Link(faults=Faults(loss=0.05, reorder=0.1))
    client, server = link.pair()
    random = Random(9)
    there, back = b"", b""
    for _ in range(300):
        part = random.randbytes(random.randrange(1, 200))
        link.write(client, part)
        there += part
        part = random.randbytes(random.randrange(1, 200))
        link.write(server, part)
        back += part
        link.run(random.random() * 0.02)
    link.run_until(lambda: server.received == there and client.received == back)


def test_loss_of_empty_segments_only() -> None:
    """Acknowledgments get lost, data do not."""
    link = Link()
    client, server = link.pair()
    random = Random(2)
    link.drop = lambda _side, segment: segment.end == segment.start and random.random() < 0.5
    link.write(client, b"x" * 500_000)
    link.run_until(lambda: len(server.received) == 500_000)


def test_a_switch_that_is_on_and_off() -> None:
    link = Link(faults=Faults(rate=1e6))
    client, server = link.pair()
    link.drop = lambda _side, _segment: int(link.now * 2.3) % 2 == 1
    link.write(client, b"x" * 500_000)
    link.run_until(lambda: len(server.received) == 500_000, limit=600)


def test_a_reader_that_pauses_again_and_again() -> None:
    link = Link(b=Settings(receive_buffer=30_000))
    client, server = link.pair()
    link.write(client, b"x" * 400_000)
    while len(server.received) < 400_000:
        server.reading = not server.reading
        link.run(0.3)
        if server.reading:
            link.read(server)


def test_many_connections_at_once() -> None:
    link = Link(faults=Faults(loss=0.02))
    pairs = [link.pair() for _ in range(20)]
    for at, (client, server) in enumerate(pairs):
        link.write(client, bytes([at]) * 20_000)
        link.write(server, bytes([100 + at]) * 20_000)
    link.run_until(lambda: all(len(user.received) == 20_000 for pair in pairs for user in pair))
    for at, (client, server) in enumerate(pairs):
        assert set(server.received) == {at}
        assert set(client.received) == {100 + at}
