"""Ethernet: headers, addresses as text, addresses of groups."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fata.wire import ethernet
from tests.fuzz.link_targets import TARGETS
from tests.fuzz.target import assert_survives_damage, assert_truncations_are_refused
from tests.wire.captured import ARP_REQUEST, FRAMES, UDP_HELLO

ONE, TWO = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
MACS = st.binary(min_size=6, max_size=6)
TARGET = TARGETS["ethernet"]


def test_captured_frames_read_and_written() -> None:
    assert ethernet.parse(UDP_HELLO) == ethernet.Header(TWO, ONE, ethernet.IPV4)
    assert ethernet.parse(ARP_REQUEST) == ethernet.Header(ethernet.BROADCAST, ONE, ethernet.ARP)
    for frame in FRAMES.values():
        assert ethernet.serialize(ethernet.parse(frame)) == frame[:14]


@given(MACS, MACS, st.integers(0, 0xFFFF), st.binary(max_size=50))
def test_round_trip(dst: bytes, src: bytes, ethertype: int, payload: bytes) -> None:
    header = ethernet.Header(dst, src, ethertype)
    assert ethernet.parse(ethernet.serialize(header) + payload) == header


def test_truncations() -> None:
    assert_truncations_are_refused(TARGET, lambda _frame, length: length >= ethernet.HEADER_LENGTH)


@given(st.binary(max_size=100))
def test_garbage(octets: bytes) -> None:
    assert TARGET.finding(octets) is None


def test_damaged_frames() -> None:
    assert_survives_damage(TARGET)


def test_groups() -> None:
    assert ethernet.is_group(ethernet.BROADCAST)
    assert not ethernet.is_group(ONE)
    assert ethernet.multicast_mac(bytes((224, 0, 0, 251))) == bytes.fromhex("01005e0000fb")
    assert ethernet.multicast_mac(bytes((239, 255, 255, 255))) == bytes.fromhex("01005e7fffff")
    assert ethernet.multicast_mac(bytes((239, 129, 2, 3))) == ethernet.multicast_mac(bytes((224, 1, 2, 3)))
    assert ethernet.is_group(ethernet.multicast_mac(bytes((224, 0, 0, 1))))
