"""ARP: resolution, ageing, what is learned from whom, and defence of our address."""

from __future__ import annotations

from math import inf

import pytest

from fata.proto.neighbors import (
    REQUESTS,
    Neighbors,
    Released,
    Settings,
    Transmission,
    Unreachable,
)
from fata.proto.own_address import DEFEND_INTERVAL
from fata.wire import arp
from fata.wire.ethernet import BROADCAST, UNSPECIFIED

MAC, PEER_MAC, OTHER_MAC = b"\x02\0\0\0\0\1", b"\x02\0\0\0\0\2", b"\x02\0\0\0\0\3"
HERE, PEER, OTHER = b"\x0a\0\0\1", b"\x0a\0\0\2", b"\x0a\0\0\3"
NOBODY = bytes(4)


def ready(settings: Settings | None = None) -> Neighbors[str]:
    """Return a machine with an address, announced long ago."""
    machine: Neighbors[str] = Neighbors(MAC, settings or Settings())
    machine.configure(HERE, 24, -100.0)
    machine.tick(-50.0)
    machine.take_packets()
    return machine


def request(mac: bytes, address: bytes, target: bytes = HERE) -> arp.Packet:
    """Return a station's question."""
    return arp.Packet(arp.REQUEST, mac, address, UNSPECIFIED, target)


def reply(mac: bytes, address: bytes) -> arp.Packet:
    """Return a station's answer to us."""
    return arp.Packet(arp.REPLY, mac, address, MAC, HERE)


def known(machine: Neighbors[str], now: float = 0.0, address: bytes = PEER, mac: bytes = PEER_MAC) -> Neighbors[str]:
    """Let the machine learn a neighbor by asking for it."""
    machine.hold(address, "first", now)
    machine.receive(reply(mac, address), now)
    machine.take_packets()
    machine.take_released()
    return machine


def test_a_packet_waits_until_its_neighbor_has_answered() -> None:
    machine = ready()
    assert machine.lookup(PEER, 0.0) is None
    machine.hold(PEER, "one", 0.0)
    machine.hold(PEER, "two", 0.1)
    assert machine.take_packets() == [Transmission(BROADCAST, request(MAC, HERE, PEER))]
    assert machine.take_released() == []
    machine.receive(reply(PEER_MAC, PEER), 0.2)
    assert machine.take_released() == [Released(PEER_MAC, "one"), Released(PEER_MAC, "two")]
    assert machine.lookup(PEER, 0.3) == PEER_MAC
    assert (machine.take_packets(), len(machine.held)) == ([], 0)


def test_a_packet_for_a_neighbor_that_has_become_known_is_released_at_once() -> None:
    machine = known(ready())
    machine.hold(PEER, "late", 0.0)
    assert machine.take_released() == [Released(PEER_MAC, "late")]


def test_it_asks_once_a_second_three_times_and_then_gives_up() -> None:
    machine = ready()
    machine.hold(PEER, "one", 0.0)
    times = []
    while machine.next_deadline() < inf:
        times.append(machine.next_deadline())
        machine.tick(times[-1])
    assert times == [1.0, 2.0, 3.0, 8.0]
    assert machine.take_packets() == [Transmission(BROADCAST, request(MAC, HERE, PEER))] * REQUESTS
    assert machine.take_unreachable() == [Unreachable(PEER, "one")]
    assert (machine.counters.failed, len(machine)) == (1, 0)


def test_after_a_failure_packets_fail_at_once_for_a_while() -> None:
    machine = ready()
    machine.hold(PEER, "one", 0.0)
    for now in (1.0, 2.0, 3.0):
        machine.tick(now)
    machine.take_packets()
    machine.take_unreachable()
    machine.hold(PEER, "two", 4.0)
    assert (machine.take_unreachable(), machine.take_packets()) == ([Unreachable(PEER, "two")], [])
    machine.tick(8.0)
    machine.hold(PEER, "three", 8.0)
    assert len(machine.take_packets()) == 1


