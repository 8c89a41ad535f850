"""The crunch format: a folder's files in one piece of memory (docs/spec/crunch.md).

Everything is big-endian. An image is header, entries, keys, contents, with nothing between or behind them:

      0                   8                  16        20        24        28        32
      +-------------------+-------------------+---------+---------+---------+---------+
      | magic and version | octets in all     | entries | octets  | zero    | CRC-32  |
      |                   |                   |         | of keys |         |         |
      +-------------------+-------------------+---------+---------+---------+---------+
    each entry:
      0                                      32        40        48         56         60     64
      +---------------------------------------+---------+---------+----------+----------+------+
      | SHA-256 of the content                | content | size    | modified | octets   | zero |
      |                                       | begins  |         | (POSIX)  | of key   |      |
      +---------------------------------------+---------+---------+----------+----------+------+
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple
from zlib import crc32

from fata.device.kv import InvalidKey, segments
from fata.errors import DeviceError

MAGIC = b"FATACR\x00\x01"  # the last two octets are the version
HEADER = Struct("> 8s Q I I 4x")  # the CRC-32 follows
CHECKSUM = Struct("> I")
HEADER_SIZE = 32  # octets
ENTRY = Struct("> 32s Q Q Q I 4x")
LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z: the last second that a calendar with four digits can show


class CrunchError(DeviceError):
    """The octets are no crunch image, or a damaged one."""


class Entry(NamedTuple):
    """One value. `offset` counts octets from the image's start, `modified` seconds of POSIX time."""

    key: str
    digest: bytes
    offset: int
    size: int
    modified: int


def contents_offset(keys: list[str]) -> int:
    """Return where the contents begin in an image with these keys."""
    return HEADER_SIZE + ENTRY.size * len(keys) + sum(len(key.encode()) for key in keys)


def serialize_index(entries: list[Entry], total: int) -> bytes:
    """Return everything in front of the contents. `entries` are sorted by key, `total` octets is the image."""
    names = [entry.key.encode() for entry in entries]
    keys = b"".join(names)
    table = b"".join(
        ENTRY.pack(entry.digest, entry.offset, entry.size, entry.modified, len(name))
        for entry, name in zip(entries, names, strict=True)
    )
    header = HEADER.pack(MAGIC, total, len(entries), len(keys))
    return b"".join((header, CHECKSUM.pack(_checksum(header, table + keys)), table, keys))


def parse_index(image: memoryview) -> list[Entry]:
    """Return the entries, sorted by key. Raises `CrunchError` for everything that `serialize_index` never writes.

    The contents are not looked at; that each lies inside the image, in its place, is checked.
    """
    if len(image) < HEADER_SIZE:
        raise CrunchError(f"crunch: {len(image)} octets, the header alone has {HEADER_SIZE}")
    magic, total, count, key_octets = HEADER.unpack_from(image)
    if magic != MAGIC:
        raise CrunchError(f"crunch: begins with {magic!r}, not {MAGIC!r}")
    if total != len(image):
        raise CrunchError(f"crunch: {len(image)} octets, the header says {total}")
    keys_start = HEADER_SIZE + ENTRY.size * count
    if keys_start + key_octets > total:
        raise CrunchError(f"crunch: {count} entries and {key_octets} octets of keys do not fit into {total} octets")
    index = image[HEADER_SIZE : keys_start + key_octets]
    (checksum,) = CHECKSUM.unpack_from(image, HEADER.size)
    if checksum != _checksum(image[: HEADER.size], index):
        raise CrunchError(f"crunch: the index is damaged, its checksum is not {checksum:#010x}")
    entries = _entries(index[: ENTRY.size * count], bytes(image[keys_start : keys_start + key_octets]))
    _check_contents(entries, keys_start + key_octets, total)
    if serialize_index(entries, total) != image[: keys_start + key_octets]:
        raise CrunchError("crunch: octets that must be zero are not")
    return entries


def _checksum(header: bytes | memoryview, index: bytes | memoryview) -> int:
    return crc32(index, crc32(header))


def _entries(table: memoryview, keys: bytes) -> list[Entry]:
    entries: list[Entry] = []
    start, before = 0, b""
    for digest, offset, size, modified, length in ENTRY.iter_unpack(table):
        name = keys[start : start + length]
        start += length
        if name <= before:
            raise CrunchError(f"crunch: key {name!r} does not come after {before!r}")
        if modified > LAST_SECOND:
            raise CrunchError(f"crunch: {name!r} was modified in second {modified}, after the year 9999")
        entries.append(Entry(_key(name), digest, offset, size, modified))
        before = name
    if start != len(keys):
        raise CrunchError(f"crunch: the entries' keys have {start} octets, the header says {len(keys)}")
    return entries


def _key(name: bytes) -> str:
    try:
        key = name.decode()
        segments(key)
    except (UnicodeDecodeError, InvalidKey) as error:
        raise CrunchError(f"crunch: {name!r} is no key: {error}") from error
    return key


def _check_contents(entries: list[Entry], start: int, total: int) -> None:
    """Contents follow each other in the order of their first key; equal ones are there once."""
    places: dict[bytes, tuple[int, int]] = {}
    end = start
    for entry in entries:
        place = places.setdefault(entry.digest, (end, entry.size))
        if (entry.offset, entry.size) != place:
            found = f"{entry.size} octets at {entry.offset}"
            raise CrunchError(f"crunch: {entry.key!r} has {found}, where {place[1]} at {place[0]} must be")
        end = max(end, entry.offset + entry.size)
    if end != total:
        raise CrunchError(f"crunch: the contents end at {end}, the image at {total}")
