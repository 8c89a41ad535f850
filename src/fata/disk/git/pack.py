"""Packs: many objects in one file, most as deltas of others.

    "PACK" version (4, big-endian) count (4), entries, hash of all before (20)

    entry:  1ttt nnnn ...      type, and the size of what is inflated: 4 bits, then 7 an octet, low ones first
            base               of a delta: how far back its base begins (type 6), or the base's id (type 7)
            zlib stream        the object's body, or the delta

gitformat-pack(5).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha1
from typing import NamedTuple

from fata.disk.git.errors import Malformed
from fata.disk.git.objects import BLOB, COMMIT, TAG, TREE, Object

HEADER = struct.Struct(">4sII")
MAGIC = b"PACK"
VERSIONS = (2, 3)  # they differ in nothing that is read here
KIND_OF = {1: COMMIT, 2: TREE, 3: BLOB, 4: TAG}
TYPE_OF = {kind: number for number, kind in KIND_OF.items()}
OFFSET_DELTA = 6
ID_DELTA = 7
STORED = struct.Struct("<3sHH")  # zlib's header and that of a last, stored block; its length, and that inverted
LONGEST_STORED = 0xFFFF  # octets of a stored block
TINY = 100  # octets: to begin a stream takes zlib longer than it takes the disk to store them
CHECKSUM = struct.Struct(">I")

Octets = bytes | memoryview
Packed = tuple[bytes, int, int]  # an object's id, where it is in a pack, the CRC-32 of its entry


class Entry(NamedTuple):
    """An entry's head: `data` is where its zlib stream begins, `size` what that inflates to.

    `base` is the offset (type 6) or the id (type 7) of the object that a delta is for.
    """

    type: int
    size: int
    base: int | bytes | None
    data: int


def parse_header(octets: Octets) -> int:
    """Return how many objects a pack has. Raises `Malformed`."""
    if len(octets) < HEADER.size:
        raise Malformed(f"pack: {len(octets)} octets")
    magic, version, count = HEADER.unpack_from(octets)
    if magic != MAGIC or version not in VERSIONS:
        raise Malformed(f"pack: begins with {magic!r}, version {version}")
    return int(count)


def parse_entry(octets: Octets, at: int, id_size: int = 20) -> Entry:
    """Read the head of the entry at an offset. Raises `Malformed`."""
    start = at
    try:
        octet = octets[at]
        kind, size, shift = octet >> 4 & 7, octet & 15, 4
        while octet & 0x80:
            at += 1
            octet = octets[at]
            size |= (octet & 0x7F) << shift
            shift += 7
        at += 1
        base: int | bytes | None = None
        if kind == OFFSET_DELTA:
            at, back = _distance(octets, at)
            base = start - back
        elif kind == ID_DELTA:
            base = bytes(octets[at : at + id_size])
            at += id_size
    except IndexError:
        raise Malformed(f"pack: the entry at octet {start} is cut short") from None
    if kind in (0, 5) or shift > 64 or (isinstance(base, int) and not HEADER.size <= base < start):
        raise Malformed(f"pack: the entry at octet {start} has type {kind} and base {base!r}")
    return Entry(kind, size, base, at)


def _distance(octets: Octets, at: int) -> tuple[int, int]:
    """Read how far back a base is: 7 bits an octet, high ones first, each continuation counting one more."""
    octet = octets[at]
    value = octet & 0x7F
    while octet & 0x80:
        at += 1
        octet = octets[at]
        value = (value + 1 << 7) | octet & 0x7F
    return at + 1, value


def inflate(octets: Octets, entry: Entry, limit: int) -> bytes:
    """Return what an entry's stream holds. Raises `Malformed`, before making more than it says or `limit` allows."""
    if entry.size > limit:
        raise Malformed(f"pack: an entry of {entry.size} octets, the limit is {limit}")
    inflater = zlib.decompressobj()
    made = b""
    # Deflate never needs more than size + size / 16,000 + a few octets, unless it is stored badly: then go on.
    step = entry.size + (entry.size >> 8) + 64
    at = entry.data
    try:
        while not inflater.eof and len(made) <= entry.size:
            piece = octets[at : at + step]
            if not piece and not inflater.unconsumed_tail:
                raise Malformed("pack: an entry is cut short")
            at += len(piece)
            made += inflater.decompress(inflater.unconsumed_tail + piece, entry.size + 1 - len(made))
    except zlib.error as error:
        raise Malformed(f"pack: {error}") from None
    if len(made) != entry.size:
        raise Malformed(f"pack: an entry has more or less than the {entry.size} octets that it says")
    return made


def serialize(objects: Iterable[tuple[bytes, Object]], count: int, level: int = 1) -> tuple[bytes, list[Packed]]:
    """Write a pack without deltas, of `count` objects. Returns it, and what its index needs."""
    pieces = [HEADER.pack(MAGIC, 2, count)]
    at = HEADER.size
    packed: list[Packed] = []
    for oid, (kind, body) in objects:
        size = len(body)
        if size > LONGEST_STORED or (level and size > TINY):
            before, after = _entry_head(kind, size), b""
            body = zlib.compress(body, level)
            crc = zlib.crc32(body, zlib.crc32(before))
        else:
            before, crc = _stored_head(kind, size)
            after = CHECKSUM.pack(zlib.adler32(body))
            crc = zlib.crc32(after, zlib.crc32(body, crc))
        packed.append((oid, at, crc))
        pieces += (before, body, after)
        at += len(before) + len(body) + len(after)
    content = b"".join(pieces)
    return content + sha1(content).digest(), packed


@lru_cache(1 << 10)
def _stored_head(kind: bytes, size: int) -> tuple[bytes, int]:
    """Return an entry's octets before a body that is stored as it is, and their CRC-32.

    RFC 1950, RFC 1951 3.2.4. zlib itself takes five times as long. The body has `LONGEST_STORED` octets at most.
    """
    head = _entry_head(kind, size) + STORED.pack(b"x\1\1", size, size ^ LONGEST_STORED)
    return head, zlib.crc32(head)


def _entry_head(kind: bytes, size: int) -> bytes:
    head = bytearray()
    octet = TYPE_OF[kind] << 4 | size & 15
    size >>= 4
    while size:
        head.append(octet | 0x80)
        octet = size & 0x7F
        size >>= 7
    head.append(octet)
    return bytes(head)
