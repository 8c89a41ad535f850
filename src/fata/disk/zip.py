"""zip archives (APPNOTE 6.3.10): members anywhere, a directory of them behind, and where that is at the end.

    end of the directory                   directory                              before each content
    octet  0  "PK\\5\\6"                     octet  0  "PK\\1\\2"                     octet  0  "PK\\3\\4"
          10  entries, 2                          8  flags, 2                            26  name's length, 2
          12  size of the directory, 4           10  method, 2                           28  extra's length, 2
          16  where it begins, 4                 12  time, date, 2 each                  30  name, extra, content
          20  comment's length, 2                16  CRC-32, 4
                                                 20  size compressed, 4
                                                 24  size, 4
                                                 28  lengths of name, extra, comment, 2 each
                                                 42  where the content's header is, 4
                                                 46  name, extra, comment

Where a number is all ones, ZIP64 has it: in a record before the end, and in the extra field 1 of an entry.
"""

from __future__ import annotations

from calendar import timegm
from struct import Struct, error, unpack_from
from typing import NamedTuple

from fata.errors import DeviceError

END = Struct("<4sHHHHIIH")
END_64 = Struct("<4sQHHIIQQQQ")
LOCATOR = Struct("<4sIQI")
ENTRY = Struct("<4sHHHHHHIIIHHHHHII")
LOCAL = Struct("<4s5H3IHH")
MAGIC_END, MAGIC_END_64, MAGIC_LOCATOR = b"PK\5\6", b"PK\6\6", b"PK\6\7"
MAGIC_ENTRY, MAGIC_LOCAL = b"PK\1\2", b"PK\3\4"
MOST_COMMENT = 0xFFFF  # octets
STORED, DEFLATED = 0, 8
ENCRYPTED, UTF_8 = 1 << 0, 1 << 11  # flags
ALL_ONES = 0xFFFF_FFFF
EXPANSION = 1032  # octets that one deflated octet can become
MOST_DIRECTORY = 1 << 28  # octets


class ZipError(DeviceError):
    """Octets that are no zip archive, or a damaged one."""


class Member(NamedTuple):
    """A file in an archive. `header` is where its local header begins."""

    header: int
    method: int
    flags: int
    crc: int
    compressed: int
    size: int
    modified: float | None


class Directory(NamedTuple):
    """Where the directory is."""

    offset: int
    size: int
    entries: int


def find_end(tail: bytes, offset: int) -> tuple[int, tuple[int, int] | None]:
    """Look for the end record in the last octets of an archive, which begin at `offset`.

    Returns where it is, and the span of ZIP64's own if there is one. Raises ZipError.
    """
    at = len(tail)
    while (at := tail.rfind(MAGIC_END, 0, at)) >= 0:
        if at + END.size <= len(tail):
            comment = END.unpack_from(tail, at)[7]
            rest = tail[at + END.size :]
            if len(rest) >= comment and not rest[comment:].strip(b"\0"):
                break
    else:
        raise ZipError("zip: no end of a directory is there")
    if at >= LOCATOR.size and tail[at - LOCATOR.size :].startswith(MAGIC_LOCATOR):
        place = LOCATOR.unpack_from(tail, at - LOCATOR.size)[2]
        return offset + at, (place, END_64.size)
    return offset + at, None


def parse_end(record: bytes, record_64: bytes, end: int) -> Directory:
    """Read the end record that is at octet `end`, with ZIP64's (b"" if there is none). Raises ZipError."""
    if len(record) < END.size or (record_64 and len(record_64) < END_64.size):
        raise ZipError("zip: the end of the directory is cut off")
    _, disk, start_disk, here, entries, size, offset, _ = END.unpack_from(record)
    if record_64:
        magic, _, _, _, disk, start_disk, here, entries, size, offset = END_64.unpack_from(record_64)
        if magic != MAGIC_END_64:
            raise ZipError("zip: ZIP64's end of the directory is not where it is said to be")
    if disk or start_disk or here != entries:
        raise ZipError("zip: an archive in several parts is not supported")
    if offset + size > end or size > MOST_DIRECTORY or entries * ENTRY.size > size:
        raise ZipError(f"zip: {entries} entries in {size} octets at {offset} cannot be, before {end}")
    return Directory(offset, size, entries)


def parse_directory(octets: bytes, directory: Directory) -> list[tuple[bytes, Member]]:
    """Read all entries: (name in UTF-8, member); a name that ends with a slash is a directory. Raises ZipError."""
    found = []
    at = 0
    for number in range(directory.entries):
        if at + ENTRY.size > len(octets):
            raise ZipError(f"zip: the directory ends in entry {number}")
        magic, _, _, flags, method, time, date, crc, compressed, size, name, extra, comment, _, _, _, header = (
            ENTRY.unpack_from(octets, at)
        )
        behind = at + ENTRY.size + name + extra + comment
        if magic != MAGIC_ENTRY or behind > len(octets):
            raise ZipError(f"zip: entry {number} of the directory is damaged")
        begin = at + ENTRY.size
        text = octets[begin : begin + name]
        if not flags & UTF_8:
            text = text.decode("cp437").encode()
        longer = _zip_64(octets[begin + name : begin + name + extra], (size, compressed, header))
        member = Member(longer[2], method, flags, crc, longer[1], longer[0], _time(date, time))
        _check(member, number, directory)
        found.append((text, member))
        at = behind
    return found


def _zip_64(extra: bytes, numbers: tuple[int, int, int]) -> tuple[int, int, int]:
    """Fill in the numbers that are all ones, in this order, from the extra field 1. Raises ZipError."""
    if ALL_ONES not in numbers:
        return numbers
    at = 0
    while at + 4 <= len(extra):
        tag, length = unpack_from("<HH", extra, at)
        if tag == 1:
            try:
                fields = iter(unpack_from(f"<{min(length // 8, 3)}Q", extra, at + 4))
                size, compressed, header = (next(fields) if number == ALL_ONES else number for number in numbers)
            except (error, RuntimeError):
                raise ZipError("zip: an extra field of ZIP64 is too short") from None
            return size, compressed, header
        at += 4 + length
    return numbers


def _check(member: Member, number: int, directory: Directory) -> None:
    if member.header + LOCAL.size + member.compressed > directory.offset:
        raise ZipError(f"zip: entry {number}: {member.compressed} octets at {member.header} reach into the directory")
    most = member.compressed if member.method == STORED else member.compressed * EXPANSION
    if member.size > most and not member.flags & ENCRYPTED and member.method in (STORED, DEFLATED):
        raise ZipError(f"zip: entry {number}: {member.compressed} octets cannot become {member.size}")


def _time(date: int, time: int) -> float | None:
    """Read MS-DOS's date and time, taken as UTC; None for what is none."""
    year, month, day = 1980 + (date >> 9), date >> 5 & 15, date & 31
    if not (1 <= month <= 12 and day):
        return None
    return float(timegm((year, month, day, time >> 11, time >> 5 & 63, 2 * (time & 31), 0, 0, 0)))


def content_offset(local: bytes, member: Member) -> int:
    """Return where a member's octets begin, from its local header. Raises ZipError."""
    if len(local) < LOCAL.size or local[:4] != MAGIC_LOCAL:
        raise ZipError(f"zip: no member begins at {member.header}")
    *_, name, extra = LOCAL.unpack_from(local)
    return int(member.header + LOCAL.size + name + extra)
