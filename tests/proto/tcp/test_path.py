"""ICMP errors and the path's MTU (RFC 1122 4.2.3.9, RFC 5927, RFC 1191)."""

from __future__ import annotations

import pytest

from fata.proto.tcp.settings import HostSettings, Settings
from fata.proto.tcp.transmission import CLOSED, TROUBLED, Failure
from fata.wire.tcp import ACK, SYN, Options
from tests.proto.tcp.link import CLIENT, SERVER
from tests.proto.tcp.peer import PEER_PORT, PORT, Peer, payload


def calling() -> Peer:
    peer = Peer()
    peer.user = peer.host.connect(SERVER, CLIENT, PEER_PORT, None, peer.settings, peer.now, PORT)
    peer.flush()
    return peer


def test_a_hard_error_ends_a_handshake() -> None:
    peer = calling()
    assert peer.connection.unreachable(False, peer.said[0].seq, peer.now) == CLOSED
    assert peer.connection.failure is Failure.UNREACHABLE
    assert not peer.host.connections


def test_a_soft_error_is_told_only_if_nothing_better_comes() -> None:
    peer = calling()
    assert peer.connection.unreachable(True, peer.said[0].seq, peer.now) == TROUBLED
    peer.wait(200)
    assert peer.connection.failure is Failure.UNREACHABLE


def test_a_soft_error_does_no_harm_if_the_answer_comes() -> None:
    peer = calling()
    peer.connection.unreachable(True, peer.said[0].seq, peer.now)
    peer.isn = peer.seq = 5000
    peer.say(SYN | ACK, options=Options(1460))
    assert peer.state == "ESTABLISHED"


def test_an_error_about_something_else_is_passed_over() -> None:
    peer = calling()
    assert peer.connection.unreachable(False, peer.said[0].seq + 5, peer.now) == 0
    assert peer.state == "SYN_SENT"


def test_a_hard_error_does_not_end_what_is_established() -> None:
    peer = Peer(Settings(user_timeout=10))
    peer.open()
    (sent,) = peer.write(b"hello")
    assert peer.connection.unreachable(False, sent.seq, peer.now) == TROUBLED
    assert peer.state == "ESTABLISHED"
    peer.wait(11)
    assert peer.connection.failure is Failure.UNREACHABLE


def test_a_smaller_path_re_sends_at_once_in_smaller_segments() -> None:
    peer = Peer()
    peer.open()
    out = peer.write(b"x" * 7000)
    assert max(len(payload(segment)) for segment in out) == 1460
    window = peer.connection.congestion.window
    peer.connection.set_path_mtu(1000, out[0].seq, peer.now)
    again = peer.flush()
    assert max(len(payload(segment)) for segment in again) == 960
    assert again[0].seq == out[0].seq
    assert sum(len(payload(segment)) for segment in again) >= 6000
    assert peer.connection.congestion.window == window
    peer.say()
    peer.say()
    assert peer.connection.queued == 0


def test_a_path_mtu_has_a_floor() -> None:
    peer = Peer()
    peer.open()
    (sent,) = peer.write(b"x" * 1000)
    peer.connection.set_path_mtu(0, sent.seq, peer.now)
    assert peer.connection.mss == Settings().min_mss


def test_a_path_mtu_never_grows_a_segment() -> None:
    peer = Peer()
    peer.open(Options(500))
    (sent,) = peer.write(b"x" * 400)
    peer.connection.set_path_mtu(9000, sent.seq, peer.now)
    assert peer.connection.mss == 500


def test_a_forged_path_mtu_is_passed_over() -> None:
    peer = Peer()
    peer.open()
    (sent,) = peer.write(b"x" * 400)
    peer.connection.set_path_mtu(576, sent.seq + 5000, peer.now)
    assert peer.connection.mss == 1460
    peer.say(ACK)
    peer.connection.set_path_mtu(576, sent.seq, peer.now)  # acknowledged already
    assert peer.connection.mss == 1460


def test_ipv6_headers_are_larger() -> None:
    peer = Peer()
    peer.key = bytes.fromhex("20010db8" + "00" * 11 + "01" + "20010db8" + "00" * 11 + "02") + peer.key[-4:]
    peer.open()
    (sent,) = peer.write(b"x" * 1400)
    peer.connection.set_path_mtu(1280, sent.seq, peer.now)
    assert peer.connection.mss == 1220


def test_an_idle_connection_hears_of_a_smaller_path_too() -> None:
    peer = Peer()
    peer.open()
    peer.connection.set_path_mtu(1000, None, peer.now)
    assert peer.flush() == []
    assert max(len(payload(segment)) for segment in peer.write(b"x" * 5000)) == 960


def test_what_is_under_way_is_sent_again_when_another_connection_has_found_out() -> None:
    peer = Peer()
    peer.open()
    (first, *_) = peer.write(b"x" * 5000)
    peer.connection.set_path_mtu(1000, None, peer.now)
    again = peer.flush()
    assert again[0].seq == first.seq
    assert max(len(payload(segment)) for segment in again) == 960


@pytest.mark.parametrize("opened", ["by us", "by the peer", "by a cookie"])
def test_a_new_connection_begins_with_what_is_known_of_the_path(opened: str) -> None:
    peer = Peer(host=HostSettings(max_half_open=0) if opened == "by a cookie" else None)
    peer.host.path_mtu = {CLIENT: 1000}.__getitem__
    if opened == "by us":
        peer.user = peer.host.connect(SERVER, CLIENT, PEER_PORT, None, peer.settings, peer.now, PORT)
        peer.flush()
        peer.isn = peer.seq = 5000
        peer.say(SYN | ACK, options=Options(1460))
    else:
        peer.open()
    assert peer.connection.mss == 960
    assert max(len(payload(segment)) for segment in peer.write(b"x" * 5000)) == 960


def test_a_handshake_under_way_heeds_what_is_found_out_meanwhile() -> None:
    peer = calling()
    peer.connection.set_path_mtu(1000, None, peer.now)
    peer.isn = peer.seq = 5000
    peer.say(SYN | ACK, options=Options(1460))
    assert peer.connection.mss == 960
