"""Any segments, in any state: nothing is raised, no count is negative, every cap holds."""

from __future__ import annotations

from dataclasses import fields
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fata.errors import StateError
from fata.proto.tcp.connection import Connection
from fata.proto.tcp.settings import HostSettings, Settings
from fata.wire.tcp import ACK, FIN, NO_OPTIONS, SYN, Options, Segment
from tests.proto.tcp.link import CLIENT, SERVER
from tests.proto.tcp.peer import PEER_PORT, PORT, Peer

SMALL = Settings(receive_buffer=4096, keepalive=True, send_limit=20_000, user_timeout=30.0)
CAPS = HostSettings(max_connections=8, max_half_open=4, max_buffered=20_000, max_time_wait=4, time_wait=5.0)


def starts() -> dict[str, Peer]:
    """A peer for every state that a host can be in."""
    found: dict[str, Peer] = {}
    for name in ("LISTEN", "SYN_SENT", "SYN_RECEIVED", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2"):
        found[name] = Peer(SMALL, CAPS)
    for name in ("CLOSE_WAIT", "LAST_ACK", "CLOSING", "TIME_WAIT"):
        found[name] = Peer(SMALL, CAPS)
    found["LISTEN"].listen(2)
    calling = found["SYN_SENT"]
    calling.user = calling.host.connect(SERVER, CLIENT, PEER_PORT, None, SMALL, calling.now, PORT)
    calling.flush()
    found["SYN_RECEIVED"].listen()
    found["SYN_RECEIVED"].say(SYN, ack=0, options=Options(1000, 3, True), timestamp=5)
    for name, peer in found.items():
        if name not in ("LISTEN", "SYN_SENT", "SYN_RECEIVED"):
            peer.open(Options(1000, 3, True), 5)
            peer.write(b"x" * 3000)
    for name in ("CLOSE_WAIT", "LAST_ACK"):
        found[name].say(FIN | ACK, ack=found[name].connection.snd_una)
    for name in ("FIN_WAIT_1", "FIN_WAIT_2", "CLOSING", "LAST_ACK", "TIME_WAIT"):
        found[name].connection.shutdown()
        found[name].flush()
    found["FIN_WAIT_2"].say()
    found["CLOSING"].say(FIN | ACK, ack=found["CLOSING"].connection.snd_una)
    found["TIME_WAIT"].say(FIN | ACK)
    return found


STATES = list(starts())


def test_the_states_are_what_they_are_called() -> None:
    for name, peer in starts().items():
        assert name == "LISTEN" or peer.state == name


def check(peer: Peer) -> None:
    """What must hold whatever was received."""
    host = peer.host
    for field in fields(host.counters):
        assert getattr(host.counters, field.name) >= 0
    assert 0 <= host.pool.held <= CAPS.max_buffered + 3 * SMALL.receive_buffer
    assert 0 <= host.half_open <= CAPS.max_half_open
    assert 0 <= host.live <= CAPS.max_connections
    assert host._waiting <= CAPS.max_time_wait
    for connection in host.connections.values():
        if isinstance(connection, Connection):
            check_connection(connection)


def check_connection(connection: Connection) -> None:
    """What must hold of a connection."""
    assert connection.snd_una <= connection.snd_nxt <= connection.snd_end + connection.fin_queued
    assert connection.rcv_nxt <= connection.rcv_edge
    assert connection.queued >= 0
    board = connection.scoreboard
    assert board.missing == sum(board.lost.ends) - sum(board.lost.starts) >= 0
    assert board.sacked == sum(board.ranges.ends) - sum(board.ranges.starts) >= 0
    assert board.pipe(connection.snd_nxt) + connection.snd_una >= board.una
    assert connection.left <= connection.snd_nxt - connection.snd_una
    assert connection.congestion.window > 0
    assert 0 <= connection.reassembly.charge <= SMALL.receive_buffer
    assert 0 <= connection.charge <= 2 * SMALL.receive_buffer + 3000
    assert connection.state.synchronized or not connection.pieces


def near(random: Random, number: int, span: int) -> int:
    """A number that is likely to matter."""
    offset = random.choice([0, 0, 0, 1, -1, random.randint(-span, span), random.getrandbits(32)])
    return (number + offset) & 0xFFFFFFFF


def any_segment(random: Random, peer: Peer) -> Segment:
    """A segment that is sometimes nearly right."""
    block = peer.user
    nxt = block.rcv_nxt if block else peer.seq
    una = block.snd_una if block else peer.ack
    flags = random.choice([ACK, ACK, ACK, ACK | FIN, SYN, SYN | ACK, random.getrandbits(8)])
    size = random.choice([0, 0, 1, 10, 1000, 3000])
    stamp = random.choice([None, 5, 6, 7, random.getrandbits(32)])
    edges = sorted(near(random, una, 4000) for _ in range(6))
    blocks = tuple((edges[at], edges[at + 1]) for at in range(0, 6, 2))
    rare = random.choice([NO_OPTIONS, NO_OPTIONS, Options(random.getrandbits(16), random.randrange(15), True, blocks)])
    seq, ack = near(random, nxt, 5000), near(random, una, 5000)
    return Segment(
        PEER_PORT,
        PORT,
        seq,
        ack,
        flags,
        random.getrandbits(16),
        bytes(size),
        0,
        size,
        stamp,
        random.getrandbits(32),
        rare,
    )


def act(random: Random, peer: Peer) -> None:
    """Something that a user or the clock does."""
    connection = peer.user
    kind = random.randrange(12)
    if kind == 0 or connection is None:
        peer.wait(random.choice([0.01, 0.3, 5.0, 100.0]))
    elif kind == 1:
        try:
            connection.write(bytes(random.randrange(3000)))
        except StateError:
            pass  # shut down, ended, or too much: a user's own bug, and told so
    elif kind == 2:
        connection.take()
    elif kind == 3:
        random.choice([connection.shutdown, connection.detach, connection.abort, connection.shutdown])()
    elif kind == 4:
        connection.set_path_mtu(random.randrange(2000), near(random, connection.snd_una, 2000), peer.now)
    elif kind == 5:
        connection.unreachable(random.random() < 0.5, near(random, connection.snd_una, 2000), peer.now)


def batter(name: str, seed: int, count: int) -> None:
    """Send `count` segments to a host in a state, with things happening in between."""
    random, peer = Random(seed), starts()[name]
    for _ in range(count):
        peer.tell(any_segment(random, peer), flush=random.random() < 0.8)
        act(random, peer)
        check(peer)
    peer.wait(10_000)
    check(peer)
    for resident in list(peer.host.connections.values()):
        if isinstance(resident, Connection):
            resident.abort()
            resident.flush(peer.now)
    peer.wait(10_000)
    assert not peer.host.connections
    assert peer.host.pool.held == 0
    assert peer.host.half_open == 0


@pytest.mark.parametrize("name", STATES)
@given(seed=st.integers(0, 1 << 32))
@settings(max_examples=10)
def test_random_segments(name: str, seed: int) -> None:
    batter(name, seed, 25)


@pytest.mark.slow
@pytest.mark.parametrize("name", STATES)
def test_many_random_segments(name: str) -> None:
    for seed in range(100):
        batter(name, seed, 100)
