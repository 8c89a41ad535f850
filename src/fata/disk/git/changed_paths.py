"""What `git commit-graph write --changed-paths` notes of each commit: a Bloom filter of the paths that it changed.

    BIDX    for each commit where its filter ends, counted from the first one (4 each)
    BDAT    version of the hash (1), hashes of a path (7), bits for each path (4 each); then the filters

A filter has the paths in which a commit differs from its first parent, and the directories above them. One without
octets was not computed. A path sets the bits h1 + i h2, i from 0 to 6, of as many as there are, the lowest of an octet
first; h1 and h2 are MurmurHash3 with two seeds. Version 1 takes octets from 128 on for negative numbers, so it is not
used for paths that have such. gitformat-commit-graph(5).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

HEADER = struct.Struct(">III")
VERSION, HASHES = 1, 7
SEEDS = (0x293AE76F, 0x7E646E2C)
MASK = 0xFFFFFFFF


def parse(index: bytes, data: bytes, count: int) -> list[bytes]:
    """Return the filter of each of `count` commits; none of them if there are none that make sense."""
    if len(index) != 4 * count or len(data) < HEADER.size or HEADER.unpack_from(data)[:2] != (VERSION, HASHES):
        return []
    ends = struct.unpack(f">{count}I", index)
    filters = data[HEADER.size :]
    starts = (0, *ends[:-1])
    if any(start > end for start, end in zip(starts, ends, strict=True)) or (ends and ends[-1] > len(filters)):
        return []
    return [filters[start:end] for start, end in zip(starts, ends, strict=True)]


def hashes(path: bytes) -> tuple[int, ...]:
    """Return the hashes of a path; none for one that cannot be asked for."""
    if not path.isascii():
        return ()
    first, second = (_murmur(path, seed) for seed in SEEDS)
    return tuple((first + number * second) & MASK for number in range(HASHES))


def excludes(octets: bytes, wanted: Sequence[int]) -> bool:
    """Whether a filter says that a path with these hashes was not changed."""
    size = 8 * len(octets)
    if size:
        for each in wanted:
            bit = each % size
            if not octets[bit >> 3] >> (bit & 7) & 1:
                return True
    return False


def _murmur(octets: bytes, seed: int) -> int:
    """Return MurmurHash3 with 32 bits."""
    whole = len(octets) // 4 * 4
    for (block,) in struct.iter_unpack("<I", octets[:whole]):
        seed ^= _mixed(block)
        seed = ((seed << 13 & MASK | seed >> 19) * 5 + 0xE6546B64) & MASK
    seed ^= _mixed(int.from_bytes(octets[whole:], "little")) ^ len(octets)
    seed = (seed ^ seed >> 16) * 0x85EBCA6B & MASK
    seed = (seed ^ seed >> 13) * 0xC2B2AE35 & MASK
    return seed ^ seed >> 16


def _mixed(block: int) -> int:
    block = block * 0xCC9E2D51 & MASK
    return (block << 15 & MASK | block >> 17) * 0x1B873593 & MASK
