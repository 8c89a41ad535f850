"""Log records: what a commit changed, padded to whole sectors.

     0        4       8           16             24       28         32
    +--------+-------+-----------+--------------+--------+----------+-------------------------
    | crc32  | tag   | position  | incarnation  | length | previous | groups … (length octets)
    +--------+-------+-----------+--------------+--------+----------+-------------------------

Little-endian. The CRC covers everything behind itself up to the end of the groups. `position` is the record's
first sector, counted since the store was formatted; `previous` the CRC of the record before. A group is one
transaction: count (u32), key lengths (u16 each), value lengths (u32; all ones: the key is deleted; bit 31: the
value is an extent's descriptor), keys, values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from struct import Struct, pack, unpack_from
from struct import error as StructError  # noqa: N812 -- an error by another name is still a class
from typing import NamedTuple
from zlib import crc32

from fata.disk.btree.corrupt import Corrupt
from fata.disk.btree.extent import DESCRIPTOR, Extent

HEADER = Struct("<IIQQII")
HEADER_SIZE = HEADER.size  # octets
DELETED = 0xFFFFFFFF  # a value's length
LARGE = 0x80000000  # bit of a value's length

Changes = Mapping[bytes, bytes | None]  # None: the key is deleted


class Header(NamedTuple):
    """The first 32 octets of a record."""

    crc: int
    tag: int
    position: int  # sectors
    incarnation: int
    length: int  # octets of the groups
    previous: int


def serialize_group(keys: Sequence[bytes], changes: Changes) -> bytes:
    """Return one transaction's changes, for the keys in this order."""
    values = [*map(changes.__getitem__, keys)]
    plain = {bytes}.issuperset(map(type, values))  # nearly always, and then it is quicker
    lengths = map(len, values) if plain else map(_length, values)  # type: ignore[arg-type]
    count = len(keys)
    shape = pack(f"<I{count}H{count}I", count, *map(len, keys), *lengths)
    return b"".join((shape, *keys, *filter(None, values)))


def _length(value: bytes | None) -> int:
    """Return what stands for a value among the lengths."""
    if value is None:
        return DELETED
    return len(value) | LARGE if value.__class__ is Extent else len(value)


def group_octets(keys: Sequence[bytes], changes: Changes) -> int:
    """Return the length of what `serialize_group` makes."""
    return 4 + 6 * len(keys) + sum(map(len, keys)) + sum(map(len, filter(None, changes.values())))


def serialize_record(
    tag: int, position: int, incarnation: int, previous: int, groups: Sequence[bytes], sector_size: int
) -> tuple[bytes, int]:
    """Return a record, whole sectors, and its CRC."""
    length = sum(map(len, groups))
    rest = b"".join((HEADER.pack(0, tag, position, incarnation, length, previous)[4:], *groups))
    crc = crc32(rest)
    return b"".join((crc.to_bytes(4, "little"), rest, bytes(-(len(rest) + 4) % sector_size))), crc


def record_sectors(octets: int, sector_size: int) -> int:
    """Return the sectors of a record whose groups have so many octets."""
    return -(-(HEADER_SIZE + octets) // sector_size)


def parse_header(data: bytes) -> Header:
    """Return the header of what may be a record; `data` is at least a sector."""
    return Header._make(HEADER.unpack_from(data))


def is_whole(data: bytes, header: Header) -> bool:
    """Say whether these octets are the whole record that their header announces."""
    return crc32(memoryview(data)[4 : HEADER_SIZE + header.length]) == header.crc


def parse_groups(data: bytes, position: int, into: dict[bytes, bytes | None]) -> None:
    """Add a record's changes to a dict, the last one to each key stays. Raises `Corrupt`, then the dict is half done.

    `data` is the groups alone, with a checksum that was right.
    """
    offset = 0
    try:
        while offset < len(data):
            offset = _parse_group(data, offset, into)
    except StructError:
        raise Corrupt("log record", position, "its changes do not fit into it") from None
    if offset > len(data):
        raise Corrupt("log record", position, "its changes do not fit into it")


def _parse_group(data: bytes, offset: int, into: dict[bytes, bytes | None]) -> int:
    (count,) = unpack_from("<I", data, offset)
    if 6 * count > len(data):
        raise StructError
    fields: tuple[int, ...] = unpack_from(f"<{count}H{count}I", data, offset + 4)
    start = offset + 4 + 6 * count
    ends: list[int] = list(accumulate(fields[:count], initial=start))
    keys = [data[a:b] for a, b in pairwise(ends)]
    lengths = fields[count:]
    if max(lengths, default=0) < LARGE:
        ends = list(accumulate(lengths, initial=ends[-1]))
        into.update(zip(keys, [data[a:b] for a, b in pairwise(ends)], strict=True))
        return ends[-1]
    position = ends[-1]
    for key, length in zip(keys, lengths, strict=True):
        if length == DELETED:
            into[key] = None
            continue
        octets = length & ~LARGE
        value = data[position : position + octets]
        if length & LARGE and len(value) != DESCRIPTOR.size:
            raise StructError
        into[key] = Extent(value) if length & LARGE else value
        position += octets
    return position
