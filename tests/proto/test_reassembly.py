"""IPv4 reassembly: order, time, limits, and the attacks that fragments are known for."""

from __future__ import annotations

import random
import tracemalloc
from math import inf
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.proto.reassembly import (
    DATAGRAM_COST,
    FRAGMENT_COST,
    HEADER_COST,
    LIFETIME,
    Datagram,
    Limits,
    Reassembly,
)
from fata.wire import icmpv4, ipv4

pytestmark = pytest.mark.slow  # in all, some seconds

HERE, THERE = b"\x0a\x00\x00\x01", b"\x0a\x00\x00\x02"


class Fragment(NamedTuple):
    """What `Reassembly.receive` takes."""

    header: ipv4.Header
    data: bytes
    start: int
    end: int


def fragment(
    offset: int, payload: bytes, more: bool, *, source: bytes = THERE, identification: int = 7, protocol: int = 17
) -> Fragment:
    """Put a payload into a frame, with 34 octets before it and some behind the packet."""
    header = ipv4.Header(
        source,
        HERE,
        protocol,
        total_length=20 + len(payload),
        identification=identification,
        more_fragments=more,
        fragment_offset=offset,
    )
    return Fragment(header, bytes(34) + payload + b"padding", 34, 34 + len(payload))


def cut(payload: bytes, size: int, *, identification: int = 7) -> list[Fragment]:
    """Cut a payload as a router would."""
    return [
        fragment(at, payload[at : at + size], at + size < len(payload), identification=identification)
        for at in range(0, len(payload), size)
    ]


def whole(payload: bytes, identification: int = 7) -> Datagram:
    """Return what a payload's fragments make together."""
    header = ipv4.Header(THERE, HERE, 17, total_length=20 + len(payload), identification=identification)
    return Datagram(header, payload)


def test_fragments_in_order_make_a_datagram() -> None:
    machine, payload = Reassembly(), random.Random(1).randbytes(4000)
    results = [machine.receive(*each, 0.0) for each in cut(payload, 1480)]
    assert results == [None, None, whole(payload)]
    assert (len(machine), machine.octets, machine.octets_of(THERE), machine.next_deadline()) == (0, 0, 0, inf)


@pytest.mark.parametrize("seed", range(10))
def test_fragments_in_any_order_and_twice_make_it_too(seed: int) -> None:
    chance = random.Random(seed)
    payload = chance.randbytes(65515)
    fragments = cut(payload, 552)
    duplicated = fragments + chance.sample(fragments, 40)
    chance.shuffle(duplicated)
    machine = Reassembly()
    results = [result for each in duplicated if (result := machine.receive(*each, 0.0))]
    assert results[0] == whole(payload)
    assert machine.counters.overlapping == 0


def test_two_datagrams_in_one_another_do_not_mix() -> None:
    machine = Reassembly()
    first, second = cut(bytes(3000), 1480, identification=1), cut(b"x" * 3000, 1480, identification=2)
    results = [machine.receive(*each, 0.0) for pair in zip(first, second, strict=True) for each in pair]
    assert [result.payload for result in results if result] == [bytes(3000), b"x" * 3000]


def test_source_and_protocol_are_part_of_what_belongs_together() -> None:
    machine = Reassembly()
    machine.receive(*fragment(0, bytes(8), True), 0.0)
    assert machine.receive(*fragment(8, bytes(8), False, source=HERE), 0.0) is None
    assert machine.receive(*fragment(8, bytes(8), False, protocol=6), 0.0) is None
    assert machine.receive(*fragment(8, bytes(8), False, identification=8), 0.0) is None
    assert len(machine) == 4


def test_a_datagram_that_stays_incomplete_expires_and_its_source_is_told() -> None:
    machine = Reassembly()
    machine.receive(*fragment(0, b"12345678" * 100, True), 1.0)
    machine.receive(*fragment(1600, b"12345678", False), 20.0)
    assert machine.next_deadline() == 1.0 + LIFETIME
    machine.tick(0.9 + LIFETIME)
    assert machine.take_expired() == []
    machine.tick(1.0 + LIFETIME)
    first = ipv4.Header(THERE, HERE, 17, total_length=820, identification=7, more_fragments=True)
    assert machine.take_expired() == [icmpv4.Quoted(first, b"12345678" * 66)]
    assert (machine.take_expired(), machine.octets, machine.counters.expired) == ([], 0, 1)


