"""Capture files, the classic kind (draft-ietf-opsawg-pcap): 24 octets, then records, in the writer's byte order.

+-------------------------------+-------------------------------+
|             magic: byte order, unit of fractions              |
+-------------------------------+-------------------------------+
|           major = 2           |           minor = 4           |
+-------------------------------+-------------------------------+
|                           0, then 0                           |
+---------------------------------------------------------------+
|            snapshot length, then the link's type              |
+---------------------------------------------------------------+
|  records: seconds, fraction, octets here, octets on the link  |
+---------------------------------------------------------------+
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from fata.errors import WireError

HEADER = "IHHiIII"
RECORD = "IIII"
HEADER_LENGTH = 24  # octets
RECORD_LENGTH = 16  # octets, before a frame
MICROSECONDS, NANOSECONDS = 0xA1B2C3D4, 0xA1B23C4D  # the magic numbers
UNITS = {MICROSECONDS: 1000, NANOSECONDS: 1}  # nanoseconds in one unit of a record's fraction
SNAPSHOT_LENGTH = 262_144  # octets, as other programs have it: no frame is longer
ETHERNET = 1  # LINKTYPE_ETHERNET
LINK_TYPE_BITS = 0x0FFFFFFF  # above them, the length of frame check sequences

SECOND = 1_000_000_000  # nanoseconds


class Record(NamedTuple):
    """A frame as it was captured."""

    time: int  # nanoseconds since 1970
    data: bytes
    length: int  # octets on the link; `data` may be fewer


class Capture(NamedTuple):
    """What a file holds."""

    link_type: int
    nanoseconds: bool  # whether times are so precise
    records: tuple[Record, ...]


def serialize_header(link_type: int = ETHERNET, *, nanoseconds: bool = True) -> bytes:
    """Return what a file begins with; records follow, of the same precision."""
    magic = NANOSECONDS if nanoseconds else MICROSECONDS
    return Struct("<" + HEADER).pack(magic, 2, 4, 0, 0, SNAPSHOT_LENGTH, link_type)


def serialize_record(record: Record, *, nanoseconds: bool = True) -> bytes:
    """Return a record's octets."""
    seconds, fraction = divmod(record.time, SECOND)
    if not nanoseconds:
        fraction //= 1000
    return Struct("<" + RECORD).pack(seconds, fraction, len(record.data), record.length) + record.data


def parse(octets: bytes) -> Capture:
    """Read a whole file. Raises `WireError` for what is no such file, or is cut off."""
    order, unit = _parse_magic(octets)
    fields = Struct(order + HEADER).unpack_from(octets)
    if fields[1] != 2:
        raise WireError(f"pcap: version {fields[1]} is not 2")
    return Capture(fields[6] & LINK_TYPE_BITS, unit == 1, tuple(_parse_records(octets, Struct(order + RECORD), unit)))


def _parse_magic(octets: bytes) -> tuple[str, int]:
    if len(octets) < HEADER_LENGTH:
        raise WireError(f"pcap: {len(octets)} octets are no header of {HEADER_LENGTH}")
    for order in "<>":
        (magic,) = Struct(order + "I").unpack_from(octets)
        if magic in UNITS:
            return order, UNITS[magic]
    raise WireError(f"pcap: {octets[:4].hex()} is no magic number")


def _parse_records(octets: bytes, header: Struct, unit: int) -> Iterator[Record]:
    at = HEADER_LENGTH
    while at < len(octets):
        if len(octets) - at < RECORD_LENGTH:
            raise WireError(f"pcap: {len(octets) - at} octets at {at} are no record's header of {RECORD_LENGTH}")
        seconds, fraction, here, length = header.unpack_from(octets, at)
        at += RECORD_LENGTH
        if here > len(octets) - at:
            raise WireError(f"pcap: a record of {here} octets at {at}, where {len(octets) - at} are left")
        if fraction * unit >= SECOND:
            raise WireError(f"pcap: {fraction} × {unit} ns at {at} is no fraction of a second")
        yield Record(seconds * SECOND + fraction * unit, octets[at : at + here], length)
        at += here
