"""RACK (RFC 8985 6): what is late is lost, what was overtaken is not."""

from __future__ import annotations

from math import inf
from random import Random

import pytest

from fata.proto.tcp.rack import LEAST_WINDOW, PERSISTENCE, Rack
from fata.proto.tcp.sack import Scoreboard
from fata.wire.tcp import ACK, Segment
from tests.proto.tcp.link import Faults, Link
from tests.proto.tcp.peer import Peer, payload
from tests.proto.tcp.test_recovery import FULL, SACK, offsets, sack

ROUND_TRIP = 0.1  # seconds


def sending(segments: int = 10) -> tuple[Peer, int]:
    """A host that has sent so many segments a round trip ago, and knows how long one is; the first octet's number."""
    peer = Peer()
    peer.open(SACK)
    for _ in range(20):  # the handshake took no time: that is not what the average is to remember
        peer.write(FULL)
        peer.now += ROUND_TRIP
        peer.say()
    peer.connection.rtt.least = ROUND_TRIP
    base = peer.connection.snd_una
    assert len(peer.write(FULL * segments)) == segments
    peer.now += ROUND_TRIP
    return peer, base


def test_a_segment_that_is_overtaken_and_comes_soon_is_not_sent_again() -> None:
    peer, base = sending()
    window = peer.connection.congestion.window
    assert peer.say(ack=base, options=sack(base, (1, 2))) == []
    assert peer.wait(ROUND_TRIP / 5) == []
    peer.say(ack=base + 2000)
    peer.say(ack=base + 10_000)
    figures = peer.connection.statistics()
    assert (figures.retransmissions, figures.recoveries) == (0, 0)
    assert peer.connection.congestion.window >= window


def test_a_segment_that_does_not_come_is_sent_again_without_three_duplicates() -> None:
    peer, base = sending()
    began = peer.now
    assert peer.say(ack=base, options=sack(base, (1, 2))) == []
    assert offsets(base, peer.wait(ROUND_TRIP / 4 + 0.001)) == [0]
    assert peer.now - began < 0.2  # no time-out
    assert peer.connection.statistics().recoveries == 1


def test_three_segments_beyond_a_gap_are_enough_while_nothing_was_overtaken() -> None:
    peer, base = sending()
    assert offsets(base, peer.say(ack=base, options=sack(base, (1, 4)))) == [0]


def test_once_segments_were_overtaken_three_are_not_enough() -> None:
    peer, base = sending()
    peer.say(ack=base, options=sack(base, (1, 2)))
    peer.say(ack=base + 2000)  # the first came late
    assert peer.say(ack=base + 2000, options=sack(base, (3, 9))) == []
    assert offsets(base, peer.wait(ROUND_TRIP / 4 + 0.001)) == [2]


def test_what_was_sent_again_and_lost_again_needs_no_time_out() -> None:
    peer, base = sending()
    peer.connection.write(FULL * 5)
    (again, *fresh) = offsets(base, peer.say(ack=base, options=sack(base, (1, 4))))
    assert (again, fresh) == (0, [])
    assert offsets(base, peer.say(ack=base, options=sack(base, (1, 10)))) == [10, 11, 12, 13, 14]
    window = peer.connection.congestion.window
    peer.now += ROUND_TRIP
    assert offsets(base, peer.say(ack=base, options=sack(base, (1, 11)))) == [0]
    assert peer.connection.congestion.window < window  # RFC 5681 4.3: two signs of congestion
    assert peer.connection.statistics().timeouts == 0


def test_losses_behind_the_recovery_point_begin_another_recovery() -> None:
    peer, base = sending()
    peer.connection.write(FULL * 5)
    peer.say(ack=base, options=sack(base, (1, 10)))
    peer.now += ROUND_TRIP
    assert offsets(base, peer.say(ack=base + 10_000, options=sack(base, (11, 14)))) == [10]
    assert peer.connection.statistics().recoveries == 2


