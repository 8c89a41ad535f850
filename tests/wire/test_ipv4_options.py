"""IPv4's options: as Linux fills them in, round trip, truncations, garbage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.errors import WireError
from fata.wire import ipv4_options
from fata.wire.ipv4_options import (
    LOOSE_SOURCE_ROUTE,
    RECORD_ROUTE,
    ROUTES,
    STRICT_SOURCE_ROUTE,
    Option,
    Route,
    RouterAlert,
    Timestamps,
    Unknown,
)
from tests.fuzz.link_targets import TARGETS
from tests.fuzz.target import assert_survives_damage, assert_truncations_are_refused
from tests.wire.captured import RECORD_ROUTE as RECORD_ROUTE_FRAME
from tests.wire.captured import SOURCE_ROUTE, TIMESTAMP, UDP_ROUTER_ALERT

TWO = bytes((192, 0, 2, 2))
STAMP = TWO + bytes.fromhex("0521ddae")
TARGET = TARGETS["ipv4_options"]

GOLDEN: list[tuple[bytes, Option]] = [
    (UDP_ROUTER_ALERT, RouterAlert(0)),
    (RECORD_ROUTE_FRAME, Route(RECORD_ROUTE, 12, (TWO, TWO, *(bytes(4),) * 7))),
    (TIMESTAMP, Timestamps(21, 0, 1, (STAMP, STAMP, bytes(8), bytes(8)))),
    (SOURCE_ROUTE, Route(LOOSE_SOURCE_ROUTE, 4, (bytes((192, 0, 2, 9)),))),
]


@pytest.mark.parametrize(("frame", "value"), GOLDEN)
def test_captured_options_read_and_written(frame: bytes, value: Option) -> None:
    octets = frame[34 : 14 + (frame[14] & 15) * 4]
    assert ipv4_options.parse(octets) == (value,)
    assert ipv4_options.serialize((value,)) == octets
    assert ipv4_options.source_routed(octets) == (frame is SOURCE_ROUTE)


ADDRESSES = st.lists(st.binary(min_size=4, max_size=4), max_size=4).map(tuple)
OPTIONS = (
    st.builds(Route, st.sampled_from(ROUTES), st.integers(4, 40), ADDRESSES)
    | st.builds(Timestamps, st.integers(5, 40), st.integers(0, 15), st.just(0), ADDRESSES)
    | st.builds(RouterAlert, st.integers(0, 0xFFFF))
    | st.builds(Unknown, st.sampled_from([25, 130, 205]), st.binary(max_size=10))
)


@given(st.lists(OPTIONS, max_size=5).map(tuple))
def test_round_trip(options: tuple[Option, ...]) -> None:
    octets = ipv4_options.serialize(options)
    assert len(octets) % 4 == 0
    assert ipv4_options.parse(octets) == options
    routed = any(isinstance(option, Route) and option.kind != RECORD_ROUTE for option in options)
    assert ipv4_options.source_routed(octets) == routed


def test_truncations() -> None:
    # Nothing is left of no octets to be wrong; a record route's last octet is padding.
    assert_truncations_are_refused(TARGET, lambda octets, length: length == 0 or length >= octets[1])


@given(st.binary(max_size=40))
def test_garbage(octets: bytes) -> None:
    assert TARGET.finding(octets) is None


def test_damaged_options() -> None:
    assert_survives_damage(TARGET)


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        ("07", "option 7 of 0 octets"),
        ("0701", "option 7 of 1 octets"),
        ("0708040000000000", "no whole number of addresses"),
        ("0702", "no whole number of addresses"),
        ("070303", "pointer 3"),
        ("4403ff", "at least 4"),
        ("440d0501" + "00" * 9, "no whole number of entries"),
        ("44040400", "pointer 4"),
        ("9403ff", "router alert of 3"),
    ],
)
def test_what_is_refused(octets: str, reason: str) -> None:
    with pytest.raises(WireError, match=reason):
        ipv4_options.parse(bytes.fromhex(octets))


def test_what_follows_the_end_is_not_looked_at() -> None:
    assert ipv4_options.parse(b"\x01\x01\x00\x07") == ()
    assert not ipv4_options.source_routed(bytes((0, STRICT_SOURCE_ROUTE, 3, 4)))
    assert ipv4_options.source_routed(bytes((1, STRICT_SOURCE_ROUTE, 3, 4)))
