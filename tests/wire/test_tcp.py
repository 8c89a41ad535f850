"""TCP segments: captured ones, round trip, truncations, garbage; every option."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.errors import WireError
from fata.wire import tcp
from fata.wire.tcp import ACK, FIN, PSH, SYN, Options, Segment
from tests.fuzz.link_targets import TARGETS, TCP_FULL, TCP_SACK
from tests.fuzz.target import Target, assert_survives_damage, assert_truncations_are_refused
from tests.wire.captured import TCP_ACK, TCP_DATA, TCP_FIN, TCP_SYN, TCP_SYN_ACK, transport

TARGET = TARGETS["tcp"]
CLIENT, SERVER = 38748, 8080
CLIENT_SEQ, SERVER_SEQ = 1000846202, 1922977540
CLIENT_TIME, SERVER_TIME = 2045548336, 2683545631
LINUX = Options(mss=1460, window_scale=10, sack_permitted=True)


def parse(octets: bytes) -> tuple[Segment, bytes]:
    """Return the segment without its place, and its payload."""
    segment = tcp.parse(octets, 0, len(octets))
    return segment._replace(data=b"", start=0, end=0), octets[segment.start : segment.end]


@pytest.mark.parametrize(
    ("frame", "value", "payload"),
    [
        (TCP_SYN, Segment(CLIENT, SERVER, CLIENT_SEQ, 0, SYN, 64240, timestamp=CLIENT_TIME, options=LINUX), b""),
        (
            TCP_SYN_ACK,
            Segment(
                SERVER,
                CLIENT,
                SERVER_SEQ,
                CLIENT_SEQ + 1,
                SYN | ACK,
                65160,
                timestamp=SERVER_TIME,
                echo=CLIENT_TIME,
                options=LINUX,
            ),
            b"",
        ),
        (
            TCP_ACK,
            Segment(CLIENT, SERVER, CLIENT_SEQ + 1, SERVER_SEQ + 1, ACK, 63, b"", 0, 0, CLIENT_TIME, SERVER_TIME),
            b"",
        ),
        (
            TCP_DATA,
            Segment(CLIENT, SERVER, CLIENT_SEQ + 1, SERVER_SEQ + 1, PSH | ACK, 63, b"", 0, 0, CLIENT_TIME, SERVER_TIME),
            b"hello",
        ),
        (
            TCP_FIN,
            Segment(SERVER, CLIENT, SERVER_SEQ + 6, CLIENT_SEQ + 6, FIN | ACK, 64, b"", 0, 0, SERVER_TIME, CLIENT_TIME),
            b"",
        ),
    ],
)
def test_captured_segments_read_and_written(frame: bytes, value: Segment, payload: bytes) -> None:
    octets = transport(frame)
    assert parse(octets) == (value, payload)
    assert tcp.serialize_header(value, int.from_bytes(octets[16:18], "big")) + payload == octets


def test_acknowledged_blocks() -> None:
    value = Segment(8080, 80, 1, 2, ACK, 500, timestamp=1, echo=2, options=Options(sack=((100, 200), (300, 400))))
    assert parse(TCP_SACK) == (value, b"")
    assert tcp.serialize_header(value) == TCP_SACK
    segment, payload = parse(TCP_FULL)
    assert len(segment.options.sack) == tcp.MAX_SACK_BLOCKS
    assert payload == b"data"


WORDS, HALVES = st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFF)
OPTIONS = st.builds(
    Options,
    st.none() | HALVES,
    st.none() | st.integers(0, tcp.MAX_WINDOW_SCALE),
    st.booleans(),
    st.lists(st.tuples(WORDS, WORDS), max_size=2).map(tuple),
)
SEGMENTS = st.builds(
    Segment,
    HALVES,
    HALVES,
    WORDS,
    WORDS,
    st.integers(0, 255),
    HALVES,
    data=st.just(b""),
    start=st.just(0),
    end=st.just(0),
    timestamp=st.none() | WORDS,
    echo=st.just(0),
    options=OPTIONS,
)


@given(SEGMENTS, st.binary(max_size=40), WORDS)
def test_round_trip(segment: Segment, payload: bytes, echo: int) -> None:
    whole = segment._replace(echo=echo if segment.timestamp is not None else 0)
    if len(tcp.serialize_options(whole.options, whole.timestamp, echo)) <= tcp.MAX_OPTIONS:
        header = tcp.serialize_header(whole)
        assert len(header) % 4 == 0
        assert parse(header + payload) == (whole, payload)


@given(st.lists(st.sampled_from(["0204ffff", "03030a", "0402", "080a0102030405060708", "01", "fd04aaaa"]), max_size=5))
def test_options_in_any_order(parts: list[str]) -> None:
    octets = bytes.fromhex("".join(parts))
    timestamp, echo, options = tcp.parse_options(octets, 0, len(octets))
    stamped = any(part.startswith("08") for part in parts)
    assert (timestamp, echo) == ((0x01020304, 0x05060708) if stamped else (None, 0))
    assert options.sack_permitted == ("0402" in parts)
    assert options.mss == (0xFFFF if "0204ffff" in parts else None)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("02", "option 2 of 0 octets"),
        ("0200", "option 2 of 0 octets"),
        ("0201", "option 2 of 1 octets"),
        ("0205", "option 2 of 5 octets, where 2 are left"),
        ("0203ff", "option 2 has 3 octets, not 4"),
        ("03020000", "option 3 has 2 octets, not 3"),
        ("0403ff", "option 4 has 3 octets, not 2"),
        ("080400aa", "option 8 has 4 octets, not 10"),
        ("05060000aaaa", "no whole number of blocks"),
        ("fe01", "option 254 of 1 octets"),
    ],
)
def test_options_that_are_refused(options: str, reason: str) -> None:
    octets = bytes.fromhex(options)
    with pytest.raises(WireError, match=reason):
        tcp.parse_options(octets, 0, len(octets))


def test_a_window_scale_beyond_the_largest_counts_as_the_largest() -> None:
    assert tcp.parse_options(b"\x03\x03\xff", 0, 3)[2].window_scale == 14


def test_options_in_linuxs_order_are_read_as_in_any() -> None:
    usual = bytes.fromhex("020405b40402080a0102030405060708010303ff")
    header = tcp.serialize_header(tcp.Segment(1, 2, 3, 4, tcp.SYN, 5))
    for at in range(len(usual)):
        for bit in range(8):
            options = bytearray(usual)
            options[at] ^= 1 << bit
            segment = header[:12] + b"\xa0" + header[13:] + options
            try:
                expected = tcp.parse_options(bytes(options), 0, len(options))
            except WireError:
                with pytest.raises(WireError):
                    tcp.parse(segment, 0, len(segment))
            else:
                assert tcp.parse(segment, 0, len(segment))[-3:] == expected


def test_what_follows_the_end_is_not_looked_at() -> None:
    assert tcp.parse_options(b"\x01\x00\x02\x00", 0, 4) == (None, 0, tcp.NO_OPTIONS)


@pytest.mark.parametrize("offset", [0, 1, 4, 15])
def test_data_offsets_that_lie(offset: int) -> None:
    octets = bytearray(transport(TCP_ACK)[:40])
    octets[12] = offset << 4
    with pytest.raises(WireError, match=f"data offset {offset * 4} is not between 20 and 32"):
        parse(bytes(octets))


def test_a_segment_within_a_frame_is_not_copied() -> None:
    segment = tcp.parse(TCP_DATA, 34, len(TCP_DATA))
    assert segment.data is TCP_DATA
    assert TCP_DATA[segment.start : segment.end] == b"hello"


def test_truncations() -> None:
    # TCP itself does not say how long its payload is.
    assert_truncations_are_refused(TARGET, lambda octets, length: length >= (octets[12] >> 4) * 4)


@given(st.binary(max_size=100))
def test_garbage(octets: bytes) -> None:
    assert TARGET.finding(octets) is None


@given(st.binary(max_size=40))
def test_garbage_for_options(octets: bytes) -> None:
    target = Target((), lambda options: tcp.parse_options(options, 0, len(options)))
    assert target.finding(octets) is None


def test_damaged_segments() -> None:
    assert_survives_damage(TARGET)
