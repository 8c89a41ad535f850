"""SYN cookies: the flood that they are for, what they remember, and what they must not accept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.proto.tcp.cookies import SIZES, Cookies, offer_of, stamp_with
from fata.proto.tcp.settings import HostSettings, Settings
from fata.proto.tcp.transmission import CONNECTED, RECEIVED
from fata.wire.tcp import ACK, RST, SYN, Options, Segment
from tests.proto.tcp.link import CLIENT, PORT, SERVER, Link
from tests.proto.tcp.peer import Peer

KEY = CLIENT + SERVER + b"\x9c\x40\x00\x50"
LIFE = 64.0


def flooded(settings: Settings | None = None, host: HostSettings | None = None, backlog: int = 4) -> Peer:
    """A peer whose host's backlog is full of strangers."""
    peer = Peer(settings, host)
    peer.listen(backlog)
    for port in range(2 * backlog):
        peer.key = peer.key_for(2000 + port)
        peer.say(SYN, ack=0, options=Options(1460))
    peer.key = peer.key_for(40000)
    peer.user = None
    peer.seq = peer.isn
    peer.events = 0
    return peer


@given(st.binary(min_size=12, max_size=12), st.integers(0, (1 << 32) - 1), st.integers(0, 65535), st.floats(0, 1e6))
def test_a_cookie_names_the_largest_size_that_fits(key: bytes, irs: int, mss: int, now: float) -> None:
    cookies = Cookies(bytes(32), LIFE)
    iss = cookies.make(key, irs, mss, now)
    assert 0 <= iss < 1 << 32
    expected = max((size for size in SIZES if size <= mss), default=SIZES[0])
    assert cookies.check(key, irs, iss, now) == expected


def test_a_cookie_expires() -> None:
    cookies = Cookies(bytes(32), LIFE)
    iss = cookies.make(KEY, 1, 1460, 1000.0)
    assert cookies.check(KEY, 1, iss, 1000.0 + LIFE) == 1460
    assert cookies.check(KEY, 1, iss, 1000.0 + 2 * LIFE) is None
    assert cookies.check(KEY, 1, iss, 1000.0 + 32 * LIFE) is None  # the clock in the cookie wraps around


def test_a_cookie_is_good_for_its_connection_only() -> None:
    cookies = Cookies(bytes(32), LIFE)
    iss = cookies.make(KEY, 1, 1460, 1000.0)
    assert cookies.check(KEY, 2, iss, 1000.0) is None
    assert cookies.check(KEY[:-1] + b"\x51", 1, iss, 1000.0) is None
    assert cookies.check(KEY, 1, iss ^ 1, 1000.0) is None
    assert Cookies(bytes(31) + b"\x01", LIFE).check(KEY, 1, iss, 1000.0) is None


@given(st.integers(0, (1 << 32) - 1), st.none() | st.integers(0, 14), st.booleans())
def test_a_timestamp_carries_the_offer(stamp: int, scale: int | None, sack: bool) -> None:
    marked = stamp_with(stamp, Options(1460, scale, sack))
    assert 0 <= (stamp - marked) & 0xFFFFFFFF < 64
    assert offer_of(marked, 1460) == Options(1460, scale, sack)


def test_a_full_backlog_answers_with_cookies_and_keeps_nothing() -> None:
    peer = flooded()
    assert peer.host.half_open == 4
    before = len(peer.host.connections)
    (answer,) = peer.say(SYN, ack=0, options=Options(1400))
    assert answer.flags == SYN | ACK
    assert len(peer.host.connections) == before
    assert peer.host.counters.cookies_sent == 5


def test_the_acknowledgment_of_a_cookie_makes_the_connection() -> None:
    peer = flooded()
    peer.say(SYN, ack=0, options=Options(1400))
    peer.say()
    peer.wait(0.0)
    assert peer.events == CONNECTED
    assert peer.state == "ESTABLISHED"
    assert peer.connection.mss == 1400
    assert peer.connection.listener is not None
    peer.write(b"hello")
    peer.say(ACK, b"world")
    assert peer.take() == b"world"
    assert peer.connection.queued == 0


def test_with_timestamps_a_cookie_remembers_scaling_and_sack() -> None:
    peer = flooded()
    peer.timestamp = 77
    (answer,) = peer.say(SYN, ack=0, options=Options(1400, 9, True))
    assert answer.options == Options(1460, Settings().window_scale, True)
    assert answer.timestamp is not None
    assert answer.echo == 77
    peer.say(ACK, b"at once", echo=answer.timestamp)
    peer.wait(0.0)
    assert peer.events == CONNECTED | RECEIVED
    assert peer.connection.snd_scale == 9
    assert peer.connection.sack_ok
    assert peer.connection.stamps
    assert peer.take() == b"at once"
    (later,) = peer.write(b"x")
    assert later.timestamp is not None
    assert (later.timestamp - answer.timestamp) & 0xFFFFFFFF < 64


def test_without_timestamps_nothing_but_the_mss_is_offered() -> None:
    peer = flooded()
    (answer,) = peer.say(SYN, ack=0, options=Options(1400, 9, True))
    assert answer.options == Options(1460)


def test_a_forged_acknowledgment_is_reset() -> None:
    peer = flooded()
    peer.say(SYN, ack=0, options=Options(1400))
    (answer,) = peer.say(ack=peer.ack + 1)
    assert answer.flags == RST
    assert peer.host.counters.cookies_refused == 1


def test_without_a_flood_no_acknowledgment_passes_for_a_cookie() -> None:
    peer = Peer()
    peer.listen()
    iss = peer.host.cookies.make(peer.key, peer.isn & 0xFFFFFFFF, 1460, peer.now)
    peer.seq += 1
    (answer,) = peer.say(ack=iss + 1)
    assert answer.flags == RST


def test_without_cookies_a_full_backlog_is_silent() -> None:
    peer = flooded(host=HostSettings(cookies=False))
    assert peer.say(SYN, ack=0, options=Options(1460)) == []
    assert peer.host.counters.refused_half_open == 5


def test_the_cap_on_half_open_connections_counts_all_listeners() -> None:
    peer = Peer(host=HostSettings(max_half_open=3))
    peer.listen(100)
    for port in range(10):
        peer.key = peer.key_for(2000 + port)
        peer.say(SYN, ack=0, options=Options(1460))
    assert peer.host.half_open == 3
    assert peer.host.counters.cookies_sent == 7


def test_a_cookie_does_not_pass_the_cap_on_connections() -> None:
    peer = flooded(host=HostSettings(max_connections=4))
    assert peer.host.live == 4
    assert peer.say(SYN, ack=0, options=Options(1460)) == []
    assert peer.host.counters.refused_connections > 0


@pytest.mark.parametrize("stamps", [True, False])
def test_a_client_gets_through_a_flood(stamps: bool) -> None:
    link = Link(a=Settings(timestamps=stamps))
    link.listen(backlog=8)
    link.drop = lambda side, segment: side == "b" and segment.dst_port < 500  # nobody is there
    for port in range(500):
        syn = Segment(port, PORT, port * 7, 0, SYN, 1000, b"", 0, 0, None, 0, Options(1460))
        key = b"\x0a\x00\x01\x07" + SERVER + port.to_bytes(2, "big") + PORT.to_bytes(2, "big")
        link.inject(link.b, key, syn, link.now)
    link.run(0.1)
    assert link.b.host.half_open == 8
    client = link.connect()
    link.write(client, b"let me in" * 1000)
    link.run_until(lambda: bool(link.b.users) and link.b.users[-1].received == b"let me in" * 1000, limit=60)
    assert link.b.host.counters.cookies_accepted == 1