def losing(link: Link, *numbers: int, times: int = 1) -> None:
    """Lose the client's segments of these numbers, counted from 0, the first `times` that each is sent."""
    seen: dict[int, int] = {}

    def drop(side: str, segment: Segment) -> bool:
        if side != "a" or not payload(segment):
            return False
        seen.setdefault(segment.seq, len(seen))
        lost[segment.seq] = lost.get(segment.seq, 0) + 1
        return seen[segment.seq] in numbers and lost[segment.seq] <= times

    lost: dict[int, int] = {}
    link.drop = drop


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_segment_lost_again_and_again_costs_a_round_trip_each(times: int) -> None:
    link = Link(faults=Faults(rate=1e6))
    client, server = link.pair()
    losing(link, 30, 33, times=times)
    link.write(client, b"x" * 300_000)
    link.run_until(lambda: len(server.received) == 300_000)
    figures = client.connection.statistics()
    assert (figures.timeouts, figures.retransmissions) == (0, 2 * times)


@pytest.mark.parametrize("seed", range(3))
def test_overtaking_alone_costs_next_to_nothing(seed: int) -> None:
    """A twentieth of all segments come up to 2 ms late, of a round trip of 30: by a count each would be a loss."""
    link = Link(seed, Faults(reorder=0.05, late=0.002, delay=0.015, rate=20e6))
    client, server = link.pair()
    link.write(client, b"x" * 2_000_000)
    link.run_until(lambda: len(server.received) == 2_000_000)
    figures = client.connection.statistics()
    assert figures.recoveries - link.a.host.counters.spurious_recoveries <= 1
    assert figures.retransmissions <= 15


def arrived(rack: Rack, low: int, high: int, now: float, sent: float = 0.0) -> None:
    rack.arrived(low, high, sent, 0.1, now)


def test_a_duplicate_widens_the_window_once_a_round_trip_and_for_sixteen_recoveries() -> None:
    rack = Rack()
    assert rack.window(0.1, 1.0, sure=False) == pytest.approx(0.025)
    assert rack.window(0.1, 1.0, sure=True) == 0.0
    rack.duplicate(100, 200)
    rack.duplicate(150, 250)  # the same round trip
    assert rack.window(0.1, 1.0, sure=False) == pytest.approx(0.05)
    rack.duplicate(200, 300)
    assert rack.window(0.1, 1.0, sure=False) == pytest.approx(0.075)
    assert rack.window(0.1, 0.06, sure=False) == pytest.approx(0.06)  # never more than a round trip
    for _ in range(PERSISTENCE - 1):
        rack.recovered()
    assert rack.window(0.1, 1.0, sure=False) == pytest.approx(0.075)
    rack.recovered()
    assert rack.window(0.1, 1.0, sure=False) == pytest.approx(0.025)
    assert rack.window(0.1, 1.0, sure=True) == pytest.approx(0.025)  # it was overtaken, not lost
    assert rack.window(1e-5, 1e-5, sure=False) == LEAST_WINDOW


def test_an_answer_sooner_than_a_round_trip_is_to_what_was_sent_first() -> None:
    rack, board = Rack(), Scoreboard(0)
    rack.sent(10, 0, 0.0)
    rack.resent(0, 5, 1.0)
    arrived(rack, 0, 5, 1.05, 0.5)  # half of the shortest round trip: the original, that was late
    board.advance(5)
    assert rack.losses(board, 20, 0.5, 0.0, 1.05) is None
    assert board.missing == 0  # had it been the second, what was sent at 0.5 would be lost


def test_records_do_not_pile_up() -> None:
    rack = Rack()
    for number in range(1000):
        rack.sent(number, number - 10, float(number))
    assert len(rack._flights) < 150


class Octets:
    """RFC 8985 6.2 as it is written, for segments of one octet."""

    def __init__(self) -> None:
        self.una = self.nxt = 0
        self.sent: dict[int, tuple[float, bool]] = {}  # those under way: when, and whether again
        self.lost: set[int] = set()
        self.latest = (-inf, 0)
        self.rtt = 0.0
        self.fack = 0
        self.reordered = False

    def deliver(self, octets: set[int], least: float, now: float) -> None:
        for octet in sorted(octets):
            at, again = self.sent.pop(octet, (None, False))
            if at is None:  # it was lost, and not sent again
                at, again = self.first[octet], False
            if octet + 1 < self.fack and not again:
                self.reordered = True
            self.fack = max(self.fack, octet + 1)
            if not (again and (now - at < least or now <= at)) and (at, octet + 1) > self.latest:
                self.latest = at, octet + 1
                self.rtt = now - at
        self.lost -= octets

    first: dict[int, float]

    def detect(self, window: float, now: float) -> float:
        due = inf
        for octet, (at, _) in list(self.sent.items()):
            if (at, octet + 1) < self.latest:
                if now - at < self.rtt + window and at + (self.rtt + window) > now:
                    due = min(due, at + (self.rtt + window))
                else:
                    del self.sent[octet]
                    self.lost.add(octet)
        return due