def test_a_failed_neighbor_that_speaks_is_known_again() -> None:
    machine = ready()
    machine.hold(PEER, "one", 0.0)
    for now in (1.0, 2.0, 3.0):
        machine.tick(now)
    machine.receive(request(PEER_MAC, PEER, OTHER), 4.0)
    assert machine.lookup(PEER, 4.0) == PEER_MAC


def test_a_neighbor_in_use_is_asked_again_at_its_own_address_and_stays_known() -> None:
    machine = known(ready())
    machine.lookup(PEER, 30.0)
    machine.tick(44.9)
    assert machine.take_packets() == []
    machine.tick(45.0)
    assert machine.take_packets() == [Transmission(PEER_MAC, request(MAC, HERE, PEER))]
    assert machine.lookup(PEER, 45.5) == PEER_MAC
    machine.receive(reply(PEER_MAC, PEER), 45.6)
    assert machine.next_deadline() == pytest.approx(90.6)


def test_a_neighbor_that_stops_answering_is_forgotten() -> None:
    machine = known(ready())
    machine.lookup(PEER, 30.0)
    for now in (45.0, 46.0, 47.0):
        machine.tick(now)
        assert machine.lookup(PEER, now) == PEER_MAC
    machine.tick(48.0)
    assert (machine.lookup(PEER, 48.0), machine.counters.lost, len(machine)) == (None, 1, 0)
    assert len(machine.take_packets()) == REQUESTS


def test_an_unused_neighbor_is_forgotten_without_a_question() -> None:
    machine = ready()
    machine.receive(request(PEER_MAC, PEER), 0.0)
    machine.take_packets()
    machine.tick(45.0)
    assert (len(machine), machine.counters.forgotten, machine.take_packets()) == (0, 1, [])


def test_a_transport_that_makes_progress_saves_the_question() -> None:
    machine = known(ready())
    for now in range(1, 200):
        machine.lookup(PEER, now)
        machine.confirm(PEER, now)
        machine.tick(now)
    assert machine.take_packets() == []
    machine.confirm(OTHER, 200.0)
    assert len(machine) == 1


def test_it_answers_for_its_address_and_learns_who_asked() -> None:
    machine = ready()
    machine.receive(request(PEER_MAC, PEER), 0.0)
    assert machine.take_packets() == [Transmission(PEER_MAC, arp.Packet(arp.REPLY, MAC, HERE, PEER_MAC, PEER))]
    assert machine.lookup(PEER, 0.0) == PEER_MAC


def test_without_an_address_it_answers_nobody() -> None:
    machine: Neighbors[str] = Neighbors(MAC)
    machine.receive(request(PEER_MAC, PEER), 0.0)
    machine.receive(request(PEER_MAC, NOBODY), 0.0)
    assert (machine.take_packets(), len(machine), machine.next_deadline()) == ([], 0, inf)


def test_from_talk_among_others_it_learns_nothing_new() -> None:
    machine = ready()
    machine.receive(request(PEER_MAC, PEER, OTHER), 0.0)
    machine.receive(arp.Packet(arp.REPLY, PEER_MAC, PEER, OTHER_MAC, OTHER), 0.0)
    machine.receive(reply(PEER_MAC, PEER), 0.0)
    assert (len(machine), machine.take_packets(), machine.counters.unsolicited) == (0, [], 2)


def test_a_gratuitous_packet_moves_a_known_neighbor_but_not_right_after_another_did() -> None:
    machine = known(ready())
    machine.receive(request(OTHER_MAC, PEER, PEER), 0.5)
    assert (machine.lookup(PEER, 0.5), machine.counters.locked) == (PEER_MAC, 1)
    machine.receive(request(OTHER_MAC, PEER, PEER), 1.5)
    assert (machine.lookup(PEER, 1.5), machine.counters.changed) == (OTHER_MAC, 1)


