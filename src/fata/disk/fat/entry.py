"""A directory entry of 32 octets.

 0 name[8] extension[3]   11 attributes   12 case   13 created: tenths   14 time   16 date
18 accessed: date   20 cluster, high   22 modified: time   24 date   26 cluster, low   28 size u32
"""

from __future__ import annotations

import struct
from typing import NamedTuple

SIZE = 32
END, DELETED, KANJI = 0x00, 0xE5, 0x05  # first octet: nothing from here on, a free slot, a name that begins with 0xE5
READ_ONLY, HIDDEN, SYSTEM, LABEL, DIRECTORY, ARCHIVE = 1, 2, 4, 8, 16, 32
LONG_NAME = READ_ONLY | HIDDEN | SYSTEM | LABEL
LOWER_STEM, LOWER_EXTENSION = 0x08, 0x10  # case, as Windows NT writes it
DOT, DOT_DOT = b".".ljust(11), b"..".ljust(11)
MAX_SIZE = 0xFFFF_FFFF  # octets in a file
MAX_SLOTS = 65_536  # in a directory

_ENTRY = struct.Struct("<11sBBBHHHHHHHI")


class Entry(NamedTuple):
    """What an entry holds, as it stands there; `stamp` says what its dates mean. A directory's size is 0."""

    name: bytes  # 11 octets
    attributes: int = ARCHIVE
    cluster: int = 0
    size: int = 0
    modified_date: int = 0x0021
    modified_time: int = 0
    created_date: int = 0
    created_time: int = 0
    created_tenths: int = 0
    accessed: int = 0
    case: int = 0


def parse(data: bytes | bytearray | memoryview, offset: int = 0) -> Entry:
    """Read the entry at `offset`. Every 32 octets are one."""
    (
        name,
        attributes,
        case,
        tenths,
        created_time,
        created_date,
        accessed,
        high,
        modified_time,
        modified_date,
        low,
        size,
    ) = _ENTRY.unpack_from(data, offset)
    return Entry(
        name,
        attributes,
        high << 16 | low,
        size,
        modified_date,
        modified_time,
        created_date,
        created_time,
        tenths,
        accessed,
        case,
    )


def serialize(entry: Entry) -> bytes:
    """Write the entry."""
    return _ENTRY.pack(
        entry.name,
        entry.attributes,
        entry.case,
        entry.created_tenths,
        entry.created_time,
        entry.created_date,
        entry.accessed,
        entry.cluster >> 16,
        entry.modified_time,
        entry.modified_date,
        entry.cluster & 0xFFFF,
        entry.size,
    )


def later_tenths(tenths: int) -> int:
    """Return the count of a renamed entry: 1 more modulo 3, within 0 to 199, as near as can be."""
    after = tenths + 1 if tenths % 3 != 2 else tenths - 2
    return after if after <= 199 else 197 + (tenths - 196) % 3


def is_later(tenths: int, other: int) -> bool:
    """Say whether a rename made an entry with `tenths` of one with `other`."""
    return (tenths - other) % 3 == 1
