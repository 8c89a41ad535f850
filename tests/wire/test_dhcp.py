"""DHCP messages: scapy's octets both ways, round trip, truncations, garbage; long options, overload, routes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.errors import WireError
from fata.wire import dhcp, dhcp_options
from fata.wire.dhcp import Message
from fata.wire.dhcp_options import Options, Route
from tests.fuzz.message_targets import TARGETS
from tests.fuzz.target import assert_survives_damage, assert_truncations_are_refused
from tests.wire import dhcp_messages

MAC = bytes.fromhex("020000000001")
SERVER = bytes((192, 0, 2, 1))
TARGET = TARGETS["dhcp"]


def parse(octets: bytes) -> Message:
    """Parse all of it."""
    return dhcp.parse(octets, 0, len(octets))


GOLDEN = [
    (
        dhcp_messages.DISCOVER,
        Message(
            dhcp.REQUEST,
            0x01020304,
            MAC,
            Options(
                dhcp_options.DISCOVER,
                host_name=b"guest",
                client_identifier=b"\x01" + MAC,
                max_message_size=1500,
                parameter_requests=bytes((1, 3, 6, 15, 26, 121)),
            ),
            seconds=3,
            broadcast=True,
        ),
    ),
    (
        dhcp_messages.OFFER,
        Message(
            dhcp.REPLY,
            0x01020304,
            MAC,
            Options(
                dhcp_options.OFFER,
                server_identifier=SERVER,
                lease_time=3600,
                renewal_time=1800,
                rebinding_time=3150,
                subnet_mask=b"\xff\xff\xff\0",
                broadcast_address=bytes((192, 0, 2, 255)),
                routers=(SERVER, bytes((192, 0, 2, 2))),
                dns_servers=(bytes((192, 0, 2, 53)), bytes((198, 51, 100, 53))),
                domain_name=b"example.com",
                mtu=1400,
            ),
            your_address=bytes((192, 0, 2, 50)),
            next_server=SERVER,
            relay=bytes((192, 0, 2, 9)),
            server_name=b"server",
            boot_file=b"boot.img",
        ),
    ),
    (
        dhcp_messages.NAK,
        Message(
            dhcp.REPLY,
            5,
            MAC,
            Options(dhcp_options.NAK, server_identifier=SERVER, text=b"address not available"),
        ),
    ),
]


@pytest.mark.parametrize(("octets", "value"), GOLDEN)
def test_golden_messages_read_and_written(octets: bytes, value: Message) -> None:
    assert parse(octets) == value
    assert dhcp.serialize(value) == octets.ljust(dhcp.MIN_LENGTH, b"\0")


ADDRESSES = st.binary(min_size=4, max_size=4)
TIMES = st.none() | st.integers(0, dhcp_options.INFINITE)
TEXTS = st.none() | st.binary(max_size=600).map(lambda text: text.rstrip(b"\0"))
LISTS = st.lists(ADDRESSES, max_size=70).map(tuple)
NAMES = st.lists(st.binary(min_size=1, max_size=63).map(bytes.lower), max_size=3).map(tuple)


def masked(prefix: int, network: int, gateway: bytes) -> Route:
    """Make a route whose network has no bits behind its prefix's last octet."""
    octets = (prefix + 7) // 8
    return Route(network.to_bytes(4, "big")[:octets].ljust(4, b"\0"), prefix, gateway)


ROUTES = st.builds(masked, st.integers(0, 32), st.integers(0, 0xFFFFFFFF), ADDRESSES)
OPTIONS = st.builds(
    Options,
    st.none() | st.integers(1, 255),
    st.none() | ADDRESSES,
    st.none() | ADDRESSES,
    TIMES,
    TIMES,
    TIMES,
    st.none() | ADDRESSES,
    st.none() | ADDRESSES,
    LISTS,
    st.none() | st.lists(ROUTES, max_size=40).map(tuple),
    LISTS,
    TEXTS,
    st.lists(NAMES, max_size=3).map(tuple),
    LISTS,
    st.none() | st.integers(68, 0xFFFF),
    TEXTS,
    st.none() | st.binary(max_size=20),
    st.none() | st.binary(max_size=20),
    st.none() | st.integers(576, 0xFFFF),
    st.binary(max_size=20),
    TEXTS,
    st.dictionaries(st.sampled_from([2, 82, 125, 224, 254]), st.binary(max_size=600)).map(
        lambda found: tuple(sorted(found.items()))
    ),
)
FIELDS = st.binary(max_size=60).map(lambda octets: octets.replace(b"\0", b"."))
MESSAGES = st.builds(
    Message,
    st.sampled_from([1, 2]),
    st.integers(0, 0xFFFFFFFF),
    st.binary(min_size=6, max_size=6),
    OPTIONS,
    ADDRESSES,
    ADDRESSES,
    ADDRESSES,
    ADDRESSES,
    st.integers(0, 0xFFFF),
    st.booleans(),
    st.integers(0, 255),
    FIELDS,
    FIELDS,
)


@given(MESSAGES)
def test_round_trip(message: Message) -> None:
    assert parse(dhcp.serialize(message)) == message


def test_truncations() -> None:
    # No end is needed where the last option is whole (RFC 2131 3 asks for it of senders).
    def between_options(octets: bytes, length: int) -> bool:
        at = dhcp.HEADER_LENGTH
        while at < length and octets[at] not in (dhcp.PAD, dhcp.END):
            at += 2 + octets[at + 1]
        return length >= dhcp.HEADER_LENGTH and at <= length

    assert_truncations_are_refused(TARGET, between_options)


