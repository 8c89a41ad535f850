"""ARP under attack: floods of packets, of neighbors and of addresses; and anything at all, in any order."""

from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from fata.proto.neighbors import Neighbors, Settings, Unreachable
from fata.wire import arp
from fata.wire.ethernet import BROADCAST, UNSPECIFIED

MAC, HERE = b"\x02\0\0\0\0\1", b"\x0a\0\0\1"
SMALL = Settings(neighbors=8, held=6, held_per_neighbor=3)


def station(number: int) -> bytes:
    """Return an address in 10.0.0.0/8, none that is special."""
    return b"\x0a" + (number + 2).to_bytes(3, "big")


def mac_of(number: int) -> bytes:
    """Return a station's MAC."""
    return b"\x06\0" + number.to_bytes(4, "big")


def asks(number: int) -> arp.Packet:
    """Return a station's question for us."""
    return arp.Packet(arp.REQUEST, mac_of(number), station(number), UNSPECIFIED, HERE)


def answers(number: int) -> arp.Packet:
    """Return a station's answer to us."""
    return arp.Packet(arp.REPLY, mac_of(number), station(number), MAC, HERE)


def ready(settings: Settings = SMALL) -> Neighbors[int]:
    """Return a machine whose address was announced long ago."""
    machine: Neighbors[int] = Neighbors(MAC, settings)
    machine.configure(HERE, 8, -100.0)
    machine.tick(-50.0)
    machine.take_packets()
    return machine


def test_held_packets_are_few_for_each_neighbor() -> None:
    machine = ready()
    for packet in range(10):
        machine.hold(station(0), packet, 0.0)
    machine.receive(answers(0), 0.0)
    assert [released.packet for released in machine.take_released()] == [7, 8, 9]
    assert machine.held.dropped == 7


def test_held_packets_are_few_in_all_and_the_oldest_goes() -> None:
    machine = ready()
    for packet in range(8):
        machine.hold(station(packet), packet, 0.0)
    assert (len(machine.held), machine.held.dropped) == (6, 2)
    machine.receive(answers(0), 0.0)
    machine.receive(answers(2), 0.0)
    assert [released.packet for released in machine.take_released()] == [2]


def test_who_asks_under_many_names_does_not_push_out_neighbors_in_use() -> None:
    machine = ready()
    for number in range(4):
        machine.receive(asks(number), 0.0)
        machine.lookup(station(number), 0.0)
    for number in range(100, 10_100):
        machine.receive(asks(number), 1.0)
        machine.take_packets()
    assert [machine.lookup(station(number), 2.0) for number in range(4)] == [mac_of(number) for number in range(4)]
    assert (len(machine), machine.counters.evicted) == (8, 10_000 - 4)


def test_packets_to_many_absent_stations_do_not_push_out_neighbors_in_use() -> None:
    machine = ready()
    for number in range(4):
        machine.receive(asks(number), 0.0)
        machine.lookup(station(number), 0.0)
    for number in range(100, 10_100):
        machine.hold(station(number), number, 1.0)
        machine.take_packets()
    assert [machine.lookup(station(number), 2.0) for number in range(4)] == [mac_of(number) for number in range(4)]
    assert len(machine) == 8
    unreachable = [packet for _address, packet in machine.take_unreachable()]
    assert len(unreachable) + len(machine.held) + machine.held.dropped == 10_000


def test_when_all_are_in_use_newcomers_are_refused() -> None:
    machine = ready()
    for number in range(8):
        machine.receive(asks(number), 0.0)
        machine.lookup(station(number), 0.0)
    machine.receive(asks(9), 1.0)
    machine.hold(station(10), 10, 1.0)
    assert (machine.lookup(station(9), 1.0), machine.counters.refused) == (None, 2)
    assert machine.take_unreachable() == [Unreachable(station(10), 10)]


def test_failed_resolutions_make_room_first() -> None:
    machine = ready()
    machine.receive(asks(0), 2.0)
    for number in range(1, 8):
        machine.hold(station(number), number, 0.0)
    for now in (1.0, 2.0, 3.0):
        machine.tick(now)
    machine.receive(asks(20), 3.5)
    assert machine.lookup(station(0), 3.5) == mac_of(0)


def test_replies_that_nobody_takes_have_a_cap() -> None:
    machine = ready()
    for _ in range(5_000):
        machine.receive(asks(0), 0.0)
    assert len(machine.take_packets()) + machine.counters.dropped == 5_000
    assert machine.counters.dropped > 0


NUMBER = st.integers(0, 12)
PACKET = st.builds(
    arp.Packet,
    st.sampled_from((1, 2, 3)),
    NUMBER.map(mac_of) | st.sampled_from((MAC, BROADCAST, UNSPECIFIED)),
    NUMBER.map(station) | st.sampled_from((HERE, bytes(4), b"\xff" * 4, b"\xc0\0\2\1")),
    st.just(MAC) | st.just(UNSPECIFIED),
    NUMBER.map(station) | st.just(HERE),
)
STEP = (
    st.tuples(st.just("receive"), PACKET)
    | st.tuples(st.sampled_from(("hold", "lookup", "confirm")), NUMBER)
    | st.tuples(st.just("wait"), st.sampled_from((0.0, 0.5, 1.0, 5.0, 44.0, 1000.0)))
    | st.tuples(st.just("configure"), st.sampled_from((None, HERE)))
)


@given(st.lists(STEP, max_size=80))
def test_whatever_comes_caps_hold_and_no_packet_is_lost_silently(steps: list[tuple[str, object]]) -> None:
    machine, now, taken, put = ready(), 0.0, 0, 0
    for verb, argument in steps:
        match verb, argument:
            case "receive", arp.Packet() as packet:
                machine.receive(packet, now)
            case "hold", int(number):
                machine.hold(station(number), put, now)
                put += 1
            case "lookup", int(number):
                machine.lookup(station(number), now)
            case "confirm", int(number):
                machine.confirm(station(number), now)
            case "configure", bytes() | None as address:
                machine.configure(address, 8, now)
            case _, float(step):
                now += step
                machine.tick(now)
        taken += len(machine.take_released()) + len(machine.take_unreachable())
        assert len(machine) <= SMALL.neighbors
        assert len(machine.held) <= SMALL.held
        assert put == taken + len(machine.held) + machine.held.dropped
        assert machine.next_deadline() > now or verb != "wait"
    settle(machine, now)


def settle(machine: Neighbors[int], now: float) -> None:
    """Let all time pass: nothing may stay, and nothing may be asked for ever."""
    for _ in range(200):
        if machine.next_deadline() == inf:
            break
        now = max(now, machine.next_deadline())
        machine.tick(now)
    assert (len(machine), len(machine.held), machine.next_deadline()) == (0, 0, inf)
