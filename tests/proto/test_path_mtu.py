"""Path MTU discovery: RFC 1191's rules, and what a forged message can do at most."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.errors import StateError
from fata.proto.path_mtu import FLOOR, LIFETIME, PLATEAUS, PathMtu

HERE, THERE = b"\x0a\x00\x00\x01", b"\x0a\x00\x00\x02"


def test_an_unknown_path_has_the_links_mtu() -> None:
    paths = PathMtu(1500)
    assert (paths.lookup(HERE), paths.may_fragment(HERE), paths.next_deadline()) == (1500, False, inf)


def test_a_router_lowers_the_estimate_of_one_destination() -> None:
    paths = PathMtu(1500)
    assert paths.receive(HERE, 1400, 1500, now=0.0) == 1400
    assert (paths.lookup(HERE), paths.lookup(THERE)) == (1400, 1500)


def test_a_message_never_raises_an_estimate() -> None:
    paths = PathMtu(1500)
    paths.receive(HERE, 1400, 1500, now=0.0)
    assert paths.receive(HERE, 1450, 1500, now=1.0) is None
    assert paths.receive(HERE, 1400, 1500, now=1.0) is None
    assert (paths.lookup(HERE), paths.counters.ignored) == (1400, 2)


def test_it_is_forgotten_after_ten_minutes() -> None:
    paths = PathMtu(1500)
    paths.receive(HERE, 1400, 1500, now=0.0)
    paths.receive(THERE, 1400, 1500, now=5.0)
    paths.receive(HERE, 1300, 1400, now=10.0)
    assert paths.next_deadline() == 5.0 + LIFETIME
    assert paths.tick(4.0 + LIFETIME) == []
    assert paths.tick(10.0 + LIFETIME) == [THERE, HERE]
    assert (paths.lookup(HERE), paths.counters.raised) == (1500, 2)


@pytest.mark.parametrize(("length", "mtu"), [(1500, 1492), (1492, 1006), (9000, 8166), (577, 552), (65535, 32000)])
def test_an_old_router_is_answered_with_the_next_plateau(length: int, mtu: int) -> None:
    assert PathMtu(65535).receive(HERE, 0, length, now=0.0) == mtu


def test_the_plateau_lies_below_the_estimate_whatever_length_is_quoted() -> None:
    paths = PathMtu(1500)
    assert paths.receive(HERE, 0, 40000, now=0.0) == 1492


def test_below_the_floor_packets_go_in_fragments() -> None:
    paths = PathMtu(1500)
    assert paths.receive(HERE, 296, 1500, now=0.0) == FLOOR
    assert paths.may_fragment(HERE)
    assert paths.receive(HERE, 296, FLOOR, now=0.0) is None


def test_at_the_floor_a_smaller_mtu_changes_only_whether_to_fragment() -> None:
    paths = PathMtu(1500)
    paths.receive(HERE, FLOOR, 1500, now=0.0)
    assert not paths.may_fragment(HERE)
    assert paths.receive(HERE, 400, FLOOR, now=0.0) == FLOOR
    assert paths.may_fragment(HERE)


@pytest.mark.parametrize(("mtu", "length"), [(67, 1500), (1, 1500), (1400, 1400), (1400, 60), (0, 68), (0, 0)])
def test_what_cannot_be_true_is_not_believed(mtu: int, length: int) -> None:
    paths = PathMtu(1500)
    assert paths.receive(HERE, mtu, length, now=0.0) is None
    assert (len(paths), paths.counters.implausible) == (0, 1)


def test_no_flood_makes_the_table_grow() -> None:
    paths = PathMtu(1500, capacity=8)
    for number in range(100):
        paths.receive(number.to_bytes(4, "big"), 1000, 1500, now=float(number))
    assert (len(paths), paths.counters.evicted) == (8, 92)
    assert paths.lookup((99).to_bytes(4, "big")) == 1000


def test_a_floor_below_what_every_router_forwards_is_a_mistake() -> None:
    with pytest.raises(StateError, match="67 octets"):
        PathMtu(1500, floor=67)


def test_plateaus_descend() -> None:
    assert list(PLATEAUS) == sorted(PLATEAUS, reverse=True)


MESSAGE = st.tuples(st.integers(0, 5), st.integers(0, 65535), st.integers(0, 65535), st.floats(0, 300))


@given(st.lists(MESSAGE, max_size=50))
def test_estimates_stay_between_floor_and_link_and_within_the_cap(messages: list[tuple[int, int, int, float]]) -> None:
    paths = PathMtu(1500, capacity=3)
    now = 0.0
    for number, mtu, length, step in messages:
        now += step
        paths.tick(now)
        assert paths.next_deadline() > now
        destination = bytes((10, 0, 0, number))
        before = paths.lookup(destination)
        lowered = paths.receive(destination, mtu, length, now)
        assert paths.lookup(destination) == (before if lowered is None else lowered)
        assert FLOOR <= paths.lookup(destination) <= before
        assert len(paths) <= 3
