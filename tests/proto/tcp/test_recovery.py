"""Recovery from losses: fast retransmit, SACK, partial acknowledgments, time-outs (RFC 5681, 6582, 6675, 3042)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fata.proto.tcp.settings import Settings
from fata.wire.tcp import ACK, Options, Segment
from tests.proto.tcp.link import Faults, Link
from tests.proto.tcp.peer import Peer, payload

FULL = b"x" * 1000
SACK = Options(1000, 7, True)
PLAIN = Options(1000, 7, False)


def sending(options: Options, segments: int = 10) -> tuple[Peer, int]:
    """A host that has sent so many segments of 1,000 octets; and the number of the first octet."""
    peer = Peer()
    peer.open(options)
    base = peer.connection.snd_una
    assert len(peer.write(FULL * segments)) == segments
    peer.now += 0.01  # what was sent first and what is sent again later have different times
    return peer, base


def offsets(base: int, out: list[Segment]) -> list[int]:
    """Which segments these are, counted from 0."""
    return [((segment.seq - base) & 0xFFFFFFFF) // 1000 for segment in out if payload(segment)]


def sack(base: int, *blocks: tuple[int, int]) -> Options:
    """A SACK option for segments, counted from 0."""
    edges = tuple(((base + 1000 * a) & 0xFFFFFFFF, (base + 1000 * b) & 0xFFFFFFFF) for a, b in blocks)
    return Options(sack=edges)


def test_three_duplicates_bring_the_missing_segment_and_halve_the_window() -> None:
    peer, base = sending(PLAIN)
    window = peer.connection.congestion.window
    assert peer.say(ack=base) == []
    assert peer.say(ack=base) == []
    assert offsets(base, peer.say(ack=base)) == [0]
    assert peer.connection.congestion.window == int(window * 0.7)
    assert peer.connection.statistics().recoveries == 1


def test_limited_transmit_sends_new_data_for_the_first_two_duplicates() -> None:
    peer, base = sending(PLAIN)
    peer.connection.write(FULL * 5)
    assert peer.flush() == []
    assert offsets(base, peer.say(ack=base)) == [10]
    assert offsets(base, peer.say(ack=base)) == [11]
    assert offsets(base, peer.say(ack=base)) == [0]


def test_a_partial_acknowledgment_brings_the_next_hole() -> None:
    peer, base = sending(PLAIN)
    for _ in range(3):
        peer.say(ack=base)
    assert offsets(base, peer.say(ack=base + 4000)) == [4]
    assert offsets(base, peer.say(ack=base + 7000)) == [7]
    peer.say(ack=base + 10_000)
    assert peer.connection.recovery == 0


def test_the_window_is_inflated_by_duplicates_and_deflated_by_a_partial_acknowledgment() -> None:
    """RFC 6582 3.2: 6 segments after the loss, 9 more for the duplicates; then 4 less, and 1 more for the partial."""
    peer = Peer(Settings(congestion="newreno"))
    peer.open(PLAIN)
    base = peer.connection.snd_una
    assert len(peer.write(FULL * 30)) == 10
    out = [offsets(base, peer.say(ack=base)) for _ in range(9)]
    assert out == [[10], [11], [0], [], [], [], [12], [13], [14]]
    assert offsets(base, peer.say(ack=base + 4000)) == [4, 15]
    assert offsets(base, peer.say(ack=base + 4000)) == [16]
    assert offsets(base, peer.say(ack=base + 16_000)) == [17]  # the end: no burst, but one under way and one more
    assert peer.connection.congestion.window == 2000


def test_duplicates_with_data_or_another_window_are_none() -> None:
    peer, base = sending(PLAIN)
    for at in range(5):
        peer.say(ACK, b"d", ack=base)
        peer.window -= at
        peer.say(ack=base)
    assert peer.connection.statistics().recoveries == 0


def test_sack_brings_exactly_the_holes() -> None:
    peer, base = sending(SACK)
    out = peer.say(ack=base, options=sack(base, (1, 2)))
    out += peer.say(ack=base, options=sack(base, (3, 4), (1, 2)))
    assert offsets(base, out) == []
    out = peer.say(ack=base, options=sack(base, (5, 6), (3, 4), (1, 2)))
    assert offsets(base, out)[0] == 0
    out += peer.say(ack=base, options=sack(base, (7, 10), (5, 6), (3, 4)))
    out += peer.say(ack=base + 2000, options=sack(base, (7, 10), (5, 6), (3, 4)))
    out += peer.say(ack=base + 4000, options=sack(base, (7, 10), (5, 6)))
    assert offsets(base, out) == [0, 2, 4, 6]
    peer.say(ack=base + 10_000)
    assert peer.connection.statistics().sack_recoveries == 1
    assert peer.connection.statistics().timeouts == 0


def test_news_of_octets_never_sent_change_nothing() -> None:
    peer, base = sending(SACK)
    for at in range(5):
        assert peer.say(ack=base, options=sack(base, (20 + at, 30))) == []
    assert peer.connection.statistics().recoveries == 0


def test_a_time_out_sends_one_segment_and_starts_slowly() -> None:
    peer, base = sending(SACK)
    assert offsets(base, peer.wait(0.25)) == [9, 0]  # a tail probe first
    assert peer.connection.congestion.window == 1000
    assert peer.connection.statistics().timeouts == 1
    out = peer.say(ack=base + 1000)
    assert offsets(base, out) == [1, 2]
    out = peer.say(ack=base + 3000)
    assert offsets(base, out) == [3, 4, 5, 6]


def test_after_a_time_out_what_the_peer_holds_is_not_sent_again() -> None:
    peer, base = sending(SACK)
    peer.say(ack=base, options=sack(base, (1, 3)))
    peer.wait(0.25)
    out = peer.say(ack=base + 3000)
    assert offsets(base, out)[0] == 3


def test_a_peer_that_gave_up_what_it_held_still_gets_everything() -> None:
    peer, base = sending(SACK)
    peer.say(ack=base, options=sack(base, (1, 10)))
    seen: set[int] = set()
    acked = 0
    for _ in range(60):  # it acknowledges in order only, and forgot the rest
        seen |= set(offsets(base, peer.wait(5)))
        while acked in seen:
            acked += 1
        seen |= set(offsets(base, peer.say(ack=base + 1000 * acked)))
    assert peer.connection.queued == 0


def test_out_of_order_segments_are_told_by_sack_and_duplicates_first() -> None:
    peer = Peer()
    peer.open(SACK)
    base = peer.seq
    (answer,) = peer.say(ACK, b"c" * 10, seq=(base + 20) & 0xFFFFFFFF)
    assert answer.options.sack == (((base + 20) & 0xFFFFFFFF, (base + 30) & 0xFFFFFFFF),)
    peer.say(ACK, b"a" * 10, seq=base & 0xFFFFFFFF)
    (answer,) = peer.say(ACK, b"a" * 10, seq=base & 0xFFFFFFFF)  # once more: D-SACK
    assert answer.options.sack[0] == (base & 0xFFFFFFFF, (base + 10) & 0xFFFFFFFF)
    peer.seq = base + 10
    (answer,) = peer.say(ACK, b"b" * 10)  # fills the gap: at once
    assert answer.ack == (base + 30) & 0xFFFFFFFF
    assert answer.options.sack == ()
    assert peer.take() == b"a" * 10 + b"b" * 10 + b"c" * 10


def test_a_peer_without_sack_gets_a_duplicate_for_each() -> None:
    peer = Peer()
    peer.open(PLAIN)
    for at in range(1, 4):
        late = peer.segment(ACK, b"x" * 10, seq=(peer.seq + 10 * at) & 0xFFFFFFFF)
        peer.tell(late, flush=False)
    answers = peer.flush()
    assert [answer.ack for answer in answers] == [peer.seq & 0xFFFFFFFF] * 3


@pytest.mark.parametrize("sack", [True, False])
def test_one_loss_in_a_window_needs_no_time_out(sack: bool) -> None:
    settings = Settings(sack=sack)
    link = Link(a=settings, b=settings, faults=Faults(rate=1e6))
    client, server = link.pair()
    link.drop = dropping(lambda count: count == 30)
    link.write(client, b"x" * 300_000)
    link.run_until(lambda: len(server.received) == 300_000)
    figures = client.connection.statistics()
    assert figures.recoveries == 1
    assert figures.timeouts == 0
    assert figures.retransmissions == 1


@pytest.mark.parametrize("sack", [True, False])
def test_many_losses_in_a_window_need_no_time_out(sack: bool) -> None:
    settings = Settings(sack=sack)
    link = Link(a=settings, b=settings, faults=Faults(rate=1e6))
    client, server = link.pair()
    link.drop = dropping(lambda count: count in (30, 33, 37, 38, 44))
    link.write(client, b"x" * 300_000)
    link.run_until(lambda: len(server.received) == 300_000)
    figures = client.connection.statistics()
    assert figures.timeouts == 0
    assert figures.retransmissions == 5


def dropping(which: Callable[[int], bool]) -> Callable[[str, Segment], bool]:
    """Drop the client's data segments whose number `which` names."""
    count = 0

    def drop(side: str, segment: Segment) -> bool:
        nonlocal count
        if side != "a" or not payload(segment):
            return False
        count += 1
        return which(count)

    return drop


def test_a_black_out_of_a_second_is_survived() -> None:
    link = Link(faults=Faults(rate=1e6))
    client, server = link.pair()
    link.write(client, b"x" * 500_000)
    link.run(0.2)
    link.drop = lambda _side, _segment: True
    link.run(1.0)
    link.drop = lambda _side, _segment: False
    link.run_until(lambda: len(server.received) == 500_000, limit=10)


def test_goodput_with_one_percent_of_loss_stays_useful() -> None:
    link = Link(seed=5, faults=Faults(loss=0.01, delay=0.01, rate=2.5e6))
    client, server = link.pair()
    start = link.now
    link.write(client, b"x" * 2_000_000)
    link.run_until(lambda: len(server.received) == 2_000_000)
    assert 2_000_000 / (link.now - start) > 0.4e6  # octets a second, of 2.5 million
