"""ICMP: captured messages, round trip, truncations, garbage; what an error quotes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.errors import WireError
from fata.wire import icmpv4, ipv4
from fata.wire.icmpv4 import (
    Echo,
    Message,
    Other,
    ParameterProblem,
    Quoted,
    Redirect,
    TimeExceeded,
    Unreachable,
)
from tests.fuzz.link_targets import TARGETS, with_checksum
from tests.fuzz.target import assert_survives_damage, assert_truncations_are_refused
from tests.wire.captured import (
    ECHO_REPLY,
    ECHO_REQUEST,
    FRAGMENT_MIDDLE,
    FRAGMENTATION_NEEDED,
    PARAMETER_PROBLEM,
    PORT_UNREACHABLE,
    PORT_UNREACHABLE_OPTIONS,
    PROTOCOL_UNREACHABLE,
    REDIRECT,
    TCP_DATA,
    TIME_EXCEEDED,
    UDP_HELLO,
    packet,
    transport,
)

TARGET = TARGETS["icmpv4"]
ONE, TWO = bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))


def parse(octets: bytes) -> Message:
    """Parse all of it."""
    return icmpv4.parse(octets, 0, len(octets))


def quoted(octets: bytes) -> Quoted:
    """Quote all of a packet."""
    return icmpv4.quote(octets, 0, len(octets))


BEYOND = bytes((198, 51, 100, 1))
PROBE = ipv4.Header(ONE, BEYOND, ipv4.UDP)
STRANGE = ipv4.Header(ONE, TWO, 200, 64, 36, 7)
GOLDEN: list[tuple[bytes, Message]] = [
    (ECHO_REQUEST, Echo(True, 7, 1, b"abcdefg")),
    (ECHO_REPLY, Echo(False, 7, 1, b"abcdefg")),
    (PORT_UNREACHABLE, Unreachable(icmpv4.PORT_UNREACHABLE, quoted(packet(UDP_HELLO)))),
    (PROTOCOL_UNREACHABLE, Unreachable(icmpv4.PROTOCOL_UNREACHABLE, Quoted(STRANGE, b"unknown protocol"))),
    (
        FRAGMENTATION_NEEDED,
        Unreachable(
            icmpv4.FRAGMENTATION_NEEDED,
            Quoted(
                PROBE._replace(ttl=9, total_length=1028, identification=10, dont_fragment=True),
                bytes.fromhex("0001829a03f0893c") + bytes(520),
            ),
            600,
        ),
    ),
    (
        TIME_EXCEEDED,
        TimeExceeded(
            icmpv4.TTL_EXCEEDED,
            Quoted(
                PROBE._replace(ttl=1, total_length=31, identification=9), bytes.fromhex("0001829a000bb091") + b"ttl"
            ),
        ),
    ),
    (
        REDIRECT,
        Redirect(
            1,
            Quoted(
                ipv4.Header(ONE, bytes((192, 0, 2, 77)), ipv4.UDP, 8, 39, 11),
                bytes.fromhex("0001829a0013c6c7") + b"redirect me",
            ),
            bytes((192, 0, 2, 77)),
        ),
    ),
]


@pytest.mark.parametrize(("frame", "value"), GOLDEN)
def test_captured_messages_read_and_written(frame: bytes, value: Message) -> None:
    octets = transport(frame)
    assert parse(octets) == value
    assert icmpv4.serialize(value) == octets


def test_every_captured_message_is_written_as_it_was_read() -> None:
    assert len(TARGET.corpus) == 12
    for octets in TARGET.corpus:
        assert icmpv4.serialize(parse(octets)) == octets


def test_a_parameter_problem_points_into_the_header() -> None:
    message = parse(transport(PARAMETER_PROBLEM))
    assert isinstance(message, ParameterProblem)
    assert (message.code, message.pointer) == (0, 22)
    assert message.quoted.header.options == b"\x07\x03\x03\0"


def test_an_error_names_the_socket_that_it_concerns() -> None:
    message = parse(transport(PORT_UNREACHABLE_OPTIONS))
    assert isinstance(message, Unreachable)
    assert message.quoted.header.source == ONE
    assert message.quoted.ports == (40000, 9)
    assert message.quoted.seq is None
    segment = quoted(packet(TCP_DATA))
    assert segment.ports == (38748, 8080)
    assert segment.seq == 1000846203
    later = quoted(packet(FRAGMENT_MIDDLE))
    assert (later.ports, later.seq) == (None, None)


ADDRESSES = st.binary(min_size=4, max_size=4)
QUOTED = st.builds(
    lambda source, destination, protocol, options, data, more: Quoted(
        ipv4.Header(source, destination, protocol, 1, 20 + len(options) + len(data) + more, options=options), data
    ),
    ADDRESSES,
    ADDRESSES,
    st.integers(0, 255),
    st.sampled_from([b"", b"\x94\x04\0\0", bytes(40)]),
    st.binary(min_size=8, max_size=60),
    st.integers(0, 1000),
)
MESSAGES = (
    st.builds(Echo, st.booleans(), st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.binary(max_size=60))
    | st.builds(Unreachable, st.integers(0, 255).filter(lambda code: code != 4), QUOTED, st.just(0))
    | st.builds(Unreachable, st.just(icmpv4.FRAGMENTATION_NEEDED), QUOTED, st.integers(0, 0xFFFF))
    | st.builds(TimeExceeded, st.integers(0, 255), QUOTED)
    | st.builds(ParameterProblem, st.integers(0, 255), QUOTED, st.integers(0, 255))
    | st.builds(Redirect, st.integers(0, 255), QUOTED, ADDRESSES)
    | st.builds(Other, st.sampled_from([4, 9, 13, 40]), st.integers(0, 255), ADDRESSES, st.binary(max_size=60))
)


@given(MESSAGES)
def test_round_trip(message: Message) -> None:
    assert parse(icmpv4.serialize(message)) == message


def test_truncations() -> None:
    # Echoes of any length are right once the checksum is; so is a quote once 8 octets of its payload are there.
    def may_be_cut(octets: bytes, length: int) -> bool:
        return length >= 8 if octets[0] in (icmpv4.ECHO_REPLY, icmpv4.ECHO_REQUEST) else length >= 36

    assert_truncations_are_refused(TARGET, may_be_cut)
    for octets in TARGET.corpus:
        for length in range(len(octets)):
            if length < 8 or octets[length:].strip(b"\0"):
                with pytest.raises(WireError):
                    parse(octets[:length])


@given(st.binary(max_size=100))
def test_garbage(octets: bytes) -> None:
    assert TARGET.finding(octets) is None
    assert TARGET.finding(b"\x03" + octets) is None


def test_damaged_messages() -> None:
    assert_survives_damage(TARGET)


def test_a_wrong_checksum_is_refused() -> None:
    with pytest.raises(WireError, match="checksum 0x66ca is wrong"):
        parse(transport(ECHO_REQUEST)[:-1] + b"G")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no header"),
        (packet(UDP_HELLO)[:27], "7 octets of a quoted packet's payload"),
        (b"\x45\0\0\x13" + packet(UDP_HELLO)[4:], "19 octets, less than its header"),
        (b"\x65" + packet(UDP_HELLO)[1:], "version 6"),
    ],
)
def test_quotes_that_are_refused(body: bytes, reason: str) -> None:
    octets = b"\x03\x03" + bytes(6) + body
    with pytest.raises(WireError, match=reason):
        parse(with_checksum(octets, 2, len(octets)))


def test_a_short_packet_is_quoted_whole() -> None:
    octets = ipv4.serialize(ipv4.Header(ONE, TWO, 200), 3) + b"abc"
    message = Unreachable(icmpv4.PROTOCOL_UNREACHABLE, quoted(octets + b"padding"))
    assert message.quoted.data == b"abc"
    assert parse(icmpv4.serialize(message)) == message


def test_what_follows_the_quoted_packet_is_cut_off() -> None:
    octets = icmpv4.serialize(GOLDEN[2][1]) + b"extension of RFC 4884!"
    assert parse(with_checksum(octets, 2, len(octets))) == GOLDEN[2][1]


def test_an_error_fits_into_what_every_host_takes() -> None:
    octets = ipv4.serialize(ipv4.Header(ONE, TWO, 17), 1400) + bytes(1400)
    message = icmpv4.serialize(Unreachable(icmpv4.PORT_UNREACHABLE, quoted(octets)))
    assert len(message) + ipv4.HEADER_LENGTH == ipv4.MIN_REASSEMBLED


def test_a_quoted_header_altered_on_its_way_is_taken() -> None:
    octets = bytearray(packet(UDP_HELLO))
    octets[8] = 3  # a router that counted down and left the checksum
    whole = b"\x0b\0" + bytes(6) + octets
    message = parse(with_checksum(whole, 2, len(whole)))
    assert isinstance(message, TimeExceeded)
    assert message.quoted.header.ttl == 3
