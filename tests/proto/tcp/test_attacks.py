"""Blind attacks, floods and old duplicates (RFC 5961, RFC 7323 5, RFC 9293 3.9.2.3)."""

from __future__ import annotations

import pytest

from fata.proto.tcp.settings import RECEIVED_FLOOR, HostSettings, Settings
from fata.proto.tcp.transmission import RECEIVED
from fata.wire.tcp import ACK, FIN, RST, SYN, Options
from tests.proto.tcp.link import CLIENT
from tests.proto.tcp.peer import Peer


def opened(settings: Settings | None = None, host: HostSettings | None = None, timestamp: int | None = None) -> Peer:
    peer = Peer(settings, host)
    peer.open(Options(1460, 7, True), timestamp)
    peer.events = 0
    return peer


def test_a_reset_beside_the_sequence_is_challenged() -> None:
    peer = opened()
    (answer,) = peer.say(RST, seq=(peer.seq + 100) & 0xFFFFFFFF)
    assert answer.flags == ACK
    assert answer.ack == peer.seq & 0xFFFFFFFF
    assert peer.state == "ESTABLISHED"
    assert peer.host.counters.challenge_acks == 1


def test_a_reset_outside_the_window_is_dropped() -> None:
    peer = opened()
    assert peer.say(RST, seq=(peer.seq - 1) & 0xFFFFFFFF) == []
    assert peer.say(RST, seq=(peer.seq + 10_000_000) & 0xFFFFFFFF) == []
    assert peer.state == "ESTABLISHED"


@pytest.mark.parametrize("offset", [0, 100, -50, 1 << 30])
def test_a_syn_is_challenged_wherever_it_lies(offset: int) -> None:
    peer = opened()
    (answer,) = peer.say(SYN, seq=(peer.seq + offset) & 0xFFFFFFFF)
    assert answer.flags == ACK
    assert peer.state == "ESTABLISHED"


def test_an_acknowledgment_of_what_was_never_sent_is_challenged_and_its_data_dropped() -> None:
    peer = opened()
    (answer,) = peer.say(ACK, b"evil", ack=peer.ack + 1000, seq=peer.seq & 0xFFFFFFFF)
    assert answer.flags == ACK
    assert peer.events == 0
    assert peer.host.counters.dropped_bad_ack == 1


def test_an_acknowledgment_older_than_any_window_is_challenged() -> None:
    peer = opened()
    peer.say(ACK, b"evil", ack=peer.ack - (1 << 30), seq=peer.seq & 0xFFFFFFFF)
    assert peer.events == 0
    assert peer.host.counters.dropped_bad_ack == 1


def test_an_old_acknowledgment_within_the_window_is_harmless() -> None:
    peer = opened()
    peer.write(b"x" * 100)
    peer.say()
    peer.say(ACK, b"data", ack=peer.ack - 50)
    assert peer.events & RECEIVED


def test_challenges_are_throttled_for_each_connection() -> None:
    peer = opened()
    answers = [answer for _ in range(50) for answer in peer.say(SYN, seq=peer.seq & 0xFFFFFFFF)]
    assert len(answers) == 1
    assert peer.host.counters.challenge_acks_throttled == 49
    peer.wait(0.6)
    assert len(peer.say(SYN, seq=peer.seq & 0xFFFFFFFF)) == 1


def test_two_confused_peers_do_not_acknowledge_each_other_for_ever() -> None:
    peer = opened()
    answers = [answer for _ in range(20) for answer in peer.say(seq=(peer.seq - 5) & 0xFFFFFFFF)]
    assert len(answers) == 1


def test_paws_drops_old_segments_and_says_so() -> None:
    peer = opened(timestamp=1000)
    peer.say(ACK, b"new", timestamp=2000)
    peer.say(ACK, b"more", timestamp=2001)
    peer.events = 0
    peer.take()
    answers = peer.say(ACK, b"old!", timestamp=1500, seq=peer.seq & 0xFFFFFFFF)
    assert peer.events == 0
    assert peer.host.counters.dropped_paws == 1
    assert len(answers) == 1


def test_paws_drops_an_acknowledgment_that_was_overtaken_too() -> None:
    """RFC 7323 5.3 R1 knows no exception for empty segments; what it would have told, a later one has told already."""
    peer = opened(timestamp=1000)
    peer.write(b"x" * 2000)
    una = peer.connection.snd_una
    peer.say(ACK, ack=una + 1448, timestamp=1002)
    assert len(peer.say(ACK, ack=una + 1000, timestamp=1001)) == 1
    assert peer.say(ACK, ack=una + 1000, timestamp=1001) == []  # throttled: two peers must not go on for ever
    assert peer.host.counters.dropped_paws == 2
    assert peer.connection.snd_una == una + 1448