def test_options_of_the_first_fragment_count_into_the_length() -> None:
    machine = Reassembly()
    first = fragment(0, bytes(65504), True)
    machine.receive(first.header._replace(options=bytes(8)), *first[1:], 0.0)
    assert machine.receive(*fragment(65504, bytes(8), False), 0.0) is None
    assert (machine.counters.oversized, len(machine)) == (1, 0)


def test_without_its_first_fragment_nobody_is_told() -> None:
    machine = Reassembly()
    machine.receive(*fragment(8, b"12345678", False), 1.0)
    machine.tick(1.0 + LIFETIME)
    assert (machine.take_expired(), machine.counters.expired) == ([], 1)


OVERLAPS = {
    "teardrop: inside another": [(0, 40, True), (8, 8, False)],
    "into the one before": [(0, 16, True), (8, 16, True)],
    "into the one behind": [(16, 16, True), (8, 16, True)],
    "over another": [(8, 8, True), (0, 24, True)],
    "same place, longer": [(0, 8, True), (0, 16, True)],
    "two ends": [(16, 8, False), (32, 8, False)],
    "behind the end": [(16, 8, False), (24, 8, True)],
    "an end before what is there": [(16, 8, True), (8, 8, False)],
    "the end is not the end": [(16, 8, False), (8, 16, True)],
}


@pytest.mark.parametrize("ranges", OVERLAPS.values(), ids=OVERLAPS.keys())
def test_overlaps_drop_the_datagram_and_what_comes_later(ranges: list[tuple[int, int, bool]]) -> None:
    machine = Reassembly()
    for offset, size, more in ranges:
        assert machine.receive(*fragment(offset, bytes(size), more), 0.0) is None
    assert (machine.counters.overlapping, machine.octets) == (1, DATAGRAM_COST)
    for each in cut(bytes(64), 8):
        assert machine.receive(*each, 1.0) is None
    assert machine.counters.refused == 8
    machine.tick(LIFETIME)
    assert machine.take_expired() == []
    assert machine.receive(*fragment(0, bytes(8), False), LIFETIME) == whole(bytes(8))


def test_the_same_range_with_other_octets_is_an_overlap() -> None:
    machine = Reassembly()
    machine.receive(*fragment(0, b"evil-one", True), 0.0)
    machine.receive(*fragment(0, b"good-one", True), 0.0)
    assert (machine.counters.overlapping, machine.counters.duplicates) == (1, 0)


@pytest.mark.parametrize(("offset", "size", "more"), [(0, 0, True), (8, 0, False), (0, 7, True), (8, 1479, True)])
def test_fragments_that_no_router_makes_are_dropped(offset: int, size: int, more: bool) -> None:
    machine = Reassembly()
    assert machine.receive(*fragment(offset, bytes(size), more), 0.0) is None
    assert (machine.counters.malformed, len(machine)) == (1, 0)


def test_the_ping_of_death_is_dropped() -> None:
    machine = Reassembly()
    assert machine.receive(*fragment(65528, bytes(1480), False), 0.0) is None
    assert machine.receive(*fragment(65512, bytes(4), False), 0.0) is None
    assert (machine.counters.oversized, len(machine)) == (2, 0)
    machine.receive(*fragment(65512, bytes(3), False), 0.0)
    assert (machine.counters.oversized, len(machine)) == (2, 1)


def test_a_datagram_of_too_many_fragments_is_dropped() -> None:
    machine = Reassembly(Limits(fragments=4))
    for each in cut(bytes(40), 8):
        assert machine.receive(*each, 0.0) is None
    assert (machine.counters.too_many, machine.octets) == (1, DATAGRAM_COST)


