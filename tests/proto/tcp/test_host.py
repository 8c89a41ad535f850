"""A host: its table, caps, ports, numbers, and its answers to strangers."""

from __future__ import annotations

import pytest

from fata.proto.tcp.host import TcpHost
from fata.proto.tcp.isn import TICKS, initial_numbers, stamp_offset
from fata.proto.tcp.ports import BadAddress, NoPortFree, PortInUse, Ports, TooManyConnections, is_unicast
from fata.proto.tcp.settings import HostSettings
from fata.proto.tcp.transmission import CLOSED, Failure
from fata.wire.tcp import ACK, FIN, RST, SYN, Options
from tests.proto.tcp.link import CLIENT, SERVER, Link, payload_sizes
from tests.proto.tcp.peer import PEER_PORT, PORT, Peer

NOW = 1000.0


def test_a_closed_port_refuses() -> None:
    peer = Peer()
    (answer,) = peer.say(SYN, ack=0, options=Options(1460))
    assert answer.flags == RST | ACK
    assert answer.seq == 0
    assert answer.ack == (peer.isn + 1) & 0xFFFFFFFF


def test_an_unknown_acknowledgment_is_reset_by_its_own_number() -> None:
    peer = Peer()
    (answer,) = peer.say(ACK, b"data", ack=777)
    assert answer.flags == RST
    assert answer.seq == 777


def test_an_unknown_fin_without_acknowledgment_counts_its_length() -> None:
    peer = Peer()
    (answer,) = peer.say(FIN, b"data", seq=100)
    assert answer.ack == 105


def test_a_reset_is_never_answered() -> None:
    peer = Peer()
    assert peer.say(RST) == []
    assert peer.say(RST | ACK) == []
    peer.listen()
    assert peer.say(RST) == []


def test_a_listener_resets_acknowledgments() -> None:
    peer = Peer()
    peer.listen()
    (answer,) = peer.say(ACK, ack=5)
    assert answer.flags == RST
    (answer,) = peer.say(SYN | ACK, ack=5)
    assert answer.flags == RST


def test_resets_are_limited() -> None:
    peer = Peer(host=HostSettings(resets_per_second=10))
    answers = [answer for _ in range(50) for answer in peer.say(ACK, ack=1)]
    assert len(answers) == 10
    assert peer.host.counters.resets_throttled == 40
    peer.now += 1
    assert len(peer.say(ACK, ack=1)) == 1


def test_listeners_of_an_address_and_of_all() -> None:
    peer = Peer()
    everywhere = peer.host.listen(None, PORT, 16, "all")
    here = peer.host.listen(SERVER, PORT, 16, "one")
    peer.open()
    assert peer.connection.listener is here
    here.close()
    peer.key = peer.key_for(5)
    peer.isn = peer.seq = 9
    peer.user = None
    peer.open()
    assert peer.connection.listener is everywhere


def test_a_port_is_listened_to_once() -> None:
    host = TcpHost(bytes(32))
    host.listen(None, PORT, 1, None)
    with pytest.raises(PortInUse, match="80"):
        host.listen(None, PORT, 1, None)
    host.listen(None, PORT + 1, 1, None)


def test_listening_does_not_disturb_what_is_established() -> None:
    peer = Peer()
    peer.open()
    listener = next(iter(peer.host.listeners.values()))
    listener.close()
    peer.listen()
    peer.say(ACK, b"still here")
    assert peer.take() == b"still here"


def test_a_closed_listener_ends_what_is_half_open() -> None:
    peer = Peer()
    peer.listen()
    peer.say(SYN, ack=0, options=Options(1460))
    next(iter(peer.host.listeners.values())).close()
    (reset,) = peer.flush()
    assert reset.flags & RST
    assert not peer.host.connections
    assert peer.host.half_open == 0


