"""Opening: active, passive, simultaneous, and what may go wrong (RFC 9293 3.5)."""

from __future__ import annotations

from typing import Any

import pytest

from fata.errors import StateError
from fata.proto.tcp import receiving
from fata.proto.tcp.block import Block
from fata.proto.tcp.connection import Connection
from fata.proto.tcp.settings import Settings
from fata.proto.tcp.state import State
from fata.proto.tcp.transmission import CLOSED, CONNECTED, ENDED, RECEIVED, TROUBLED, Failure
from fata.wire.tcp import ACK, FIN, PSH, RST, SYN, Options
from tests.proto.tcp.link import CLIENT, SERVER, Link
from tests.proto.tcp.peer import PEER_PORT, PORT, Peer, payload


def calling(settings: Settings | None = None) -> Peer:
    """A peer whose host has just sent it a SYN."""
    peer = Peer(settings)
    peer.user = peer.host.connect(SERVER, CLIENT, PEER_PORT, None, peer.settings, peer.now, PORT)
    (syn,) = peer.flush()
    assert syn.flags == SYN
    return peer


def test_a_syn_offers_what_the_settings_say() -> None:
    peer = calling(Settings(mss=1400))
    (syn,) = peer.said
    assert syn.options == Options(1400, Settings().window_scale, True)
    assert syn.timestamp is not None
    assert syn.window == 65535


def test_an_answer_offers_only_what_the_syn_had() -> None:
    peer = Peer()
    peer.listen()
    (answer,) = peer.say(SYN, ack=0, options=Options(1000))
    assert answer.flags == SYN | ACK
    assert answer.options == Options(1460)
    assert answer.timestamp is None
    assert answer.ack == (peer.isn + 1) & 0xFFFFFFFF


def test_passive_open() -> None:
    peer = Peer()
    peer.open(Options(1000, 3, True), timestamp=7)
    assert peer.events == CONNECTED
    connection = peer.connection
    assert connection.state is State.ESTABLISHED
    assert connection.listener is next(iter(peer.host.listeners.values()))
    assert connection.mss == 1000
    assert connection.snd_scale == 3
    assert connection.sack_ok
    assert connection.stamps
    assert peer.host.counters.accepted == 1


def test_active_open_and_payload_with_the_answer() -> None:
    peer = calling()
    peer.isn = peer.seq = 5000
    answers = peer.say(SYN | ACK, b"early", options=Options(1460))
    assert peer.events == CONNECTED | RECEIVED
    assert peer.take() == b"early"
    assert answers[0].ack == 5006


def test_simultaneous_open() -> None:
    peer = calling()
    (answer,) = peer.say(SYN, ack=0, options=Options(1460))
    assert answer.flags == SYN | ACK
    assert answer.seq == peer.said[0].seq
    assert peer.state == "SYN_RECEIVED"
    peer.say(SYN | ACK, seq=peer.isn & 0xFFFFFFFF, options=Options(1460))
    peer.say()
    assert peer.events & CONNECTED
    assert peer.state == "ESTABLISHED"


def test_simultaneous_open_of_two_hosts() -> None:
    link = Link()
    a = link.a.user(link.a.host.connect(CLIENT, SERVER, 80, None, None, link.now, 90))
    b = link.b.user(link.b.host.connect(SERVER, CLIENT, 90, None, None, link.now, 80))
    link.a.flush(a)
    link.b.flush(b)
    link.run_until(lambda: a.connected and b.connected)
    link.write(a, b"from a")
    link.write(b, b"from b")
    link.run_until(lambda: a.received == b"from b" and b.received == b"from a")


def test_refused() -> None:
    peer = calling()
    peer.say(RST | ACK)
    assert peer.events == CLOSED
    assert peer.connection.failure is Failure.REFUSED
    assert not peer.host.connections


def test_a_refusal_of_something_else_is_passed_over() -> None:
    peer = calling()
    assert peer.say(RST | ACK, ack=12345) == []
    assert peer.say(RST) == []
    assert peer.state == "SYN_SENT"


def test_an_acknowledgment_of_something_else_is_reset_and_the_attempt_goes_on() -> None:
    """RFC 9293 3.5.1, figure 9: an old connection of the peer's answers."""
    peer = calling()
    (answer,) = peer.say(ACK, ack=12345)
    assert answer.flags == RST
    assert answer.seq == 12345
    assert peer.state == "SYN_SENT"


def test_syn_is_repeated_with_back_off_and_given_up_after_three_minutes() -> None:
    peer = calling()
    peer.wait(1000)
    syns = [segment for segment in peer.said if segment.flags == SYN]
    assert len(syns) == 8
    assert len({syn.seq for syn in syns}) == 1
    assert peer.events == CLOSED | TROUBLED
    assert peer.connection.failure is Failure.TIMED_OUT
    assert not peer.host.connections


def test_syn_is_not_given_up_before_three_minutes() -> None:
    peer = calling()
    peer.wait(179)
    assert peer.state == "SYN_SENT"
    peer.wait(2)
    assert peer.state == "CLOSED"


