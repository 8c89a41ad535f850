"""IPv4: captured headers, round trip, truncations, garbage; fragments; addresses as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.errors import ConfigError, StateError, WireError
from fata.wire import ipv4, ipv4_options
from tests.fuzz.link_targets import TARGETS, with_checksum
from tests.fuzz.target import assert_survives_damage, assert_truncations_are_refused
from tests.wire.captured import (
    ECHO_REQUEST,
    FRAGMENT_FIRST,
    FRAGMENT_LAST,
    FRAGMENT_MIDDLE,
    FRAMES,
    PORT_UNREACHABLE,
    UDP_HELLO,
    UDP_ROUTER_ALERT,
    packet,
)

HOST_1, HOST_2 = bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))
TARGET = TARGETS["ipv4"]


def parse(octets: bytes) -> ipv4.Header:
    """Parse all of it."""
    return ipv4.parse(octets, 0, len(octets))


GOLDEN = [
    (UDP_HELLO, ipv4.Header(HOST_1, HOST_2, ipv4.UDP, 64, 39, 0xC9FB, dont_fragment=True)),
    (PORT_UNREACHABLE, ipv4.Header(HOST_2, HOST_1, ipv4.ICMP, 64, 67, 0x8C2A, tos=0xC0)),
    (FRAGMENT_FIRST, ipv4.Header(HOST_1, HOST_2, ipv4.ICMP, 64, 820, 3, more_fragments=True)),
    (FRAGMENT_MIDDLE, ipv4.Header(HOST_1, HOST_2, ipv4.ICMP, 64, 820, 3, False, True, 800)),
    (FRAGMENT_LAST, ipv4.Header(HOST_1, HOST_2, ipv4.ICMP, 64, 476, 3, False, False, 1600)),
    (UDP_ROUTER_ALERT, ipv4.Header(HOST_1, HOST_2, ipv4.UDP, 64, 32, 0xC9FD, True, options=b"\x94\x04\0\0")),
]


@pytest.mark.parametrize(("frame", "value"), GOLDEN)
def test_captured_headers_read_and_written(frame: bytes, value: ipv4.Header) -> None:
    assert ipv4.parse(frame, 14, len(frame)) == value
    assert ipv4.serialize(value, value.total_length - value.header_length) == packet(frame)[: value.header_length]


def test_every_captured_header_is_written_as_it_was_read() -> None:
    for name, frame in FRAMES.items():
        if not name.startswith("ARP"):
            header = parse(packet(frame))
            payload_length = header.total_length - header.header_length
            assert ipv4.serialize(header, payload_length) == packet(frame)[: header.header_length]


ADDRESSES = st.binary(min_size=4, max_size=4)
HEADERS = st.builds(
    ipv4.Header,
    ADDRESSES,
    ADDRESSES,
    protocol=st.integers(0, 255),
    ttl=st.integers(0, 255),
    total_length=st.just(0),
    identification=st.integers(0, 0xFFFF),
    dont_fragment=st.booleans(),
    more_fragments=st.booleans(),
    fragment_offset=st.integers(0, 0xFF00 // 8).map(lambda units: units * 8),
    tos=st.integers(0, 255),
    options=st.integers(0, 10).flatmap(lambda words: st.binary(min_size=words * 4, max_size=words * 4)),
)


@given(HEADERS, st.integers(1, 20), st.binary(max_size=50))
def test_round_trip_and_padding_is_cut(header: ipv4.Header, units: int, padding: bytes) -> None:
    octets = ipv4.serialize(header, units * 8) + bytes(units * 8)
    read = parse(octets + padding)
    assert read == header._replace(total_length=len(octets))
    assert read.header_length + units * 8 == read.total_length
    assert read.is_fragment == (header.more_fragments or header.fragment_offset > 0)


def test_truncations() -> None:
    assert_truncations_are_refused(TARGET)


@given(st.binary(max_size=100) | st.binary(max_size=100).map(lambda octets: b"\x45\0\0" + octets))
def test_garbage(octets: bytes) -> None:
    assert TARGET.finding(octets) is None


def test_damaged_packets() -> None:
    assert_survives_damage(TARGET)


def refusal(at: int, octets: bytes) -> bytes:
    """Return the captured request with octets replaced, and its checksum right."""
    whole = packet(ECHO_REQUEST)
    return with_checksum(whole[:at] + octets + whole[at + len(octets) :], 10, 20)


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (refusal(0, b"\x65"), "version 6"),
        (refusal(0, b"\x44"), "header length 16"),
        (refusal(0, b"\x4f"), "header length 60"),
        (refusal(2, b"\0\x13"), "total length 19"),
        (refusal(2, b"\0\x24"), "total length 36 is not between 20 and 35"),
        (packet(ECHO_REQUEST)[:8] + b"\x3f" + packet(ECHO_REQUEST)[9:], "checksum"),
        (refusal(6, b"\x20\0"), "15 octets in a fragment"),
        (refusal(2, b"\0\x14\xff\xff\x20\0"), "0 octets in a fragment"),
        (refusal(6, b"\x1f\xff"), "ends beyond 65515"),
    ],
)
def test_what_is_refused(octets: bytes, reason: str) -> None:
    with pytest.raises(WireError, match=reason):
        parse(octets)


def test_the_last_fragment_may_just_reach_the_limit() -> None:
    header = ipv4.Header(HOST_1, HOST_2, 17, fragment_offset=65_512)
    octets = ipv4.serialize(header, 3) + bytes(4)
    assert parse(octets[:23]).fragment_offset == 65_512
    with pytest.raises(WireError, match="ends beyond"):
        parse(ipv4.serialize(header, 4) + bytes(4))


def reassembled(pieces: list[tuple[bytes, ipv4.Buffer]], mtu: int) -> tuple[list[ipv4.Header], bytes]:
    """Parse fragments and lay their payloads side by side."""
    headers, payload = [], b""
    for octets, piece in pieces:
        header = parse(octets + bytes(piece))
        assert header.total_length == len(octets) + len(piece) <= mtu
        assert header.fragment_offset == len(payload)
        headers.append(header)
        payload += piece
    return headers, payload


@given(HEADERS, st.binary(max_size=3000), st.integers(ipv4.MIN_MTU, 1500))
def test_fragments_hold_the_payload_in_order(header: ipv4.Header, payload: bytes, mtu: int) -> None:
    whole = header._replace(dont_fragment=False, more_fragments=False, fragment_offset=0, options=header.options[:4])
    whole = whole._replace(options=b"\x94\x04\0\0" if whole.options else b"")
    headers, joined = reassembled(ipv4.fragments(whole, payload, mtu), mtu)
    assert joined == payload
    assert [header.more_fragments for header in headers] == [True] * (len(headers) - 1) + [False]
    assert {header._replace(total_length=0, more_fragments=False, fragment_offset=0) for header in headers} == {whole}


def test_only_some_options_go_into_every_fragment() -> None:
    alert, route = ipv4_options.RouterAlert(0), ipv4_options.Route(ipv4_options.RECORD_ROUTE, 4, (bytes(4),) * 8)
    header = ipv4.Header(HOST_1, HOST_2, 17, options=ipv4_options.serialize((route, alert)))
    headers, _payload = reassembled(ipv4.fragments(header, bytes(100), 68), 68)
    assert headers[0].options == header.options
    assert {ipv4_options.parse(header.options) for header in headers[1:]} == {(alert,)}


def test_fragments_of_a_fragment() -> None:
    header = ipv4.Header(HOST_1, HOST_2, 17, fragment_offset=1480, more_fragments=True)
    pieces = [parse(octets + bytes(piece)) for octets, piece in ipv4.fragments(header, bytes(1000), 576)]
    assert [(piece.fragment_offset, piece.more_fragments) for piece in pieces] == [(1480, True), (2032, True)]


def test_payload_is_not_copied() -> None:
    payload = bytearray(100)
    pieces = ipv4.fragments(ipv4.Header(HOST_1, HOST_2, 17), payload, 68)
    payload[50] = 1
    assert b"".join(piece for _header, piece in pieces) == payload


def test_what_cannot_be_cut() -> None:
    header = ipv4.Header(HOST_1, HOST_2, 17)
    with pytest.raises(StateError, match="not to be fragmented"):
        ipv4.fragments(header._replace(dont_fragment=True), bytes(100), 100)
    with pytest.raises(StateError, match="below 68"):
        ipv4.fragments(header, bytes(100), 67)
    assert len(ipv4.fragments(header._replace(dont_fragment=True), bytes(80), 100)) == 1


@given(ADDRESSES)
def test_text_and_back(address: bytes) -> None:
    text = ipv4.format_address(address)
    assert ipv4.parse_address(text) == address
    assert ipv4.parse_cidr(f"{text}/24") == (address, 24)


@pytest.mark.parametrize(
    "text",
    ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.04", "1.2.3.-4", "1.2.3.+4", "1.2.3.4 ", "1.2.3.4\n", "1..2.3",
     "0x1.2.3.4", "1.2.3.\u0664", "1.2.3.²", "1.2.3." + "9" * 5000, "example.com"],
)  # fmt: skip
def test_what_is_no_address_is_the_users_mistake(text: str) -> None:
    with pytest.raises(ConfigError, match="no IPv4 address"):
        ipv4.parse_address(text)
    with pytest.raises(ConfigError):
        ipv4.parse_cidr(text + "/24")


@pytest.mark.parametrize("text", ["10.0.0.1", "10.0.0.1/", "10.0.0.1/33", "10.0.0.1/-1", "10.0.0.1/24/3", "10.0.0.1/²"])
def test_what_is_no_prefix(text: str) -> None:
    with pytest.raises(ConfigError, match="prefix"):
        ipv4.parse_cidr(text)


def test_masks() -> None:
    assert ipv4.netmask(0) == bytes(4)
    assert ipv4.netmask(24) == b"\xff\xff\xff\0"
    assert ipv4.netmask(31) == b"\xff\xff\xff\xfe"
    assert ipv4.netmask(32) == b"\xff" * 4
    assert ipv4.is_multicast(bytes((239, 1, 2, 3)))
    assert not ipv4.is_multicast(bytes((240, 1, 2, 3)))