def test_a_source_has_a_limit_and_loses_its_oldest() -> None:
    limits = Limits(octets_per_source=3 * (DATAGRAM_COST + FRAGMENT_COST + HEADER_COST + 1000))
    machine = Reassembly(limits)
    machine.receive(*fragment(0, bytes(1000), True, source=HERE), 0.0)
    for number in range(10):
        machine.receive(*fragment(0, bytes(1000), True, identification=number), 0.0)
    assert (machine.counters.evicted, machine.octets_of(THERE)) == (7, limits.octets_per_source)
    assert isinstance(machine.receive(*fragment(1000, b"end", False, identification=9), 0.0), Datagram)
    assert machine.receive(*fragment(1000, b"end", False, identification=0), 0.0) is None
    assert isinstance(machine.receive(*fragment(1000, b"end", False, source=HERE), 0.0), Datagram)


def test_under_a_flood_from_everywhere_an_honest_datagram_still_arrives() -> None:
    machine, limits = Reassembly(), Limits()
    flood = (number.to_bytes(4, "big") for number in range(20_000))
    honest, got = cut(bytes(3000), 1480), []
    for number, source in enumerate(flood):
        machine.receive(*fragment(8, bytes(8), True, source=source), 0.0)
        assert machine.octets <= limits.octets
        if number % 200 == 0:  # 200 fragments of the flood for each of ours
            got.append(machine.receive(*honest[number // 200 % 3], 0.0))
    assert len([result for result in got if result]) == 33
    assert len(machine) <= limits.octets // DATAGRAM_COST


def test_a_datagram_in_the_smallest_pieces_from_the_end_to_the_start() -> None:
    machine = Reassembly(Limits(octets_per_source=2**21, fragments=8192))
    payload = random.Random(2).randbytes(65512)
    result = [machine.receive(*each, 0.0) for each in reversed(cut(payload, 8))][-1]
    assert result == whole(payload)


@pytest.mark.parametrize("pieces", [0, 1, 2, 100])
def test_what_is_counted_is_at_least_what_is_kept(pieces: int) -> None:
    machine = Reassembly(Limits(octets_per_source=2**30, octets=2**30))
    tracemalloc.start()
    try:
        for number in range(300):
            source = number.to_bytes(4, "big")
            machine.receive(*fragment(0, bytes(8), True, source=source), 0.0)
            for piece in range(pieces):
                machine.receive(*fragment(16 + 16 * piece, bytes(8), True, source=source), 0.0)
            if not pieces:
                machine.receive(*fragment(0, b"overlaps", True, source=source), 0.0)
        kept, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept <= machine.octets <= 2 * kept


RANGE = st.tuples(
    st.integers(0, 2),  # source
    st.integers(0, 2),  # identification
    st.sampled_from((0, 8, 16, 24, 40, 64, 65504, 65512, 65528)),
    st.sampled_from((0, 5, 8, 16, 24, 600)),
    st.booleans(),
    st.sampled_from((0.0, 0.0, 1.0, 10.0)),
)


@given(st.lists(RANGE, max_size=60))
def test_whatever_comes_limits_hold_and_what_comes_out_went_in(
    ranges: list[tuple[int, int, int, int, bool, float]],
) -> None:
    limits = Limits(octets_per_source=4096, octets=8192, fragments=4)
    machine, now = Reassembly(limits), 0.0
    truth = random.Random(3).randbytes(70_000)  # every fragment is a range of it
    for number, identification, offset, size, more, step in ranges:
        now += step
        machine.tick(now)
        assert machine.next_deadline() > now
        source = bytes((10, 0, 0, number))
        payload = truth[offset : offset + size]
        result = machine.receive(*fragment(offset, payload, more, source=source, identification=identification), now)
        if result:
            assert result.payload == truth[: len(result.payload)]
            assert not more or offset + size < len(result.payload)
        sources = [machine.octets_of(bytes((10, 0, 0, each))) for each in range(3)]
        assert max(sources) <= limits.octets_per_source
        assert machine.octets == sum(sources) <= limits.octets
        assert len(machine) * DATAGRAM_COST <= machine.octets
    machine.tick(now + LIFETIME)
    machine.take_expired()
    assert (machine.octets, len(machine), machine.next_deadline()) == (0, 0, inf)


def test_limits_follow_the_memory_of_a_small_machine() -> None:
    assert Limits.within(1 << 40) == Limits()
    assert Limits.within(8 << 20) == Limits(octets_per_source=256 * 1024, octets=1 << 20)
    assert Limits.within(1 << 20) == Limits(octets_per_source=32 * 1024, octets=128 * 1024)
