"""Capture files of the classic kind: tcpdump's both ways, round trip, truncations, garbage."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.errors import WireError
from fata.wire import pcap
from fata.wire.pcap import Capture, Record
from tests.fuzz.message_targets import TARGETS
from tests.fuzz.target import assert_survives_damage, assert_truncations_are_refused
from tests.wire.capture_files import PCAP_MICRO, PCAP_NANO
from tests.wire.captured import ARP_REPLY, ARP_REQUEST, FRAMES

TARGET = TARGETS["pcap"]
BEGIN = 1_795_564_503 * pcap.SECOND


def serialize(capture: Capture) -> bytes:
    """Write a whole file."""
    precise = capture.nanoseconds
    records = (pcap.serialize_record(record, nanoseconds=precise) for record in capture.records)
    return pcap.serialize_header(capture.link_type, nanoseconds=precise) + b"".join(records)


@pytest.mark.parametrize(
    ("octets", "precise"), [(PCAP_MICRO, False), (PCAP_NANO, True)], ids=["microseconds", "nanoseconds"]
)
def test_files_of_tcpdump_read_and_written(octets: bytes, precise: bool) -> None:
    capture = pcap.parse(octets)
    assert capture == Capture(
        pcap.ETHERNET,
        precise,
        (Record(BEGIN + 643_430_000, ARP_REQUEST, 42), Record(BEGIN + 643_448_000, ARP_REPLY, 42)),
    )
    assert serialize(capture) == octets


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "unit"), [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1)])
def test_both_byte_orders(order: str, magic: int, unit: int) -> None:
    octets = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, 1 | 0x10000000)
    octets += struct.pack(order + "IIII", 7, 9, 3, 60) + b"abc"
    assert pcap.parse(octets) == Capture(1, unit == 1, (Record(7 * pcap.SECOND + 9 * unit, b"abc", 60),))


RECORDS = st.builds(
    Record, st.integers(0, (1 << 32) * pcap.SECOND - 1), st.binary(max_size=40), st.integers(0, 0xFFFFFFFF)
)


@given(st.integers(0, 0xFFFF), st.lists(RECORDS, max_size=4).map(tuple))
def test_round_trip(link_type: int, records: tuple[Record, ...]) -> None:
    assert pcap.parse(serialize(Capture(link_type, True, records))) == Capture(link_type, True, records)
    rounded = tuple(record._replace(time=record.time // 1000 * 1000) for record in records)
    assert pcap.parse(serialize(Capture(link_type, False, records))) == Capture(link_type, False, rounded)


def test_truncations() -> None:
    assert_truncations_are_refused(TARGET, lambda _octets, length: length in (24, 24 + 16 + 42))


@given(st.binary(max_size=100))
def test_garbage(octets: bytes) -> None:
    assert TARGET.finding(octets) is None
    assert TARGET.finding(PCAP_NANO[:24] + octets) is None


def test_damaged_files() -> None:
    assert_survives_damage(TARGET)


def test_what_is_refused() -> None:
    with pytest.raises(WireError, match="version 3"):
        pcap.parse(PCAP_NANO[:4] + b"\3" + PCAP_NANO[5:])
    with pytest.raises(WireError, match="no fraction of a second"):
        pcap.parse(PCAP_NANO[:28] + (10**9).to_bytes(4, "little") + PCAP_NANO[32:])


@pytest.mark.peer
@pytest.mark.parametrize("precise", [False, True])
def test_tcpdump_reads_what_we_write(tmp_path: Path, precise: bool) -> None:
    assert shutil.which("tcpdump"), "scripts/packages.txt names it"
    records = tuple(Record(BEGIN + at, frame, len(frame)) for at, frame in enumerate(FRAMES.values()))
    (tmp_path / "ours.pcap").write_bytes(serialize(Capture(pcap.ETHERNET, precise, records)))
    command = ["tcpdump", "-nn", "-t", "-e", "-r", str(tmp_path / "ours.pcap")]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.splitlines()
    assert len(told) == len(FRAMES)
    assert "Request who-has 192.0.2.2 tell 192.0.2.1" in told[0]
