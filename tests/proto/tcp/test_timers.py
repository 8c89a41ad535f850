"""Timers: retransmission, delayed acknowledgments, persist, keepalive, user timeout."""

from __future__ import annotations

from itertools import pairwise
from math import inf

import pytest

from fata.proto.tcp.settings import Settings
from fata.proto.tcp.state import State
from fata.proto.tcp.transmission import CLOSED, TROUBLED, Failure
from fata.wire.tcp import ACK, Options, Segment
from tests.proto.tcp.link import Link
from tests.proto.tcp.peer import Peer, payload


def opened(settings: Settings | None = None) -> Peer:
    peer = Peer(settings)
    peer.open()
    peer.events = 0
    return peer


def test_one_segment_waits_forty_milliseconds_for_its_acknowledgment() -> None:
    peer = opened()
    assert peer.say(ACK, b"x" * 1000) == []
    assert peer.wait(0.039) == []
    (answer,) = peer.wait(0.002)
    assert answer.flags == ACK


def test_the_second_full_segment_is_acknowledged_at_once() -> None:
    peer = opened()
    peer.say(ACK, b"x" * 1460)
    (answer,) = peer.say(ACK, b"x" * 1460)
    assert answer.ack == peer.seq & 0xFFFFFFFF
    assert peer.wait(10) == []


def test_a_burst_is_acknowledged_once() -> None:
    peer = opened()
    for _ in range(16):
        peer.tell(peer.segment(ACK, b"x" * 1460), flush=False)
        peer.seq += 1460
    assert len(peer.flush()) == 1


def test_data_carry_the_acknowledgment() -> None:
    peer = opened()
    peer.say(ACK, b"request")
    (answer,) = peer.write(b"response")
    assert answer.ack == peer.seq & 0xFFFFFFFF
    peer.say()
    assert peer.wait(10) == []


def test_retransmission_backs_off_and_ends_with_the_user_timeout() -> None:
    peer = opened()
    peer.write(b"hello")
    times = []
    start = peer.now
    while peer.host.connections:
        if peer.wait(0.1):
            times.append(peer.now - start)
    waits = [b - a for a, b in pairwise(times)]
    assert all(later >= earlier * 1.5 for earlier, later in pairwise(waits[:7]))
    assert max(waits) <= 60.2
    assert peer.now - start == pytest.approx(300, abs=0.5)
    assert peer.events == CLOSED | TROUBLED
    assert peer.connection.failure is Failure.TIMED_OUT


def test_the_user_timeout_can_be_set() -> None:
    peer = opened(Settings(user_timeout=5.0))
    peer.write(b"hello")
    peer.wait(4.9)
    assert peer.host.connections
    peer.wait(0.2)
    assert not peer.host.connections


def test_progress_starts_the_user_timeout_anew() -> None:
    peer = opened(Settings(user_timeout=5.0))
    for _ in range(5):
        peer.write(b"hello")
        peer.wait(4)
        peer.say()
    assert peer.state == "ESTABLISHED"


def test_karn_no_sample_from_what_was_sent_twice() -> None:
    peer = opened(Settings(timestamps=False))
    before = peer.connection.rtt.smoothed
    peer.write(b"hello")
    peer.wait(5)
    peer.say()
    assert peer.connection.rtt.smoothed == before


def test_with_timestamps_the_echo_tells_which_transmission_was_answered() -> None:
    peer = Peer()
    peer.open(timestamp=1)
    peer.write(b"hello")
    (again, *_) = peer.wait(0.3)
    assert again.timestamp is not None
    peer.now += 0.05
    peer.say(echo=again.timestamp)
    assert peer.connection.rtt.smoothed < 0.1
    assert peer.connection.rtt.timeout < 1


def test_an_echo_of_what_had_come_long_before_is_no_sample() -> None:
    """The acknowledgment of the first transmission was lost: a duplicate is told, with the first one's echo."""
    peer = Peer()
    peer.open(Options(1460, 7, True), timestamp=1)
    (first,) = peer.write(b"hello")
    assert first.timestamp is not None
    peer.wait(20)
    low = first.seq
    peer.say(echo=first.timestamp, options=Options(sack=((low, low + 5),)))
    assert peer.connection.snd_una == peer.connection.snd_nxt
    assert peer.connection.rtt.timeout <= 1


def test_what_waited_behind_a_hole_is_no_sample() -> None:
    peer = Peer()
    peer.open(Options(1460, 7, True), timestamp=1)
    peer.write(bytes(1448))
    peer.say()
    base = peer.connection.snd_una
    peer.write(bytes(1448 * 8))
    for held in range(2, 9):  # the first is lost; each brings a new segment out, and one of those is timed
        peer.say(
            ack=base & 0xFFFFFFFF,
            options=Options(sack=(((base + 1448) & 0xFFFFFFFF, (base + 1448 * held) & 0xFFFFFFFF),)),
        )
    peer.write(bytes(1448))
    peer.now += 10
    repaired = peer.connection.stamp(peer.now - 0.01)
    peer.say(ack=peer.connection.snd_nxt & 0xFFFFFFFF, echo=repaired)
    assert peer.connection.rtt.timeout < 1


def test_rtt_is_measured() -> None:
    peer = opened()
    for _ in range(50):
        peer.write(b"x")
        peer.now += 0.25
        peer.say()
    assert peer.connection.statistics().rtt == pytest.approx(0.25, rel=0.1)