def test_data_that_were_overtaken_pass_paws() -> None:
    """Only what comes in order moves TS.Recent (RFC 7323 4.3), so an older stamp behind a gap is none."""
    peer = opened(timestamp=1000)
    first = peer.seq
    peer.say(ACK, b"second", seq=(first + 5) & 0xFFFFFFFF, timestamp=1009)
    peer.say(ACK, seq=(first + 11) & 0xFFFFFFFF, timestamp=1010)
    peer.say(ACK, b"first", seq=first & 0xFFFFFFFF, timestamp=1001)
    assert peer.take() == b"firstsecond"
    assert peer.host.counters.dropped_paws == 0


def test_paws_does_not_stop_a_reset() -> None:
    peer = opened(timestamp=1000)
    peer.say(ACK, b"new", timestamp=2000)
    peer.wait(1)
    peer.say(RST, timestamp=10)
    assert peer.state == "CLOSED"


def test_paws_lets_timestamps_wrap_around() -> None:
    peer = opened(timestamp=0xFFFFFFF0)
    peer.say(ACK, b"new", timestamp=0xFFFFFFFF)
    peer.wait(1)
    peer.say(ACK, b"newer", timestamp=5)
    assert peer.take() == b"newnewer"


def test_paws_forgets_after_24_days() -> None:
    peer = opened(timestamp=1000)
    peer.now += 25 * 86400
    peer.say(ACK, b"hello again", timestamp=900)
    assert peer.take() == b"hello again"


def test_a_segment_without_the_agreed_timestamps_is_dropped() -> None:
    peer = opened(timestamp=1000)
    assert peer.say(ACK, b"naked", timestamp=None, seq=peer.seq & 0xFFFFFFFF) == []
    assert peer.events == 0
    assert peer.host.counters.dropped_no_timestamp == 1


def test_the_timestamp_echoed_is_that_of_the_segment_that_is_acknowledged() -> None:
    """RFC 7323 4.3: with delayed acknowledgments the earlier one, with a gap the one before the gap."""
    peer = opened(timestamp=1000)
    peer.say(ACK, b"w" * 1000)
    assert peer.say(ACK, b"a" * 10, timestamp=1001) == []
    assert peer.say(ACK, b"b" * 10, timestamp=1002) == []
    (answer,) = peer.wait(0.1)
    assert answer.echo == 1001
    (answer,) = peer.say(ACK, b"d" * 10, timestamp=1005, seq=(peer.seq + 10) & 0xFFFFFFFF)
    assert answer.echo == 1001
    (answer,) = peer.say(ACK, b"c" * 10, timestamp=1004)
    assert answer.echo == 1004


def test_segments_without_an_acknowledgment_are_dropped() -> None:
    peer = opened()
    assert peer.say(0, b"data", seq=peer.seq & 0xFFFFFFFF) == []
    assert peer.host.counters.dropped_no_ack == 1


def test_data_beyond_the_window_are_cut_off() -> None:
    peer = opened(Settings(receive_buffer=4000))
    room = peer.connection.rcv_edge - peer.connection.rcv_nxt
    peer.say(ACK | FIN, b"y" * (room + 500))
    assert len(peer.take()) == room
    assert peer.state == "ESTABLISHED"  # the FIN lay outside


def test_data_around_the_edge_of_the_old_and_new() -> None:
    peer = opened()
    peer.say(ACK, b"0123456789")
    peer.say(ACK, b"56789abcde", seq=(peer.seq - 5) & 0xFFFFFFFF)
    assert peer.take() == b"0123456789abcde"


def test_urgent_data_stay_in_line() -> None:
    """RFC 6093: the urgent pointer is of no use; its octets are octets like all others."""
    peer = opened()
    peer.say(ACK | 0x20, b"urgent")
    assert peer.take() == b"urgent"


def test_segments_of_one_octet_do_not_fill_the_memory() -> None:
    peer = opened(Settings(receive_buffer=65536))
    frame = bytes(1400)
    for _ in range(60_000):
        if peer.connection.rcv_edge <= peer.connection.rcv_nxt:
            break
        segment = peer.segment(ACK, b"")._replace(data=frame, start=1399, end=1400)
        peer.tell(segment)
        peer.seq += 1
        assert peer.connection.charge <= 2 * 65536 + 2000
    assert peer.host.pool.held <= 2 * 65536 + 2000


def test_out_of_order_islands_do_not_fill_the_memory() -> None:
    peer = opened(Settings(receive_buffer=65536))
    for at in range(1, 30_000):
        segment = peer.segment(ACK, b"z", seq=(peer.seq + 2 * at) & 0xFFFFFFFF)
        peer.tell(segment, flush=at % 64 == 0)
    assert peer.connection.reassembly.charge <= 65536
    assert peer.host.counters.dropped_out_of_order > 0
    peer.say(ACK, b"first")
    assert peer.take().startswith(b"first")