LEAST, WINDOW = 0.016, 0.004


class Run:
    """RACK and the model side by side."""

    def __init__(self) -> None:
        self.rack, self.board, self.model = Rack(), Scoreboard(0), Octets()
        self.model.first = {}
        self.now = self.latest = 1.0

    def send(self, count: int, _: int) -> None:
        model = self.model
        if model.nxt > model.una:
            self.rack.sent(model.nxt, model.una, self.latest)
        for octet in range(model.nxt, model.nxt + count):
            model.sent[octet] = self.now, False
            model.first[octet] = self.now
        model.nxt += count
        self.latest = self.now

    def again(self, start: int, end: int) -> None:
        self.rack.sent(self.model.nxt, self.model.una, self.latest)
        self.rack.resent(start, end, self.now)
        for octet in range(start, end):
            self.model.sent[octet] = self.now, True
        self.model.lost -= set(range(start, end))
        self.latest = self.now

    def resend(self, count: int, _: int) -> None:
        start, end = self.board.next_lost()
        end = min(end, start + count)
        if start < end:
            self.again(start, end)
            self.board.resent(start, end)

    def tail(self, count: int, _: int) -> None:
        octets = range(max(self.model.una, self.model.nxt - count), self.model.nxt)
        if octets and all(octet in self.model.sent for octet in octets) and not self.board.sacked:
            self.again(octets[0], octets[-1] + 1)

    def sack(self, offset: int, length: int) -> None:
        start = self.model.una + offset
        self.heard(self.model.una, [(start, start + length)])

    def ack(self, count: int, _: int) -> None:
        una = min(self.model.nxt, self.model.una + count)
        gaps = self.board.ranges.gaps(una, self.model.nxt)
        self.heard(gaps[0][0] if gaps else self.model.nxt, [])

    def heard(self, una: int, blocks: list[tuple[int, int]]) -> None:
        model, board = self.model, self.board
        held = {n for low, high in zip(board.ranges.starts, board.ranges.ends, strict=True) for n in range(low, high)}
        fresh = board.update(blocks, model.nxt)
        pieces = sorted(fresh + board.ranges.gaps(model.una, una))
        for low, high in pieces:
            self.rack.arrived(low, high, self.latest, LEAST, self.now)
        octets = {n for low, high in pieces for n in range(low, high)}
        assert not octets & held
        model.deliver(octets, LEAST, self.now)
        model.una = una
        board.advance(una)

    def wait(self, ticks: int, _: int) -> None:
        self.now += ticks / 1024

    def time_out(self, _: int, __: int) -> None:
        model = self.model
        self.board.all_lost(model.nxt)
        self.rack.restart(model.nxt)
        model.lost |= set(model.sent)
        model.sent.clear()

    def compare(self) -> None:
        self.rack.losses(self.board, self.model.nxt, self.latest, WINDOW, self.now)
        due = self.model.detect(WINDOW, self.now)
        lost = self.board.lost
        assert {
            n for low, high in zip(lost.starts, lost.ends, strict=True) for n in range(low, high)
        } == self.model.lost
        assert self.now < self.rack.due <= due
        assert self.rack.reordered == self.model.reordered


NAMES = ("send", "send", "sack", "sack", "ack", "resend", "resend", "tail", "wait", "time_out")
MOST = {"send": 12, "sack": 30, "ack": 12, "resend": 6, "tail": 3, "wait": 40, "time_out": 1}


@pytest.mark.parametrize("seed", range(200))
def test_against_the_rfcs_own_words(seed: int) -> None:
    random, run = Random(seed), Run()
    for _ in range(60):
        name = random.choice(NAMES)
        if name != "time_out" or random.random() < 0.1:
            getattr(run, name)(random.randint(1, MOST[name]), random.randint(1, 8))
        if random.random() < 0.8:
            run.wait(random.randint(0, 8), 0)
        run.compare()


def test_an_acknowledgment_that_tells_nothing_new_changes_nothing() -> None:
    peer, base = sending()
    for _ in range(5):
        assert peer.say(ACK, ack=base) == []
    assert peer.connection.statistics().recoveries == 0