def test_the_cap_on_connections() -> None:
    peer = Peer(host=HostSettings(max_connections=5))
    peer.listen()
    for port in range(10):
        peer.key = peer.key_for(2000 + port)
        peer.say(SYN, ack=0, options=Options(1460))
    assert peer.host.live == 5
    assert peer.host.counters.refused_connections == 5
    with pytest.raises(TooManyConnections):
        peer.host.connect(SERVER, CLIENT, 1, None, None, NOW)
    assert peer.host.counters.refused_connections == 6


def test_a_connection_needs_a_free_pair_of_ports() -> None:
    host = TcpHost(bytes(32))
    host.connect(SERVER, CLIENT, 1, None, None, NOW, 5000)
    with pytest.raises(PortInUse, match="5000"):
        host.connect(SERVER, CLIENT, 1, None, None, NOW, 5000)
    host.connect(SERVER, CLIENT, 2, None, None, NOW, 5000)


def test_ports_are_chosen_from_the_range_and_never_twice() -> None:
    host = TcpHost(bytes(32), HostSettings(first_port=50000, last_port=50099))
    ports = [int.from_bytes(host.connect(SERVER, CLIENT, 1, None, None, NOW).key[-2:], "big") for _ in range(100)]
    assert sorted(ports) == list(range(50000, 50100))
    with pytest.raises(NoPortFree):
        host.connect(SERVER, CLIENT, 1, None, None, NOW)
    host.connect(SERVER, CLIENT, 2, None, None, NOW)


def test_ports_depend_on_the_secret() -> None:
    one = Ports(bytes(32), 49152, 65535).choose(CLIENT, SERVER, 80, {})
    other = Ports(bytes(31) + b"\x01", 49152, 65535).choose(CLIENT, SERVER, 80, {})
    assert one != other


@pytest.mark.parametrize("address", ["e0000001", "ffffffff", "00000000", "ff" + "00" * 15, "00" * 16])
def test_nobody_can_be_connected_to_at_many_addresses(address: str) -> None:
    remote = bytes.fromhex(address)
    assert not is_unicast(remote)
    with pytest.raises(BadAddress):
        TcpHost(bytes(32)).connect(bytes(len(remote)), remote, 80, None, None, NOW)


def test_initial_numbers_follow_a_clock_of_four_microseconds() -> None:
    key = CLIENT + SERVER + bytes(4)
    first, _ = initial_numbers(bytes(32), key, NOW)
    assert (initial_numbers(bytes(32), key, NOW + 1)[0] - first) & 0xFFFFFFFF == TICKS


def test_initial_numbers_depend_on_the_secret_and_on_all_of_the_key() -> None:
    key = CLIENT + SERVER + bytes(4)
    numbers = {initial_numbers(bytes(32), key[:at] + b"\x77" + key[at + 1 :], NOW)[0] for at in range(len(key))}
    numbers.add(initial_numbers(bytes(31) + b"\x01", key, NOW)[0])
    assert len(numbers) == len(key) + 1
    isn, offset = initial_numbers(bytes(32), key, 0.0)
    assert stamp_offset(bytes(32), key) == offset != isn


def test_entropy_may_be_a_source() -> None:
    asked: list[int] = []

    def source(count: int) -> bytes:
        asked.append(count)
        return bytes(count)

    TcpHost(source)
    assert asked == [32]


def test_many_connections_leave_nothing_behind() -> None:
    link = Link()
    link.listen()
    for _ in range(50):
        client, server = link.pair()
        link.write(client, b"x" * 5000)
        link.shutdown(client)
        link.run_until(lambda server=server: server.ended)  # type: ignore[misc]
        link.shutdown(server)
        link.run_until(lambda client=client: client.closed)  # type: ignore[misc]
    link.run(200)
    for end in (link.a, link.b):
        assert not end.host.connections
        assert end.host.half_open == 0
        assert end.host.pool.held == 0
        assert len(end.host._deadlines) == 0
        assert end.host.next_deadline() == float("inf")