def test_the_hosts_memory_has_a_cap_for_all_connections() -> None:
    peer = Peer(host=HostSettings(max_buffered=50_000))
    peer.listen()
    for port in range(20):
        peer.key = peer.key_for(1000 + port)
        peer.isn = peer.seq = 1000 * port
        peer.user = None
        peer.open()
        for _ in range(20):
            peer.say(ACK, b"x" * 1000)
    assert peer.host.counters.dropped_buffered > 0
    assert peer.host.pool.held < 50_000 + 20 * RECEIVED_FLOOR
    for connection in list(peer.host.connections.values()):
        connection.take()  # type: ignore[union-attr]
        connection.flush(peer.now)
    assert peer.host.pool.held == 0
    peer.seq = peer.connection.rcv_nxt
    peer.say(ACK, b"again")
    assert peer.take() == b"again"


def host_of(peer: Peer, port: int) -> None:
    """Have the peer speak from another port, with a connection that is open there."""
    peer.key = peer.key_for(port)
    peer.isn = peer.seq = 1000 * port
    peer.user = None
    peer.open()
    peer.user = peer.connection


def test_nobody_exceeds_the_cap_who_was_quiet_until_it_was_reached() -> None:
    """Header prediction is on for them, and they could each bring a whole burst."""
    peer = Peer(host=HostSettings(max_buffered=50_000))
    peer.listen(64)
    quiet = []
    for port in range(1000, 1030):
        host_of(peer, port)
        peer.say(ACK, b"x")
        peer.take()
        peer.flush()
        quiet.append((peer.key, peer.seq, peer.ack, peer.connection))
    for key, seq, ack, connection in quiet:
        peer.key, peer.seq, peer.ack, peer.user = key, seq, ack, connection
        for _ in range(20):
            peer.tell(peer.segment(ACK, b"x" * 1000), flush=False)
            peer.seq = (peer.seq + 1000) & 0xFFFFFFFF
        peer.flush()
    assert peer.host.pool.held < 50_000 + 20 * 1300 + 30 * RECEIVED_FLOOR
    assert peer.host.counters.dropped_buffered > 0


def test_who_reads_goes_on_beside_others_who_hold_the_hosts_memory_and_read_nothing() -> None:
    peer = Peer(host=HostSettings(max_buffered=50_000))
    peer.listen(64)
    for port in range(1000, 1020):
        host_of(peer, port)
        for _ in range(20):
            peer.say(ACK, b"x" * 1000)
    assert peer.host.pool.full
    host_of(peer, 2000)
    for number in range(3000):  # more than the window that it was offered at first
        peer.say(ACK, b"%d" % number * 300)
        assert peer.take() == b"%d" % number * 300
        peer.flush()
    assert peer.host.pool.full
    assert peer.connection.rcv_edge - peer.connection.rcv_nxt <= RECEIVED_FLOOR


def test_strangers_gaps_do_not_keep_others_from_reading() -> None:
    peer = Peer(host=HostSettings(max_buffered=100_000))
    peer.listen(64)
    for port in range(1000, 1020):  # each keeps a window's worth behind a gap, for ever
        host_of(peer, port)
        for at in range(10):
            peer.tell(peer.segment(ACK, b"z" * 1000, seq=(peer.seq + 10 + 1000 * at) & 0xFFFFFFFF), flush=True)
    assert 50_000 <= peer.host.pool.kept < 55_000
    assert peer.host.counters.dropped_buffered > 100
    host_of(peer, 2000)
    for number in range(300):
        peer.say(ACK, b"%d" % number * 300)
        assert peer.take() == b"%d" % number * 300
        peer.flush()
    assert not peer.host.pool.full
    for connection in list(peer.host.connections.values()):
        connection.abort()  # type: ignore[union-attr]
        connection.flush(peer.now)
    assert (peer.host.pool.held, peer.host.pool.kept, peer.host.pool.crowded) == (0, 0, False)


def test_what_nobody_reads_any_more_is_not_kept_behind_a_gap() -> None:
    peer = opened()
    connection = peer.connection
    peer.tell(peer.segment(ACK, b"z" * 1000, seq=(peer.seq + 10) & 0xFFFFFFFF), flush=True)
    assert peer.host.pool.held > 1000
    connection.shutdown()
    connection.detach()
    assert any(segment.flags & RST for segment in peer.flush()), "the peer must learn that it is lost"
    assert peer.host.pool.held == 0


@pytest.mark.parametrize("source", ["e0000001", "ffffffff", "00000000"])
def test_a_syn_from_no_single_host_is_dropped(source: str) -> None:
    peer = Peer()
    peer.listen()
    peer.key = peer.key_for(1000, bytes.fromhex(source))
    assert peer.say(SYN, ack=0, options=Options(1460)) == []
    assert peer.host.counters.dropped_bad_address == 1


@pytest.mark.parametrize("destination", ["e0000001", "ffffffff"])
def test_a_syn_to_many_is_dropped(destination: str) -> None:
    peer = Peer()
    peer.listen()
    peer.key = CLIENT + bytes.fromhex(destination) + peer.key[-4:]
    assert peer.say(SYN, ack=0, options=Options(1460)) == []
