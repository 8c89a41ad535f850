"""Capture files of the new kind: scapy's both ways, round trip, truncations, garbage; units, byte orders, sections."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.errors import WireError
from fata.wire import pcap, pcapng
from fata.wire.pcapng import Interface, Packet, Section
from tests.fuzz.message_targets import PCAPNG_OURS, TARGETS
from tests.fuzz.target import assert_survives_damage, assert_truncations_are_refused
from tests.wire.capture_files import PCAPNG
from tests.wire.captured import ARP_REQUEST, FRAMES, UDP_ODD

TARGET = TARGETS["pcapng"]
BEGIN = 1_700_000_000 * pcap.SECOND


def block(order: str, kind: int, body: bytes) -> bytes:
    """Make a block as the specification draws it, independently of ours."""
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def section(order: str) -> bytes:
    """Make a section header."""
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def serialize(value: Section) -> bytes:
    """Write a whole section."""
    parts = [pcapng.serialize_section(), *map(pcapng.serialize_interface, value.interfaces)]
    return b"".join([*parts, *map(pcapng.serialize_packet, value.packets)])


def test_a_file_of_scapy_is_read() -> None:
    packet = Packet(0, BEGIN + 250_000_000, ARP_REQUEST, 42)
    assert pcapng.parse(PCAPNG) == (Section((Interface(1, "", 0x40000, 6),), (packet,)),)
    # Ours begins alike; its interface says the unit, and its packets count nanoseconds.
    assert pcapng.serialize_section() == PCAPNG[:28]
    ours = pcapng.serialize_packet(packet)
    assert ours[:12] + ours[20:] == PCAPNG[48:60] + PCAPNG[68:]


def test_our_own_octets() -> None:
    assert pcapng.serialize_interface(Interface(name="net0")).hex() == (
        "01000000" "28000000" "0100" "0000" "00000400" "02000400" "6e657430" "09000100" "09000000" "00000000" "28000000"
    )  # fmt: skip
    assert pcapng.parse(PCAPNG_OURS) == (
        Section(
            (Interface(name="net0"),),
            (Packet(0, 1_700_000_000_123_456_789, UDP_ODD, 45), Packet(0, None, ARP_REQUEST, 42)),
        ),
    )


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders(order: str) -> None:
    octets = section(order)
    octets += block(order, 1, struct.pack(order + "HHI", 1, 0, 0) + struct.pack(order + "HH", 2, 3) + b"if0\0")
    octets += block(order, 6, struct.pack(order + "IIIII", 0, 0, 5, 3, 60) + b"abc\0")
    octets += block(order, 3, struct.pack(order + "I", 2) + b"xy\0\0")
    packets = (Packet(0, 5000, b"abc", 60), Packet(0, None, b"xy", 2))
    assert pcapng.parse(octets) == (Section((Interface(1, "if0", 0, 6),), packets),)


@pytest.mark.parametrize(
    ("unit", "offset", "nanoseconds"),
    [(6, 0, 1_024_000), (9, 0, 1024), (3, 0, 1_024_000_000), (12, 0, 1), (0x80 | 10, 0, 10**9),
     (9, 2, 2 * 10**9 + 1024), (9, -1, 1024 - 10**9), (63, 0, 0), (0xBF, 0, 0)],
)  # fmt: skip
def test_units_and_offsets(unit: int, offset: int, nanoseconds: int) -> None:
    octets = pcapng.serialize_section() + pcapng.serialize_interface(Interface(unit=unit, offset=offset))
    (read,) = pcapng.parse(octets + pcapng.serialize_packet(Packet(0, 1024, b"", 0)))
    assert read.interfaces == (Interface(unit=unit, offset=offset),)
    assert read.packets[0].time == nanoseconds


def test_sections_follow_each_other_and_other_blocks_are_passed_over() -> None:
    other = block(">", 0x0BAD, b"whatever")
    sections = pcapng.parse(PCAPNG + section(">") + other + PCAPNG_OURS)
    assert sections == (*pcapng.parse(PCAPNG), Section((), ()), *pcapng.parse(PCAPNG_OURS))


INTERFACES = st.builds(Interface, st.integers(0, 0xFFFF), st.text(max_size=20), st.just(0), st.just(9), st.just(0))
PACKETS = st.builds(
    Packet, st.integers(0, 2), st.integers(0, (1 << 64) - 1), st.binary(max_size=40), st.integers(0, 0xFFFFFFFF)
) | st.binary(max_size=40).map(lambda data: Packet(0, None, data, len(data)))


@given(st.lists(INTERFACES, min_size=3, max_size=3).map(tuple), st.lists(PACKETS, max_size=4).map(tuple))
def test_round_trip(interfaces: tuple[Interface, ...], packets: tuple[Packet, ...]) -> None:
    assert pcapng.parse(serialize(Section(interfaces, packets))) == (Section(interfaces, packets),)


def test_truncations() -> None:
    ends = (28, 48, 68, 28 + 40, 28 + 40 + 80)  # between blocks of the two files
    assert_truncations_are_refused(TARGET, lambda _octets, length: length in ends)
    with pytest.raises(WireError):
        pcapng.parse(PCAPNG[:68])


@given(st.binary(max_size=100))
def test_garbage(octets: bytes) -> None:
    assert TARGET.finding(octets) is None
    assert TARGET.finding(PCAPNG[:48] + octets) is None


@given(st.sampled_from([1, 3, 6, 0x0A0D0D0A]), st.binary(max_size=60).map(lambda body: body + bytes(-len(body) % 4)))
def test_garbage_in_blocks(kind: int, body: bytes) -> None:
    assert TARGET.finding(PCAPNG[:48] + block("<", kind, body)) is None


def test_damaged_files() -> None:
    assert_survives_damage(TARGET)


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "no section header"),
        (PCAPNG[28:], "no section header"),
        (PCAPNG[:8] + b"\1\2\3\4" + PCAPNG[12:], "no byte order"),
        (section("<")[:12] + b"\2" + section("<")[13:], "version 2"),
        (PCAPNG[:4] + b"\x1d" + PCAPNG[5:], "a block of 29 octets"),
        (PCAPNG[:24] + b"\x20" + PCAPNG[25:], "says 32 at its end"),
        (section("<") + block("<", 6, bytes(20)), "interface 0 of 0"),
        (section("<") + block("<", 3, bytes(4)), "before any interface"),
        (PCAPNG[:48] + block("<", 6, struct.pack("<IIIII", 0, 0, 0, 1, 1)), "packet of 1 octets"),
        (PCAPNG[:48] + block("<", 3, b"\1\0\0\0"), "packet of 1 octets"),
        (section("<") + block("<", 1, bytes(8) + b"\x09\0\1\0\x40\0\0\0"), "no unit of time"),
        (section("<") + block("<", 1, bytes(8) + b"\x0e\0\1\0\x40\0\0\0"), "offset of 1"),
        (section("<") + block("<", 1, bytes(8) + b"\x02\0\x20\0"), "option 2 of 32"),
    ],
)
def test_what_is_refused(octets: bytes, reason: str) -> None:
    with pytest.raises(WireError, match=reason):
        pcapng.parse(octets)


@pytest.mark.peer
def test_tcpdump_reads_what_we_write(tmp_path: Path) -> None:
    assert shutil.which("tcpdump"), "scripts/packages.txt names it"
    packets = tuple(Packet(0, BEGIN + at, frame, len(frame)) for at, frame in enumerate(FRAMES.values()))
    (tmp_path / "ours.pcapng").write_bytes(serialize(Section((Interface(name="net0"),), packets)))
    command = ["tcpdump", "-nn", "-t", "-e", "-r", str(tmp_path / "ours.pcapng")]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.splitlines()
    assert len(told) == len(FRAMES)
    assert "Request who-has 192.0.2.2 tell 192.0.2.1" in told[0]