@given(st.binary(max_size=100), st.binary(max_size=300))
def test_garbage(options: bytes, octets: bytes) -> None:
    assert TARGET.finding(octets) is None
    assert TARGET.finding(dhcp_messages.NAK[: dhcp.HEADER_LENGTH] + options) is None


def test_damaged_messages() -> None:
    assert_survives_damage(TARGET)


def with_options(options: bytes, file: bytes = b"", name: bytes = b"") -> bytes:
    """Return a message with these options, and these fields that may hold more."""
    header = dhcp_messages.NAK[: dhcp.HEADER_LENGTH]
    return header[:44] + name.ljust(64, b"\0") + file.ljust(128, b"\0") + header[236:] + options


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (b"\x35\x01\x00", "message_type is 0, less than 1"),
        (b"\x35\x02\x01\x01", "message_type has 2 octets, not 1"),
        (b"\x36\x03\x01\x01\x01", "server_identifier has 3"),
        (b"\x03\x00", "routers of 0 octets"),
        (b"\x03\x05abcde", "routers of 5 octets"),
        (b"\x1a\x02\x00\x43", "mtu is 67, less than 68"),
        (b"\x39\x02\x02\x3f", "max_message_size is 575"),
        (b"\x79\x01\x21", "a route of prefix 33"),
        (b"\x79\x05\x18\x01\x02\x03\x04", "a route of prefix 24, 5 octets are left"),
        (b"\x77\x02\xc0\x00", "does not lead back"),
        (b"\x34\x01\x04", "overload is 04"),
        (b"\x34\x00", "overload is "),
        (b"\x35\x02\x01", "option 53 is cut off"),
        (b"\x35", "option 53 is cut off"),
    ],
)
def test_options_that_are_refused(options: bytes, reason: str) -> None:
    with pytest.raises(WireError, match=reason):
        parse(with_options(options))


@pytest.mark.parametrize(
    ("at", "octet", "reason"), [(0, 3, "operation 3"), (1, 6, "hardware 6"), (2, 16, "16 octets"), (236, 0, "magic")]
)
def test_headers_that_are_refused(at: int, octet: int, reason: str) -> None:
    octets = bytearray(dhcp_messages.NAK)
    octets[at] = octet
    with pytest.raises(WireError, match=reason):
        parse(bytes(octets))


def test_a_long_option_is_put_together() -> None:
    text = bytes(range(1, 256)) * 2
    octets = with_options(b"\x38\xff" + text[:255] + b"\x0c\x02me" + b"\x38\xff" + text[255:] + b"\xff")
    assert parse(octets).options.text == text
    assert parse(octets).options.host_name == b"me"
    again = dhcp.serialize(parse(octets))
    assert again.count(b"\x38\xff\x01\x02\x03") == 2


def test_options_in_file_and_server_name() -> None:
    value = parse(with_options(b"\x34\x01\x03\x38\x01a\xff", b"\x38\x01b\x0c\x01h\xff\x0f", b"\x38\x01c\xff"))
    assert value.options.text == b"abc"
    assert value.options.host_name == b"h"
    assert (value.server_name, value.boot_file) == (b"", b"")
    value = parse(with_options(b"\x34\x01\x02\xff", b"a file", b"\x38\x01c\xff"))
    assert (value.options.text, value.boot_file) == (b"c", b"a file")
    value = parse(with_options(b"\x34\x01\x01\xff", b"\x38\x01b\xff", b"a name"))
    assert (value.options.text, value.server_name) == (b"b", b"a name")


def test_classless_routes_of_rfc_3442() -> None:
    gateway = bytes((10, 0, 0, 1))
    octets = (
        b"\x00" + gateway + b"\x08\x0a" + gateway + b"\x18\x0a\x00\x00" + gateway
        + b"\x10\x0a\x11" + gateway + b"\x20\x0a\xe5\x00\x80" + gateway + b"\x19\x0a\xc6\x7a\x80" + gateway
    )  # fmt: skip
    routes = parse(with_options(bytes((121, len(octets))) + octets)).options.classless_routes
    assert routes == (
        Route(bytes(4), 0, gateway),
        Route(bytes((10, 0, 0, 0)), 8, gateway),
        Route(bytes((10, 0, 0, 0)), 24, gateway),
        Route(bytes((10, 17, 0, 0)), 16, gateway),
        Route(bytes((10, 229, 0, 128)), 32, gateway),
        Route(bytes((10, 198, 122, 128)), 25, gateway),
    )


def test_domain_search_of_rfc_3397() -> None:
    octets = b"\3eng\5apple\3com\0\x09marketing\xc0\4"
    options = parse(with_options(bytes((119, len(octets))) + octets)).options
    assert options.domain_search == ((b"eng", b"apple", b"com"), (b"marketing", b"apple", b"com"))
    assert octets in dhcp.serialize(parse(with_options(bytes((119, len(octets))) + octets)))


def test_texts_may_end_with_zeros_and_pads_may_stand_anywhere() -> None:
    options = parse(with_options(b"\0\0\x0c\x04me\0\0\0\x0f\x01d\0\xff\x0c")).options
    assert (options.host_name, options.domain_name) == (b"me", b"d")
