"""Recoveries that were not needed are taken back (RFC 3522, RFC 4015)."""

from __future__ import annotations

from fata.proto.tcp.settings import Settings
from fata.wire.tcp import Options, Segment
from tests.proto.tcp.peer import Peer
from tests.proto.tcp.test_recovery import FULL, PLAIN, offsets, sack

STAMPED = Options(1012, 7, True)


def sending(segments: int = 10, options: Options = STAMPED) -> tuple[Peer, int, int]:
    """A host that has sent so many segments; the number of the first octet, and the timestamp they bear."""
    peer = Peer(Settings(congestion="newreno"))
    peer.open(options, timestamp=1)
    base = peer.connection.snd_una
    sent = peer.write(FULL * segments)
    assert len(sent) == segments
    stamp = sent[0].timestamp
    assert stamp is not None
    peer.now += 0.1
    return peer, base, stamp


def test_a_time_out_that_came_too_early_costs_nothing() -> None:
    peer, base, stamp = sending()
    connection = peer.connection
    window, threshold = connection.congestion.window, connection.congestion.threshold
    assert 0 in offsets(base, peer.wait(0.5))
    assert connection.congestion.window < 2000
    out = peer.say(ack=base + 3000, echo=stamp)  # of what was sent first
    assert offsets(base, out) == []
    assert connection.congestion.threshold == threshold
    assert connection.congestion.window == min(window, 7000 + 3000)
    assert peer.host.counters.spurious_recoveries == 1
    peer.say(ack=base + 10_000, echo=stamp)
    assert connection.recovery == 0
    assert connection.congestion.window >= window


def test_a_time_out_that_was_right_stays() -> None:
    peer, base, _ = sending()
    again = peer.wait(0.5)[-1].timestamp
    assert again is not None
    peer.say(ack=base + 3000, echo=again)
    assert peer.connection.congestion.window <= 4100
    assert peer.host.counters.spurious_recoveries == 0


def test_an_echo_of_what_the_peer_had_already_tells_nothing() -> None:
    """Its acknowledgments were lost, and that is congestion, too."""
    peer, base, stamp = sending()
    peer.wait(0.5)
    peer.say(ack=base + 3000, echo=stamp, options=sack(base, (0, 1)))  # D-SACK
    assert peer.connection.congestion.window <= 4100
    assert peer.host.counters.spurious_recoveries == 0


def test_without_timestamps_nothing_is_taken_back() -> None:
    peer = Peer()
    peer.open(PLAIN)
    base = peer.connection.snd_una
    peer.write(FULL * 10)
    peer.wait(0.5)
    peer.say(ack=base + 3000)
    assert peer.host.counters.spurious_recoveries == 0


def test_a_fast_recovery_from_overtaking_is_taken_back() -> None:
    peer, base, stamp = sending()
    assert offsets(base, peer.say(ack=base, echo=stamp, options=sack(base, (1, 5)))) == [0]
    assert peer.connection.congestion.window == 5000
    peer.say(ack=base + 5000, echo=stamp)  # the original was overtaken
    assert peer.connection.congestion.window == 10_000  # what is under way, and as much as has arrived
    assert peer.connection.recovery == 0


def two_holes(peer: Peer, base: int, stamp: int) -> Segment:
    """Have the host send the first hole of two again, and wait with the second; return what it sent."""
    told = peer.segment(ack=base & 0xFFFFFFFF, echo=stamp, options=sack(base, (1, 3), (4, 9)))
    peer.tell(told, flush=False)
    peer.connection.congestion.window = 1000
    (again,) = peer.flush()
    assert offsets(base, [again]) == [0]
    peer.now += 0.1
    return again


def test_what_is_lost_all_the_same_is_found_at_once() -> None:
    peer, base, stamp = sending()
    two_holes(peer, base, stamp)
    out = peer.say(ack=base + 3000, echo=stamp, options=sack(base, (4, 9)))
    assert offsets(base, out + peer.wait(0.05)) == [3]
    assert peer.host.counters.spurious_recoveries == 1
    assert peer.connection.statistics().recoveries == 2
    assert peer.connection.statistics().timeouts == 0


def test_the_first_answer_decides_for_the_whole_recovery() -> None:
    peer, base, stamp = sending()
    again = two_holes(peer, base, stamp)
    assert again.timestamp is not None
    peer.say(ack=base + 3000, echo=again.timestamp, options=sack(base, (4, 9)))  # the first hole was a loss
    peer.now += 0.1
    peer.say(ack=base + 9000, echo=stamp)  # the second was not
    assert peer.host.counters.spurious_recoveries == 0


def test_the_segment_size_stays_what_was_found_out_meanwhile() -> None:
    peer, base, stamp = sending()
    peer.wait(0.5)
    peer.connection.congestion.mss = 500
    peer.say(ack=base + 3000, echo=stamp)
    assert peer.host.counters.spurious_recoveries == 1
    assert peer.connection.congestion.mss == 500
