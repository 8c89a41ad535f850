"""Inodes: how our own store formats (SHA-256, BLAKE2b) keep a wide directory, so that a change costs O(log n).

A set of entries that is small is a tree as git writes it. A larger one is a *fork*: entries are divided by five bits of
their name's hash, and each part is a tree or a fork again. The shape depends on the names alone, so equal
directories have equal ids however they came to be.

    bitmap (4, big-endian)     which of the 32 parts exist; part 0 is the lowest bit
    for each part that exists, in order:
    kind (1)                   0 tree, 1 fork
    count (4)                  entries in it
    id (32)
"""

from __future__ import annotations

import struct
from hashlib import blake2b
from typing import NamedTuple

from fata.disk.git.errors import Malformed

INODE = b"inode"  # the kind of an object that is a fork
BITS = 5  # of the hash, a level
PARTS = 1 << BITS
LEVELS = 12  # five bits of eight octets: a part on the last level is a tree however large it is
WIDEST = 128  # entries of a tree; one more, and it becomes a fork

_BITMAP = struct.Struct(">I")
_RECORD = struct.Struct(">BI")


class Part(NamedTuple):
    """One of a fork's parts."""

    fork: bool
    entries: int
    id: bytes


Fork = dict[int, Part]  # number of the part, 0 to 31 -> part; in order


def place(name: bytes) -> int:
    """Return the hash that decides where a name goes: 64 bits."""
    return int.from_bytes(blake2b(name, digest_size=8).digest(), "big")


def part_of(hashed: int, level: int) -> int:
    """Return which part of a fork a name belongs to."""
    return hashed >> (59 - BITS * level) & PARTS - 1


def serialize(fork: Fork) -> bytes:
    """Write a fork, whose parts are in order."""
    bitmap = sum(1 << number for number in fork)
    pieces = [_BITMAP.pack(bitmap)]
    for below, count, oid in fork.values():
        pieces += (_RECORD.pack(below, count), oid)
    return b"".join(pieces)


def parse(octets: bytes, id_size: int = 32) -> Fork:
    """Read a fork. Raises `Malformed`."""
    if len(octets) < _BITMAP.size:
        raise Malformed(f"inode: {len(octets)} octets")
    (bitmap,) = _BITMAP.unpack_from(octets)
    size = _RECORD.size + id_size
    if len(octets) != _BITMAP.size + bitmap.bit_count() * size or not bitmap:
        raise Malformed(f"inode: {len(octets)} octets for {bitmap.bit_count()} parts")
    fork: Fork = {}
    at = _BITMAP.size
    for number in range(PARTS):
        if bitmap >> number & 1:
            kind, count = _RECORD.unpack_from(octets, at)
            if kind > 1 or not count:
                raise Malformed(f"inode: part {number} has kind {kind} and {count} entries")
            fork[number] = Part(bool(kind), count, octets[at + _RECORD.size : at + size])
            at += size
    return fork


def count_of(fork: Fork) -> int:
    """Return how many entries are in a fork."""
    return sum(part.entries for part in fork.values())
