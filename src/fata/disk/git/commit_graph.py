"""The commit graph that git keeps beside its objects: which commit has which parents, without reading any commit.

    "CGPH" version 1, hash 1 (SHA-1), number of chunks, number of base graphs (1 octet each)
    id (4) offset (8)          for each chunk, and a last one that only ends the one before
    chunks                     OIDL: ids, sorted. CDAT: for each, its tree's id, two parents (4 each), level, date (8)
                               EDGE: further parents (4 each), the last of a commit with the highest bit set
                               BIDX, BDAT: what each commit changed, see `changed_paths`
    hash of all before (20)

A parent is a position in OIDL; 0x70000000 is none; a second one with the highest bit set is a position in EDGE. The
level is the generation, in the upper 30 of 64 bits. gitformat-commit-graph(5).
"""

from __future__ import annotations

import struct
from hashlib import sha1
from itertools import pairwise
from typing import NamedTuple

from fata.disk.git import changed_paths
from fata.disk.git.errors import Malformed

HEADER = struct.Struct(">4sBBBB")
CHUNK = struct.Struct(">4sQ")
DATA = struct.Struct(">20sIIQ")
EDGES = struct.Struct(">I")
ID_SIZE = 20
NONE = 0x70000000
LAST = 0x80000000


class Linked(NamedTuple):
    """A commit, its parents, its tree, and what it changed as `changed_paths` has it, or None."""

    id: bytes
    parents: tuple[bytes, ...]
    tree: bytes
    changed: bytes | None


def parse(octets: bytes) -> list[Linked]:
    """Return the commits, parents before children. Raises `Malformed`, also for a part of a chain of graphs."""
    if len(octets) < HEADER.size + ID_SIZE or sha1(octets[:-ID_SIZE]).digest() != octets[-ID_SIZE:]:
        raise Malformed(f"commit graph: {len(octets)} octets, or another hash than it says")
    magic, version, hashed, count, bases = HEADER.unpack_from(octets)
    if (magic, version, hashed, bases) != (b"CGPH", 1, 1, 0):
        raise Malformed(f"commit graph: {magic!r} {version} {hashed}, on {bases} others")
    chunks = _chunks(octets, count)
    ids = chunks.get(b"OIDL", b"")
    data = chunks.get(b"CDAT", b"")
    if len(ids) % ID_SIZE or len(data) != len(ids) // ID_SIZE * DATA.size:
        raise Malformed(f"commit graph: {len(ids)} octets of ids, {len(data)} of data")
    names = [ids[at : at + ID_SIZE] for at in range(0, len(ids), ID_SIZE)]
    rows = [
        (date >> 34, number, first, second, tree)
        for number, (tree, first, second, date) in enumerate(DATA.iter_unpack(data))
    ]
    rows.sort()
    edges = chunks.get(b"EDGE", b"")
    filters = changed_paths.parse(chunks.get(b"BIDX", b""), chunks.get(b"BDAT", b""), len(names))
    try:
        return [
            Linked(names[at], _parents(names, edges, first, second), tree, filters[at] if filters else None)
            for _, at, first, second, tree in rows
        ]
    except (IndexError, struct.error):
        raise Malformed("commit graph: a parent that is not in it") from None


def _chunks(octets: bytes, count: int) -> dict[bytes, bytes]:
    if HEADER.size + CHUNK.size * (count + 1) > len(octets):
        raise Malformed(f"commit graph: {count} chunks in {len(octets)} octets")
    table = [CHUNK.unpack_from(octets, HEADER.size + CHUNK.size * number) for number in range(count + 1)]
    found = {}
    for (name, start), (_, end) in pairwise(table):
        if not HEADER.size <= start <= end <= len(octets) - ID_SIZE:
            raise Malformed(f"commit graph: chunk {name!r} from {start} to {end}")
        found[name] = octets[start:end]
    return found


def _parents(names: list[bytes], edges: bytes, first: int, second: int) -> tuple[bytes, ...]:
    if first == NONE:
        return ()
    if second == NONE:
        return (names[first],)
    if not second & LAST:
        return names[first], names[second]
    parents = [names[first]]
    at = (second & ~LAST) * EDGES.size
    while True:
        (edge,) = EDGES.unpack_from(edges, at)
        parents.append(names[edge & ~LAST])
        if edge & LAST:
            return tuple(parents)
        at += EDGES.size