def closed_window(peer: Peer) -> None:
    """The peer's window is closed, and there is something to send."""
    peer.window = 0
    peer.say()
    assert peer.write(b"0123456789") == []


def test_a_closed_window_is_probed_with_an_octet_and_back_off() -> None:
    peer = opened()
    closed_window(peer)
    probes: list[tuple[float, Segment]] = []
    start = peer.now
    for _ in range(300):
        for probe in peer.wait(0.1):
            probes.append((peer.now - start, probe))
            peer.say(ack=probe.seq)  # not accepted
    assert [payload(probe) for _, probe in probes] == [b"0"] * len(probes)
    times = [at for at, _ in probes]
    assert times[0] == pytest.approx(peer.connection.rtt.base, abs=0.2)
    assert times[-1] - times[-2] > 2 * (times[1] - times[0])


def test_when_the_window_opens_all_of_it_arrives() -> None:
    peer = opened(Settings(nodelay=True))
    closed_window(peer)
    (probe, *_) = peer.wait(3)
    peer.window = 1000
    peer.ack = probe.seq
    out = peer.say(ack=probe.seq)
    assert b"".join(payload(segment) for segment in out) == b"0123456789"


def test_once_the_window_is_open_nothing_is_sent_again() -> None:
    peer = opened(Settings(nodelay=True))
    closed_window(peer)
    (probe, *_) = peer.wait(3)
    peer.window = 65535
    peer.say(ack=probe.seq)
    resent = peer.host.counters.retransmissions
    peer.say()
    for _ in range(5):
        peer.write(b"x" * 500)
        peer.say()
        peer.say(ack=peer.connection.snd_una)
    assert peer.host.counters.retransmissions == resent
    assert not peer.connection.probing


def test_a_probe_that_was_accepted_counts() -> None:
    peer = opened()
    closed_window(peer)
    peer.wait(3)
    peer.window = 1000
    (rest,) = peer.say()
    assert payload(rest) == b"123456789"


def test_a_closed_window_may_stay_closed_for_hours_if_the_peer_answers() -> None:
    peer = opened(Settings(nodelay=True))
    closed_window(peer)
    for _ in range(3 * 3600):
        if peer.wait(1.0):
            peer.say(ack=peer.connection.snd_una)
    assert peer.state == "ESTABLISHED"
    peer.window = 5000
    peer.say(ack=peer.connection.snd_una)
    assert peer.connection.snd_nxt == peer.connection.snd_end


def test_a_closed_window_does_not_keep_what_nobody_waits_for() -> None:
    """RFC 6429: or a peer could have us hold our last answers for ever, by saying no to each probe."""
    peer = opened(Settings(nodelay=True, user_timeout=120.0))
    closed_window(peer)
    connection = peer.connection
    connection.shutdown()
    connection.flush(peer.now)
    peer.host.abandon(connection)
    start = peer.now
    while connection.failure is None:
        assert peer.now - start < 400
        if peer.wait(1.0):
            peer.say(ack=connection.snd_una)
    assert connection.failure is Failure.TIMED_OUT
    assert connection.queued == 0


def test_a_closed_window_of_a_peer_that_is_gone_times_out() -> None:
    peer = opened()
    closed_window(peer)
    peer.wait(400)
    assert peer.connection.failure is Failure.TIMED_OUT


def test_zero_window_for_an_hour_between_two_hosts() -> None:
    link = Link(b=Settings(receive_buffer=8192))
    client, server = link.pair()
    server.reading = False
    data = bytes(range(256)) * 400
    link.write(client, data)
    link.run(3600)
    assert client.connection.state is State.ESTABLISHED
    assert len(link.sent("a")) < 200
    server.reading = True
    link.read(server)
    link.run_until(lambda: len(server.received) == len(data), limit=30)
    assert server.received == data


def test_keepalive_is_off_unless_asked_for() -> None:
    peer = opened()
    assert peer.connection.deadline == inf
    assert peer.wait(100_000) == []


def test_keepalive_probes_an_idle_peer_and_gives_up() -> None:
    settings = Settings(keepalive=True, keepalive_idle=100, keepalive_interval=10, keepalive_probes=3)
    peer = opened(settings)
    peer.flush()
    assert peer.wait(99) == []
    (probe,) = peer.wait(2)
    assert (probe.seq + 1) & 0xFFFFFFFF == peer.connection.snd_nxt & 0xFFFFFFFF
    assert payload(probe) == b""
    peer.say()  # an answer
    assert peer.wait(95) == []
    assert len(peer.wait(100)) == 3
    assert peer.connection.failure is Failure.TIMED_OUT


def test_keepalive_can_be_asked_for_later() -> None:
    peer = opened(Settings(keepalive_idle=100))
    peer.connection.keepalive = True
    peer.flush()
    assert len(peer.wait(101)) == 1


def test_keepalive_between_two_hosts_keeps_a_live_peer() -> None:
    settings = Settings(keepalive=True, keepalive_idle=60, keepalive_interval=5, keepalive_probes=3)
    link = Link(a=settings)
    client, server = link.pair()
    link.a.flush(client)
    link.run(3600)
    assert client.connection.state is server.connection.state is State.ESTABLISHED
    assert len(link.sent("a")) > 50


def test_keepalive_defaults() -> None:
    assert Settings().keepalive is False
    assert Settings().keepalive_idle == 7200