def test_a_question_from_a_neighbor_does_not_show_that_it_hears_us() -> None:
    machine = known(ready())
    machine.lookup(PEER, 40.0)
    machine.receive(request(PEER_MAC, PEER), 44.0)
    assert machine.next_deadline() == 45.0


def test_a_probe_for_our_address_is_answered_and_nothing_is_learned() -> None:
    machine = ready()
    machine.receive(request(PEER_MAC, NOBODY), 0.0)
    assert machine.take_packets() == [Transmission(PEER_MAC, arp.Packet(arp.REPLY, MAC, HERE, PEER_MAC, NOBODY))]
    machine.receive(request(PEER_MAC, NOBODY, OTHER), 0.0)
    assert (len(machine), machine.take_packets(), machine.own.take_conflicts()) == (0, [], [])


@pytest.mark.parametrize("mac", [BROADCAST, UNSPECIFIED, b"\x01\0\x5e\0\0\1"])
def test_no_station_has_a_group_address(mac: bytes) -> None:
    machine = ready()
    machine.receive(request(mac, PEER), 0.0)
    assert (len(machine), machine.take_packets(), machine.counters.invalid) == (0, [], 1)


@pytest.mark.parametrize("address", ["0a0000ff", "0a000000", "0a000102", "e0000001", "ffffffff", "7f000001"])
def test_no_station_on_this_link_has_such_an_address(address: str) -> None:
    machine = ready()
    machine.receive(request(PEER_MAC, bytes.fromhex(address)), 0.0)
    assert (len(machine), machine.take_packets(), machine.counters.invalid) == (0, [], 1)


def test_on_a_link_of_two_both_addresses_are_stations() -> None:
    machine = ready()
    machine.configure(HERE, 31, 0.0)
    machine.receive(request(PEER_MAC, b"\x0a\0\0\0"), 0.0)
    assert len(machine) == 1


def test_its_own_packets_come_back_without_effect() -> None:
    machine = ready()
    machine.receive(request(MAC, HERE, HERE), 0.0)
    assert (len(machine), machine.take_packets(), machine.own.take_conflicts()) == (0, [], [])


def test_an_address_is_announced_twice() -> None:
    machine: Neighbors[str] = Neighbors(MAC)
    machine.configure(HERE, 24, 5.0)
    announcement = Transmission(BROADCAST, request(MAC, HERE, HERE))
    assert machine.take_packets() == [announcement]
    assert machine.next_deadline() == 7.0
    machine.tick(7.0)
    assert (machine.take_packets(), machine.next_deadline()) == ([announcement], inf)


def test_an_address_that_is_given_up_is_not_announced_any_more() -> None:
    machine: Neighbors[str] = Neighbors(MAC)
    machine.configure(HERE, 24, 5.0)
    machine.configure(None, 0, 6.0)
    machine.take_packets()
    machine.tick(10.0)
    assert (machine.take_packets(), machine.next_deadline()) == ([], inf)


def test_a_conflict_is_told_and_our_address_defended_once_in_ten_seconds() -> None:
    machine = ready()
    announcement = Transmission(BROADCAST, request(MAC, HERE, HERE))
    machine.receive(request(PEER_MAC, HERE, OTHER), 0.0)
    assert (machine.take_packets(), machine.own.take_conflicts()) == ([announcement], [PEER_MAC])
    machine.receive(arp.Packet(arp.REPLY, PEER_MAC, HERE, OTHER_MAC, OTHER), DEFEND_INTERVAL - 0.1)
    assert (machine.take_packets(), machine.own.take_conflicts()) == ([], [PEER_MAC])
    machine.receive(request(PEER_MAC, HERE, HERE), DEFEND_INTERVAL)
    assert machine.take_packets() == [announcement]
    assert (machine.counters.conflicts, machine.counters.defended, len(machine)) == (3, 2, 0)
