"""ARP: captured packets, round trip, truncations, garbage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.errors import WireError
from fata.wire import arp
from tests.fuzz.link_targets import TARGETS
from tests.fuzz.target import assert_survives_damage, assert_truncations_are_refused
from tests.wire.captured import ARP_REPLY, ARP_REQUEST, packet

ONE, TWO = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
HOST_1, HOST_2 = bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))
TARGET = TARGETS["arp"]


def parse(octets: bytes) -> arp.Packet:
    """Parse all of it."""
    return arp.parse(octets, 0, len(octets))


@pytest.mark.parametrize(
    ("frame", "value"),
    [
        (ARP_REQUEST, arp.Packet(arp.REQUEST, ONE, HOST_1, bytes(6), HOST_2)),
        (ARP_REPLY, arp.Packet(arp.REPLY, TWO, HOST_2, ONE, HOST_1)),
    ],
)
def test_captured_packets_read_and_written(frame: bytes, value: arp.Packet) -> None:
    assert arp.parse(frame, 14, len(frame)) == value
    assert arp.serialize(value) == packet(frame)


MACS, ADDRESSES = st.binary(min_size=6, max_size=6), st.binary(min_size=4, max_size=4)


@given(st.builds(arp.Packet, st.integers(0, 0xFFFF), MACS, ADDRESSES, MACS, ADDRESSES), st.binary(max_size=20))
def test_round_trip_with_padding(value: arp.Packet, padding: bytes) -> None:
    assert parse(arp.serialize(value) + padding) == value


def test_truncations() -> None:
    assert_truncations_are_refused(TARGET)


@given(st.binary(max_size=60))
def test_garbage(octets: bytes) -> None:
    assert TARGET.finding(octets) is None


def test_damaged_packets() -> None:
    assert_survives_damage(TARGET)


@pytest.mark.parametrize("at", range(6))
def test_other_kinds_of_addresses_are_refused(at: int) -> None:
    octets = bytearray(packet(ARP_REQUEST))
    octets[at] ^= 1
    with pytest.raises(WireError, match="IPv4 over Ethernet"):
        parse(bytes(octets))
