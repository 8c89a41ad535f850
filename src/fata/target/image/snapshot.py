"""Put a snapshot into an image: the program as it stood in a machine's memory, from which it goes on at boot.

The kernel has left a record of it in that memory: kernel/include/snapshot.h. docs/spec/boot.md is the specification.
"""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise
from mmap import mmap
from typing import NamedTuple

from fata.errors import DeviceError
from fata.target.image.elf import (
    HEADER,
    KIB_PER_MIB,
    LINE_MAX,
    LOAD,
    MIB,
    NOTHING,
    PAGE,
    SEGMENT,
    VERSION,
    find_place,
    overwrite,
    read,
    segments,
)

DIGEST = 32  # octets: the SHA-256 of the image that the snapshot was taken of

_MAGIC = b"Fata snapshot\n\x1a\0"
_FORMAT = 1
_HEAD = struct.Struct("<16sII32sQ")  # magic, version, ranges, digest, octets of RAM in use
_RANGE = struct.Struct("<QQQQ")  # start, end, source, access
_RANGES = 3456  # offset of the first range in the record
_RANGES_MAX = 128
_SIZE = _RANGES + _RANGES_MAX * _RANGE.size
_KERNEL = range(0x100000, 0x200000, PAGE)  # where the record lies in the memory
_READ_WRITE = 6  # p_flags
_RUNS_MAX = 3  # segments for what stands in place; one more holds the rest


class NoSnapshot(DeviceError):
    """A memory in which there is no snapshot, or an image that has none."""


class Range(NamedTuple):
    """Pages of the program: addresses, and what it may do with them."""

    start: int
    end: int
    source: int
    access: int


class Snapshot(NamedTuple):
    """A record, and what of it the tool has to know. `used`: octets of RAM beside the image."""

    record: bytes
    used: int
    ranges: tuple[Range, ...]


class _Part(NamedTuple):
    """Octets for an address."""

    address: int
    octets: bytes

    @property
    def end(self) -> int:
        return self.address + len(self.octets)


def find_snapshot(memory: bytes | mmap) -> Snapshot:
    """Return the record that the kernel has left in a machine's memory. Raises `NoSnapshot`."""
    for address in _KERNEL:
        if memory[address : address + len(_MAGIC)] == _MAGIC:
            return _parse(memory[address : address + _SIZE])
    raise NoSnapshot("the machine's memory holds no snapshot")


def origin(image: bytes) -> bytes:
    """Return the digest of the image that an image's snapshot was taken of. Raises `NoSnapshot`, `BadImage`."""
    address = read(image).snapshot
    for _, row in segments(image):
        if row[0] == LOAD and row[3] <= address < row[3] + row[5]:
            offset = row[2] + address - row[3]
            _parse(image[offset : offset + _SIZE])
            return image[offset + 24 : offset + 24 + DIGEST]
    raise NoSnapshot("the image has no snapshot")


def attach(image: bytes, memory: bytes | mmap, snapshot: Snapshot, digest: bytes) -> bytes:
    """Return the image with the snapshot that was taken of it in a machine of this memory.

    `digest` tells the image apart from others. Raises `BadImage`.
    """
    place, old = find_place(image), read(image)
    variables = _variables(image)
    copied = [each for each in snapshot.ranges if each.start in variables]
    runs = _runs([each for each in snapshot.ranges if each.start not in variables])
    parts = [_Part(run.start, memory[run.start : run.stop]) for run in runs]
    size = _paged(_SIZE) + sum(each.end - each.start for each in copied)
    address = _gap(runs, size, _paged(place.address + len(old.zip)))
    parts.append(_Part(address, _carried(snapshot, memory, copied, address, digest)))
    parts.sort()

    result = bytearray(image[: len(image) - len(old.zip)])
    headers = [offset for offset, row in segments(image) if row[0] == NOTHING]
    for offset, part in zip(headers, parts, strict=False):
        row = (LOAD, _READ_WRITE, len(result), part.address, part.address, len(part.octets), len(part.octets), PAGE)
        overwrite(result, offset, SEGMENT.pack(*row))
        result += part.octets
    floor = max(old.floor, -(-parts[-1].end // MIB) * KIB_PER_MIB)
    line = old.line.encode()
    header = (VERSION, floor, place.address, len(old.zip), zlib.crc32(old.zip), len(line), address)
    overwrite(result, place.header, HEADER.pack(*header) + line.ljust(LINE_MAX, b"\0"))
    row = (LOAD, 4, len(result), place.address, place.address, len(old.zip), len(old.zip), PAGE)
    overwrite(result, place.segment, SEGMENT.pack(*row))
    return bytes(result + old.zip)


def _parse(record: bytes) -> Snapshot:
    if len(record) < _SIZE:
        raise NoSnapshot("a snapshot that was cut off")
    magic, version, count, _, used = _HEAD.unpack_from(record)
    if magic != _MAGIC or version != _FORMAT or count > _RANGES_MAX:
        raise NoSnapshot(f"no snapshot of format {_FORMAT}")
    found = tuple(Range(*_RANGE.unpack_from(record, _RANGES + n * _RANGE.size)) for n in range(count))
    return Snapshot(record, used, found)


def _variables(image: bytes) -> range:
    """Return the addresses of the program's variables: the last segment that may be written to."""
    *_, row = (row for _, row in segments(image) if row[0] == LOAD and row[1] == _READ_WRITE)
    return range(row[3], row[3] + row[6])


def _runs(ranges: list[Range]) -> list[range]:
    """Gather ranges into a few runs, across the smallest gaps between them."""
    runs = [range(each.start, each.end) for each in sorted(ranges)]
    while len(runs) > _RUNS_MAX:
        _, index = min((after.start - before.stop, n) for n, (before, after) in enumerate(pairwise(runs)))
        runs[index : index + 2] = [range(runs[index].start, runs[index + 1].stop)]
    return runs


def _gap(runs: list[range], size: int, after: int) -> int:
    """Return an address for so many octets: in the first gap that has room, after the image, or above all."""
    for run in runs:
        if run.start - after >= size:
            return after
        after = max(after, run.stop)
    return after


def _carried(snapshot: Snapshot, memory: bytes | mmap, copied: list[Range], address: int, digest: bytes) -> bytes:
    """Return the segment at `address`: the record, and what the kernel is to copy, whose places the record tells."""
    record, rest = bytearray(snapshot.record.ljust(_paged(_SIZE), b"\0")), bytearray()
    record[24 : 24 + DIGEST] = digest
    for number, each in enumerate(snapshot.ranges):
        if each in copied:
            moved = each._replace(source=address + len(record) + len(rest))
            struct.pack_into(_RANGE.format, record, _RANGES + number * _RANGE.size, *moved)
            rest += memory[each.start : each.end]
    return bytes(record + rest)


def _paged(size: int) -> int:
    return -(-size // PAGE) * PAGE
