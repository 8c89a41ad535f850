"""Tail probes (RFC 8985 7): losses that nothing sent later can tell are found in two round trips, not by a time-out."""

from __future__ import annotations

from fata.proto.tcp.settings import Settings
from fata.wire.tcp import Options
from tests.proto.tcp.link import Faults, Link
from tests.proto.tcp.peer import Peer, payload
from tests.proto.tcp.test_rack import ROUND_TRIP, losing, sending
from tests.proto.tcp.test_recovery import FULL, PLAIN, SACK, offsets, sack


def test_the_last_segment_is_sent_again_after_two_round_trips() -> None:
    peer, base = sending()
    assert peer.wait(ROUND_TRIP * 0.7) == []
    assert offsets(base, peer.wait(ROUND_TRIP * 0.4)) == [9]
    assert peer.host.counters.tail_probes == 1
    assert peer.connection.statistics().timeouts == 0
    assert offsets(base, peer.wait(ROUND_TRIP)) == []  # one probe only; the time-out comes next
    assert offsets(base, peer.wait(0.5))[:1] == [0]


def test_new_data_are_a_better_probe_though_the_window_is_full() -> None:
    peer, base = sending()
    peer.connection.congestion.window = 10_000
    peer.connection.write(FULL * 3)
    assert peer.flush() == []
    assert offsets(base, peer.wait(ROUND_TRIP * 1.1)) == [10]
    assert peer.connection.statistics().retransmissions == 0


def test_a_fin_is_part_of_a_probe() -> None:
    peer, base = sending(2)
    peer.connection.shutdown()
    peer.flush()
    (probe,) = peer.wait(ROUND_TRIP * 1.1)
    assert probe.flags & 1
    assert ((probe.seq - base) & 0xFFFFFFFF, len(payload(probe))) == (1001, 999)


def test_the_peers_window_is_heeded() -> None:
    peer, base = sending(4)
    peer.window = 4000 >> 7  # as much as is on its way
    peer.say(ack=base)
    peer.connection.write(FULL)
    peer.flush()
    assert offsets(base, peer.wait(ROUND_TRIP * 2.2)) == [3]


def test_what_a_probe_brings_repairs_the_rest() -> None:
    peer, base = sending()
    peer.wait(ROUND_TRIP * 1.1)
    peer.now += ROUND_TRIP
    out = peer.say(ack=base + 7000, options=sack(base, (9, 10)))
    out += peer.wait(ROUND_TRIP / 4 + 0.001)
    assert offsets(base, out) == [7, 8]
    assert peer.connection.statistics().timeouts == 0


def test_a_loss_that_the_probe_has_repaired_counts_as_one() -> None:
    peer, base = sending()
    window = peer.connection.congestion.window
    peer.wait(ROUND_TRIP * 1.1)
    peer.say(ack=base + 10_000)  # by the original or the probe
    assert peer.connection.congestion.window >= window
    peer.write(FULL * 2)
    peer.say(ack=base + 11_000)  # no word of a duplicate: it was the probe
    assert peer.connection.congestion.window < window


def test_a_probe_that_was_not_needed_costs_nothing() -> None:
    peer, base = sending()
    window = peer.connection.congestion.window
    peer.wait(ROUND_TRIP * 1.1)
    peer.say(ack=base + 10_000)
    peer.write(FULL * 2)
    peer.say(ack=base + 10_000, options=sack(base, (9, 10)))  # D-SACK
    peer.say(ack=base + 11_000)
    assert peer.connection.congestion.window >= window
    assert peer.connection.tail == 0


def test_a_repeated_acknowledgment_ends_the_waiting_for_an_answer() -> None:
    """RFC 8985 7.4.2: two empty ones for the original and the probe, from a peer that sends no D-SACK."""
    peer, base = sending()
    window = peer.connection.congestion.window
    peer.wait(ROUND_TRIP * 1.1)
    peer.say(ack=base + 10_000)
    assert peer.connection.tail
    peer.say(ack=base + 10_000)
    assert not peer.connection.tail
    peer.write(FULL * 2)
    peer.say(ack=base + 12_000)
    assert peer.connection.congestion.window >= window


def test_there_is_one_probe_at_a_time() -> None:
    peer, base = sending()
    assert offsets(base, peer.wait(ROUND_TRIP * 1.1)) == [9]
    peer.say(ack=base + 5000)  # news, but not of the probe
    peer.wait(ROUND_TRIP * 1.9)
    assert peer.host.counters.tail_probes == 1


def test_a_probe_is_one_segment_with_its_options() -> None:
    peer = Peer()
    peer.open(Options(1000, 7, True), timestamp=1)
    assert {len(payload(segment)) for segment in peer.write(b"x" * 988 * 4)} == {988}
    (probe,) = peer.wait(0.05)
    assert len(payload(probe)) == 988


def test_no_probe_for_a_single_segment_nor_without_sack() -> None:
    peer, _ = sending(1)
    peer.wait(ROUND_TRIP * 1.5)
    plain = Peer()
    plain.open(PLAIN)
    plain.write(FULL * 5)
    plain.wait(0.1)
    assert peer.host.counters.tail_probes == plain.host.counters.tail_probes == 0


def test_a_tail_lost_whole_needs_no_time_out() -> None:
    link = Link(faults=Faults(delay=0.005))
    client, server = link.pair()
    link.write(client, FULL * 5)
    link.run_until(lambda: len(server.received) == 5000)
    losing(link, 4, 5, 6)  # the last three of seven
    began = link.now
    link.write(client, b"x" * 1448 * 7)
    link.run_until(lambda: len(server.received) == 5000 + 1448 * 7)
    assert link.now - began < 0.1
    assert client.connection.statistics().timeouts == 0


def test_probes_can_be_switched_off() -> None:
    peer = Peer(Settings(tail_probes=False))
    peer.open(SACK)
    base = peer.connection.snd_una
    peer.write(FULL * 4)
    assert offsets(base, peer.wait(0.25)) == [0]


def test_a_peer_that_says_nothing_of_timestamps_is_probed_as_well() -> None:
    peer = Peer(Settings(timestamps=False))
    peer.open(Options(1000, 7, True))
    base = peer.connection.snd_una
    peer.write(FULL * 4)
    assert offsets(base, peer.wait(0.05)) == [3]
