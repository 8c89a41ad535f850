"""TIME-WAIT: the record, what it answers, and who may take its place (RFC 9293 3.6.1, RFC 6191, RFC 1337)."""

from __future__ import annotations

from fata.proto.tcp.settings import HostSettings
from fata.proto.tcp.time_wait import TimeWait
from fata.wire.tcp import ACK, FIN, RST, SYN, Options
from tests.proto.tcp.link import CLIENT, SERVER, Link
from tests.proto.tcp.peer import PEER_PORT, PORT, Peer


def waiting(timestamp: int | None = None, host: HostSettings | None = None) -> Peer:
    """A host that closed first and is in TIME-WAIT."""
    peer = Peer(host=host)
    peer.open(Options(1460, 7, True), timestamp)
    peer.connection.shutdown()
    peer.flush()
    peer.say(FIN | ACK)
    assert peer.state == "TIME_WAIT"
    return peer


def test_a_record_stands_for_two_segment_lifetimes() -> None:
    peer = waiting()
    peer.wait(59)
    assert peer.state == "TIME_WAIT"
    peer.wait(2)
    assert not peer.host.connections


def test_the_wait_can_be_set() -> None:
    peer = waiting(host=HostSettings(time_wait=240.0))
    peer.wait(239)
    assert peer.state == "TIME_WAIT"


def test_a_repeated_fin_is_acknowledged_and_starts_the_wait_anew() -> None:
    peer = waiting()
    peer.wait(50)
    (answer,) = peer.say(FIN | ACK, seq=(peer.seq - 1) & 0xFFFFFFFF)
    assert answer.flags == ACK
    assert answer.ack == peer.seq & 0xFFFFFFFF
    peer.wait(50)
    assert peer.state == "TIME_WAIT"
    peer.wait(11)
    assert not peer.host.connections


def test_its_acknowledgment_has_timestamps_where_they_were_agreed_on() -> None:
    peer = waiting(timestamp=500)
    (answer,) = peer.say(FIN | ACK, seq=(peer.seq - 1) & 0xFFFFFFFF)
    assert answer.timestamp is not None
    assert answer.echo == 500


def test_a_reset_does_not_end_it() -> None:
    peer = waiting()
    assert peer.say(RST) == []
    assert peer.state == "TIME_WAIT"


def test_an_acknowledgment_in_order_is_not_answered() -> None:
    peer = waiting()
    assert peer.say() == []


def test_old_data_are_acknowledged() -> None:
    peer = waiting()
    (answer,) = peer.say(ACK, b"old", seq=(peer.seq - 4) & 0xFFFFFFFF)
    assert answer.flags == ACK


def test_a_new_syn_above_the_old_numbers_takes_the_place() -> None:
    peer = waiting()
    last = peer.record.snd_nxt
    peer.seq = peer.isn = peer.seq + 1000
    (answer,) = peer.say(SYN, ack=0, options=Options(1460))
    assert answer.flags == SYN | ACK
    assert 0 < (answer.seq - last) & 0xFFFFFFFF < 1 << 31
    peer.say()
    assert peer.state == "ESTABLISHED"
    assert peer.host.counters.time_wait_reused == 1


def test_a_syn_below_the_old_numbers_is_answered_only() -> None:
    peer = waiting()
    (answer,) = peer.say(SYN, ack=0, seq=(peer.seq - 1000) & 0xFFFFFFFF, options=Options(1460))
    assert answer.flags == ACK
    assert peer.state == "TIME_WAIT"


def test_with_timestamps_a_newer_one_suffices() -> None:
    peer = waiting(timestamp=500)
    peer.timestamp = 501
    (answer,) = peer.say(SYN, ack=0, seq=(peer.seq - 1000) & 0xFFFFFFFF, options=Options(1460))
    assert answer.flags == SYN | ACK


def test_with_timestamps_an_older_one_is_refused() -> None:
    peer = waiting(timestamp=500)
    peer.timestamp = 400
    (answer,) = peer.say(SYN, ack=0, seq=(peer.seq + 1000) & 0xFFFFFFFF, options=Options(1460))
    assert answer.flags == ACK


def test_nobody_listens_any_more() -> None:
    peer = waiting()
    next(iter(peer.host.listeners.values())).close()
    peer.say(SYN, ack=0, seq=(peer.seq + 1000) & 0xFFFFFFFF, options=Options(1460))
    assert peer.state == "TIME_WAIT"


def test_we_may_reconnect_from_a_port_in_time_wait() -> None:
    peer = waiting()
    last = peer.record.snd_nxt
    peer.user = peer.host.connect(SERVER, CLIENT, PEER_PORT, None, None, peer.now, PORT)
    (syn,) = peer.flush()
    assert 0 < (syn.seq - last) & 0xFFFFFFFF < 1 << 31
    assert isinstance(peer.host.connections[peer.key], type(peer.user))


def test_too_many_records_evict_the_oldest() -> None:
    link = Link(host=HostSettings(max_time_wait=10))
    link.listen()
    for _ in range(30):
        client, server = link.pair()
        link.shutdown(client)
        link.run_until(lambda server=server: server.ended)  # type: ignore[misc]
        link.shutdown(server)
        link.run_until(lambda client=client, server=server: client.closed and server.closed)  # type: ignore[misc]
    records = [c for c in link.a.host.connections.values() if isinstance(c, TimeWait)]
    assert len(records) == 10
    assert link.a.host.counters.evicted_time_wait == 20
    assert link.a.host.live == 0
    link.run(61)
    assert not link.a.host.connections


def test_a_record_looks_like_a_connection_to_the_interface() -> None:
    record = waiting().record
    assert record.owner is None
    assert record.failure is None
    assert record.tick(1e9) == 0
    assert record.flush(1e9) == []