def test_deadlines_of_the_dead_are_swept() -> None:
    peer = Peer()
    peer.listen()
    for at in range(1000):
        peer.key = peer.key_for(1024 + at)
        peer.user = None
        peer.isn = peer.seq = at
        peer.open()
        peer.connection.keepalive = True
        peer.flush()
        peer.connection.abort()
        peer.flush()
    assert len(peer.host._deadlines) < 200


def test_the_heap_does_not_grow_with_deadlines_that_move() -> None:
    link = Link()
    client, server = link.pair()
    for _ in range(500):
        link.write(client, b"ping")
        link.run_until(lambda: bool(server.received))
        server.received.clear()
    assert len(link.a.host._deadlines) + len(link.b.host._deadlines) < 20


def test_failures_are_told_and_counted() -> None:
    link = Link()
    client, server = link.pair()
    link.abort(server)
    link.run_until(lambda: client.closed)
    assert client.connection.failure is Failure.RESET
    assert client.events & CLOSED
    assert link.a.host.counters.failed == link.b.host.counters.failed == 1
    assert link.b.host.counters.resets_sent == 1
    assert link.a.host.counters.resets_received == 1


def test_the_same_seed_gives_the_same_segments() -> None:
    def run() -> list[tuple[float, str, int]]:
        link = Link(seed=3)
        client, server = link.pair()
        link.faults.loss = 0.1
        link.write(client, b"x" * 100_000)
        link.run_until(lambda: len(server.received) == 100_000)
        return payload_sizes(link)

    assert run() == run()


def test_the_key_is_the_order_of_a_received_frame() -> None:
    peer = Peer()
    peer.open()
    assert peer.connection.key == CLIENT + SERVER + PEER_PORT.to_bytes(2, "big") + PORT.to_bytes(2, "big")


def test_a_deadline_that_moved_later_is_not_ticked_early() -> None:
    peer = Peer()
    peer.open()
    peer.write(b"x" * 100)
    early = peer.host.next_deadline()
    peer.now += 0.1
    peer.say()
    peer.write(b"y" * 100)
    assert peer.host.next_deadline() == early
    assert peer.host.tick(early) == []
    assert peer.host.next_deadline() > early


def test_caps_follow_the_memory_of_a_small_machine() -> None:
    most, small = HostSettings(), HostSettings.within(4 << 20)
    assert HostSettings.within(1 << 40) == most
    assert small == HostSettings(
        max_connections=256,
        max_half_open=64,
        max_buffered=1 << 20,
        max_written=1 << 19,
        max_delivered=8192,
        max_time_wait=512,
    )
    assert HostSettings.within(64 << 20).max_connections == 1024


def test_at_the_cap_those_give_way_that_nobody_uses_any_more() -> None:
    peer = Peer(host=HostSettings(max_connections=3))
    peer.listen()
    opened = []
    for port in range(1000, 1003):
        peer.key = peer.key_for(port)
        peer.isn = peer.seq = port
        peer.user = None
        peer.open()
        opened.append(peer.connection)
    for connection in (opened[1], opened[0]):  # the peer will never acknowledge their FIN
        connection.shutdown()
        connection.flush(peer.now)
        peer.host.abandon(connection)
    for port, ended in ((2000, opened[1]), (2001, opened[0])):
        peer.key = peer.key_for(port)
        peer.isn = peer.seq = port
        answers = peer.say(SYN, ack=0)
        assert [answer.flags for answer in answers] == [RST | ACK, SYN | ACK]
        assert (ended.state.name, ended.failure) == ("CLOSED", Failure.ABORTED)
        peer.say()
    assert opened[2].state.name == "ESTABLISHED"
    peer.key = peer.key_for(2002)
    assert peer.say(SYN, ack=0) == []
    assert (peer.host.counters.evicted_abandoned, peer.host.counters.refused_connections) == (2, 1)
    peer.host.abandon(opened[0])
    assert peer.say(SYN, ack=0) == [], "whoever has ended makes no room"