def test_half_open_is_given_up() -> None:
    peer = Peer()
    peer.listen()
    peer.say(SYN, ack=0, options=Options(1460))
    assert peer.host.half_open == 1
    peer.wait(200)
    assert len([s for s in peer.said if s.flags == SYN | ACK]) == 6
    assert peer.host.half_open == 0
    assert not peer.host.connections


def test_a_repeated_syn_gets_the_answer_again() -> None:
    peer = Peer()
    peer.listen()
    (first,) = peer.say(SYN, ack=0, options=Options(1460))
    (again,) = peer.say(SYN, ack=0, seq=peer.isn & 0xFFFFFFFF, options=Options(1460))
    assert again.flags == SYN | ACK
    assert again.seq == first.seq


def test_a_wrong_acknowledgment_in_syn_received_is_reset() -> None:
    peer = Peer()
    peer.listen()
    peer.say(SYN, ack=0, options=Options(1460))
    (answer,) = peer.say(ack=99)
    assert answer.flags == RST
    assert answer.seq == 99
    peer.say()
    assert peer.state == "ESTABLISHED"


def test_a_reset_in_syn_received_returns_to_the_listener() -> None:
    peer = Peer()
    peer.listen()
    peer.say(SYN, ack=0, options=Options(1460))
    peer.say(RST)
    assert not peer.host.connections
    assert peer.host.half_open == 0
    peer.isn = peer.seq = 77
    peer.open()
    assert peer.state == "ESTABLISHED"


def test_the_peers_mss_is_bounded_from_below() -> None:
    peer = Peer()
    peer.open(Options(1))
    assert peer.connection.mss == Settings().min_mss


def test_without_an_mss_option_536_octets_are_assumed() -> None:
    peer = Peer()
    peer.open(Options())
    assert peer.connection.mss == 536


def test_over_ipv6_1220_octets_are_assumed() -> None:
    peer = Peer()
    peer.key = (
        bytes.fromhex("20010db8" + "00" * 11 + "01") + bytes.fromhex("20010db8" + "00" * 11 + "02") + peer.key[-4:]
    )
    peer.open(Options())
    assert peer.connection.mss == 1220


def test_written_before_it_is_connected_leaves_afterwards() -> None:
    peer = calling()
    assert peer.write(b"hello") == []
    peer.isn = peer.seq = 5000
    (answer,) = peer.say(SYN | ACK, options=Options(1460))
    assert payload(answer) == b"hello"
    assert answer.flags == ACK | PSH


def test_shut_down_before_it_is_connected_sends_fin_afterwards() -> None:
    peer = calling()
    peer.connection.write(b"hello")
    peer.connection.shutdown()
    peer.isn = peer.seq = 5000
    (answer,) = peer.say(SYN | ACK, options=Options(1460))
    assert answer.flags & FIN
    assert peer.state == "FIN_WAIT_1"
    with pytest.raises(StateError, match="write"):
        peer.connection.write(b"more")


def test_fin_with_the_first_acknowledgment() -> None:
    peer = Peer()
    peer.listen()
    peer.say(SYN, ack=0, options=Options(1460))
    peer.say(ACK | FIN, b"all")
    assert peer.events == CONNECTED | RECEIVED | ENDED
    assert peer.state == "CLOSE_WAIT"
    assert peer.take() == b"all"


def test_a_lost_syn_starts_data_with_a_timeout_of_three_seconds() -> None:
    peer = calling(Settings(timestamps=False))
    peer.wait(1.5)
    peer.isn = peer.seq = 5000
    peer.say(SYN | ACK, options=Options(1460))
    assert peer.connection.rtt.timeout == 3.0


def test_twice_lost_syn_starts_with_a_window_of_one_segment() -> None:
    peer = calling()
    peer.wait(3.5)
    peer.isn = peer.seq = 5000
    peer.say(SYN | ACK, options=Options(1460))
    assert peer.connection.congestion.window == 1460


@pytest.mark.parametrize("timestamp", [None, 7])
@pytest.mark.parametrize("options", [Options(), Options(1460, 7, True)])
def test_the_third_segment_has_a_short_way_that_ends_where_the_long_one_does(
    options: Options, timestamp: int | None
) -> None:
    ends = []
    for arrive in (Connection.receive, receiving.arrive):
        peer = Peer()
        peer.listen()
        peer.timestamp = timestamp
        peer.say(SYN, ack=0, options=options)
        peer.now += 0.02
        assert arrive(peer.connection, peer.segment(), peer.now) == CONNECTED
        peer.connection.predict()
        assert peer.connection.flush(peer.now) == []
        connection: Any = peer.connection
        names = [name for name in Block.__slots__ if isinstance(getattr(connection, name), int | float | State | None)]
        assert len(names) > 70
        ends.append({name: getattr(connection, name) for name in names} | {"rtt": connection.rtt.smoothed})
    assert ends[0] == ends[1]
