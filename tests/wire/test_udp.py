"""UDP: captured datagrams, round trip, truncations, garbage; the checksum's rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.errors import WireError
from fata.wire import udp
from fata.wire.checksum import pseudo_header4, residue
from tests.fuzz.link_targets import TARGETS
from tests.fuzz.target import Target, assert_survives_damage, assert_truncations_are_refused
from tests.wire.captured import UDP_HELLO, UDP_NO_CHECKSUM, UDP_ODD, UDP_ROUTER_ALERT, addresses, transport

ENDS = bytes((192, 0, 2, 1, 192, 0, 2, 2))
TARGET = TARGETS["udp"]


def parse(octets: bytes, ends: bytes | None = ENDS) -> tuple[int, int, bytes]:
    """Return ports and payload."""
    datagram = udp.parse(octets, 0, len(octets), ends)
    return datagram.src_port, datagram.dst_port, octets[datagram.start : datagram.end]


@pytest.mark.parametrize(
    ("frame", "payload"), [(UDP_HELLO, b"hello, fata"), (UDP_ODD, b"abc"), (UDP_ROUTER_ALERT, b"")]
)
def test_captured_datagrams_read_and_written(frame: bytes, payload: bytes) -> None:
    octets = transport(frame)
    assert addresses(frame) == ENDS
    assert parse(octets) == (40000, 9, payload)
    assert udp.serialize_header(40000, 9, payload, ENDS) + payload == octets


def test_without_a_checksum() -> None:
    octets = transport(UDP_NO_CHECKSUM)
    assert parse(octets) == (0xC09A, 9, b"no checksum")
    assert udp.serialize_header(0xC09A, 9, b"no checksum", None) == octets[:8]


PORTS = st.integers(0, 0xFFFF)


@given(PORTS, PORTS, st.binary(max_size=100), st.binary(min_size=8, max_size=8), st.binary(max_size=20))
def test_round_trip_and_padding_is_cut(src: int, dst: int, payload: bytes, ends: bytes, padding: bytes) -> None:
    header = udp.serialize_header(src, dst, payload, ends)
    octets = header + payload
    assert parse(octets + padding, ends) == (src, dst, payload)
    assert residue(octets, pseudo_header4(ends[:4], ends[4:], udp.PROTOCOL, len(octets))) == 0


@given(st.integers(0, 0xFFFF))
def test_a_computed_checksum_is_never_sent_as_none(word: int) -> None:
    header = udp.serialize_header(1, 2, word.to_bytes(2, "big"), ENDS)
    assert header[6:] != b"\0\0"


def test_a_checksum_of_zero_is_sent_as_all_ones() -> None:
    # Find the payload that makes the sum 0xFFFF: its complement is 0.
    header = udp.serialize_header(1, 2, b"\0\0", ENDS)
    payload = header[6:]
    full = udp.serialize_header(1, 2, payload, ENDS)
    assert full[6:] == b"\xff\xff"
    assert parse(full + payload) == (1, 2, payload)


def test_a_wrong_checksum_is_refused_unless_the_device_has_looked() -> None:
    octets = bytearray(transport(UDP_HELLO))
    octets[-1] ^= 1
    with pytest.raises(WireError, match="checksum 0xb8a1 is wrong"):
        parse(bytes(octets))
    assert parse(bytes(octets), None)[2] == b"hello, fat`"
    with pytest.raises(WireError, match="checksum"):
        parse(transport(UDP_HELLO), ENDS[:7] + b"\x03")


def test_the_largest_datagram() -> None:
    payload = bytes(range(256)) * 255 + bytes(227)
    assert len(payload) == udp.MAX_PAYLOAD4
    assert parse(udp.serialize_header(1, 2, payload, ENDS) + payload) == (1, 2, payload)


@pytest.mark.parametrize("length", [0, 7, 20])
def test_lengths_that_lie(length: int) -> None:
    octets = transport(UDP_HELLO)
    with pytest.raises(WireError, match=f"length {length} is not between 8 and 19"):
        parse(octets[:4] + length.to_bytes(2, "big") + octets[6:])


def test_truncations() -> None:
    datagrams = Target(tuple(map(transport, TARGET.corpus)), lambda octets: udp.parse(octets, 0, len(octets)))
    assert_truncations_are_refused(datagrams)


@given(st.binary(max_size=100))
def test_garbage(octets: bytes) -> None:
    assert TARGET.finding(octets) is None


def test_damaged_datagrams() -> None:
    assert_survives_damage(TARGET)
