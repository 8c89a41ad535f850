"""Requirements of RFC 9293 that no other file here is about; docs/spec/rfc9293.md names the others' tests."""

from __future__ import annotations

import pytest

from fata.errors import WireError
from fata.proto.tcp.settings import Settings
from fata.proto.tcp.transmission import CLOSED, TROUBLED, Failure
from fata.wire.tcp import ACK, PSH, RST, SYN, Options, parse, parse_options, serialize_options
from tests.proto.tcp.link import CLIENT, SERVER
from tests.proto.tcp.peer import PEER_PORT, PORT, Peer, payload

HEADER = bytes.fromhex("9c40 0050 00000001 00000002 5010 0400 0000 0000".replace(" ", ""))


def with_options(options: bytes, data: bytes = b"") -> bytes:
    """A segment with these options, padded to whole words."""
    options += bytes(-len(options) % 4)
    return HEADER[:12] + bytes(((20 + len(options)) // 4 << 4,)) + HEADER[13:] + options + data


def opened(settings: Settings | None = None) -> Peer:
    peer = Peer(settings)
    peer.open(Options(1460, 7, True))
    peer.events = 0
    return peer


def test_a_window_of_the_highest_bit_is_large_not_negative() -> None:
    peer = Peer()
    peer.window = 0xFFFF
    peer.open(Options(1460, 14))
    peer.window = 0x8000
    peer.say()
    assert peer.connection.snd_edge - peer.connection.snd_una == 0x8000 << 14


def test_the_mandatory_options_are_read_on_any_boundary() -> None:
    assert parse_options(b"\x01\x02\x04\x05\xb4\x00", 0, 6)[2].mss == 1460
    assert parse_options(b"\x01\x01\x01\x02\x04\x05\xb4", 0, 7)[2].mss == 1460
    assert parse_options(b"\x00\x02\x04\x05\xb4", 0, 5)[2].mss is None  # behind the end


def test_options_are_taken_in_any_segment() -> None:
    peer = opened()
    peer.say(ACK, b"data", options=Options(536, 3, True))
    assert peer.take() == b"data"
    assert peer.connection.mss == 1460  # and those of a SYN count in a SYN only


def test_unknown_options_are_ignored() -> None:
    octets = with_options(b"\xfd\x06\x01\x02\x03\x04\x02\x04\x05\xb4", b"data")
    segment = parse(octets, 0, len(octets))
    assert segment.options.mss == 1460
    assert segment.data[segment.start : segment.end] == b"data"


@pytest.mark.parametrize("options", ["02000000", "02010000", "02050000", "fd000000", "fdff0000", "0201"])
def test_illegal_option_lengths_are_the_peers_fault(options: str) -> None:
    octets = with_options(bytes.fromhex(options))
    with pytest.raises(WireError, match="option"):
        parse(octets, 0, len(octets))


def test_every_option_we_send_has_a_length_and_is_padded_to_whole_words() -> None:
    octets = serialize_options(Options(1460, 7, True, ((1, 2), (3, 4))), None)
    assert len(octets) % 4 == 0
    at = 0
    while at < len(octets):
        at += 1 if octets[at] == 1 else octets[at + 1]
    assert at == len(octets)


def test_no_mss_option_outside_a_syn() -> None:
    peer = opened()
    peer.say(ACK, b"x" * 3000)
    peer.write(b"y" * 3000)
    peer.say()
    peer.connection.shutdown()
    peer.flush()
    assert all(segment.options.mss is None for segment in peer.said if not segment.flags & SYN)
    assert all(segment.options.mss == 1460 for segment in peer.said if segment.flags & SYN)


def test_the_segment_size_is_the_smaller_of_both_and_leaves_room_for_options() -> None:
    peer = Peer(Settings(mss=1300))
    peer.open(Options(1460), timestamp=1)
    (full, *_) = peer.write(b"x" * 5000)
    assert len(payload(full)) == 1300 - 12
    peer = Peer()
    peer.open(Options(1000))
    (full, *_) = peer.write(b"x" * 5000)
    assert len(payload(full)) == 1000


def test_options_for_selective_acknowledgments_make_segments_smaller() -> None:
    peer = opened()
    peer.say(ACK, b"late", seq=(peer.seq + 100) & 0xFFFFFFFF)
    peer.connection.write(b"x" * 5000)
    (full, *_) = peer.flush()
    assert full.options.sack
    assert len(payload(full)) == 1460 - 12


def test_a_largest_segment_is_sent_whenever_possible() -> None:
    peer = opened()
    for _ in range(300):
        peer.connection.write(b"x" * 10)
    out = peer.flush()
    assert [len(payload(segment)) for segment in out] == [1460, 1460]  # the rest waits for Nagle
    assert [segment.flags & PSH for segment in out] == [0, 0]


def test_what_nagle_keeps_back_leaves_with_the_next_acknowledgment() -> None:
    peer = opened()
    peer.write(b"a")
    peer.write(b"b")
    (out,) = peer.say()
    assert payload(out) == b"b"


def test_syn_received_remembers_where_it_came_from() -> None:
    """RFC 9293 3.5: a RST takes a passive open back to LISTEN, and ends an active one with "refused"."""
    passive = Peer()
    passive.listen()
    passive.say(SYN, ack=0, options=Options(1460))
    passive.say(RST)
    assert passive.host.listeners
    assert passive.events == CLOSED
    active = Peer()
    active.user = active.host.connect(SERVER, CLIENT, PEER_PORT, None, None, active.now, PORT)
    active.flush()
    active.say(SYN, ack=0, options=Options(1460))
    assert active.state == "SYN_RECEIVED"
    active.say(RST)
    assert active.connection.failure is Failure.REFUSED


def test_a_port_may_be_listened_to_while_it_connects() -> None:
    peer = Peer()
    peer.user = peer.host.connect(SERVER, CLIENT, 9999, None, None, peer.now, PORT)
    peer.listen()
    peer.user = None
    peer.open()
    assert peer.state == "ESTABLISHED"


def test_a_connection_keeps_the_local_address_it_was_opened_with() -> None:
    peer = Peer()
    other = b"\x0a\x00\x00\x63"
    user = peer.host.connect(other, CLIENT, PEER_PORT, None, None, peer.now, PORT)
    assert user.key[4:8] == other
    assert peer.host.connections[user.key] is user


def test_trouble_is_told_after_three_retransmissions_and_before_the_end() -> None:
    peer = opened()
    peer.write(b"hello")
    while not peer.events & TROUBLED:
        peer.wait(0.05)
    assert peer.connection.statistics().timeouts == 3
    assert peer.state == "ESTABLISHED"


def test_the_limits_of_retransmission_have_their_defaults() -> None:
    settings = Settings()
    assert settings.troubled >= 3
    assert settings.user_timeout >= 100
    assert settings.syn_timeout >= 180
    assert settings.delayed_ack < 0.5


def test_one_lost_probe_is_no_dead_peer() -> None:
    peer = opened(Settings(keepalive=True, keepalive_idle=100, keepalive_interval=10))
    peer.flush()
    for _ in range(5):
        peer.wait(100)
        assert len(peer.wait(75)) >= 7  # most of nine probes get no answer
        peer.say()
    assert peer.state == "ESTABLISHED"


def test_keepalive_waits_while_something_is_outstanding() -> None:
    peer = opened(Settings(keepalive=True, keepalive_idle=10, keepalive_interval=5, user_timeout=1000))
    peer.write(b"hello")
    out = peer.wait(300)
    assert all(payload(segment) == b"hello" for segment in out)


def test_the_window_may_stay_closed_as_long_as_we_like() -> None:
    peer = opened(Settings(receive_buffer=4000))
    while peer.connection.rcv_edge > peer.connection.rcv_nxt:
        peer.say(ACK, b"y" * min(1000, peer.connection.rcv_edge - peer.connection.rcv_nxt))
    for _ in range(100):
        peer.wait(60)
        (answer,) = peer.say(ACK, b"?", seq=peer.seq & 0xFFFFFFFF)  # a probe
        assert answer.window == 0
    assert peer.state == "ESTABLISHED"


def test_data_beyond_a_shrunken_edge_do_not_time_out() -> None:
    peer = opened(Settings(user_timeout=60))
    peer.write(b"x" * 5000)
    peer.window = 0
    for _ in range(30):
        peer.wait(10)
        peer.say(ack=peer.connection.snd_una)
    assert peer.state == "ESTABLISHED"


def test_every_flag_that_is_not_known_is_ignored() -> None:
    peer = opened()
    peer.say(ACK | 0xC0, b"ecn bits")
    assert peer.take() == b"ecn bits"
    assert all(not segment.flags & 0xC0 for segment in peer.said)
