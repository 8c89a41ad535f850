"""Reading a whole pack that somebody sent: every entry inflated, every delta resolved, every id computed.

What `git index-pack` does. A pack is judged by its octets alone: deltas have their bases in the pack (no "thin" packs).
Memory: the longest chain of deltas that is open at a time, and a few numbers an entry.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterator
from hashlib import sha1
from typing import NamedTuple

from fata.disk.git.delta import apply_delta
from fata.disk.git.errors import Malformed
from fata.disk.git.objects import Object, object_id
from fata.disk.git.pack import HEADER, KIND_OF, Entry, Packed, inflate, parse_entry, parse_header

HASH = 20  # octets at the end
FEWEST = 1 << 30  # octets that any pack may inflate to …
MOST_TIMES = 1000  # … or so many times its own length: beyond that it is a bomb
STEP = 1 << 16

Octets = bytes | memoryview


class Found(NamedTuple):
    """An object of a pack, and where it stands there."""

    packed: Packed
    object: Object

    @property
    def oid(self) -> bytes:
        """The object's id."""
        return self.packed[0]


def read_pack(octets: Octets, limit: int) -> Iterator[Found]:
    """Yield every object of a pack, bases before what is made from them. Raises `Malformed`.

    `limit` is the most octets that one object may have. Nothing is certain before the end is reached: what was yielded
    may belong to a pack that turns out to be damaged.
    """
    entries = _scan(octets)
    budget = _Budget(max(FEWEST, MOST_TIMES * len(octets)))
    by_offset: defaultdict[int, list[int]] = defaultdict(list)
    by_id: defaultdict[bytes, list[int]] = defaultdict(list)
    for at, (entry, _) in entries.items():
        if isinstance(entry.base, int):
            by_offset[entry.base].append(at)
        elif entry.base is not None:
            by_id[entry.base].append(at)
    left = len(entries)
    for at, (entry, _) in entries.items():
        if entry.base is not None:
            continue
        work: list[tuple[int, Object | None]] = [(at, None)]
        while work:
            place, base = work.pop()
            entry, crc = entries[place]
            found = _resolve(octets, entry, base, limit)
            budget.spend(len(found[1]))
            oid = object_id(*found)
            left -= 1
            yield Found((oid, place, crc), found)
            work += [(child, found) for child in by_offset.pop(place, []) + by_id.pop(oid, [])]
    if left:
        raise Malformed(f"pack: {left} deltas have no base in it, or each other")


def _resolve(octets: Octets, entry: Entry, base: Object | None, limit: int) -> Object:
    data = inflate(octets, entry, limit)
    return (KIND_OF[entry.type], data) if base is None else (base[0], apply_delta(base[1], data, limit))


class _Budget:
    """How many octets a pack may still inflate to."""

    def __init__(self, octets: int) -> None:
        self._left = octets

    def spend(self, octets: int) -> None:
        self._left -= octets
        if self._left < 0:
            raise Malformed("pack: it inflates to more than a thousand times its length")


def _scan(octets: Octets) -> dict[int, tuple[Entry, int]]:
    """Return all entries with the CRC-32 of each, by offset; check count and hash."""
    count = parse_header(octets)
    end = len(octets) - HASH
    if end < HEADER.size or sha1(octets[:end]).digest() != octets[end:]:
        raise Malformed("pack: its hash is wrong")
    entries: dict[int, tuple[Entry, int]] = {}
    at = HEADER.size
    for _ in range(count):
        entry = parse_entry(octets, at)
        behind = _end_of(octets, entry.data, end)
        entries[at] = entry, zlib.crc32(octets[at:behind])
        at = behind
    if at != end:
        raise Malformed(f"pack: {end - at} octets behind the last of {count} entries")
    return entries


def _end_of(octets: Octets, at: int, end: int) -> int:
    """Return where a zlib stream ends. What it inflates to is thrown away, a piece at a time."""
    inflater = zlib.decompressobj()
    try:
        while not inflater.eof:
            piece = inflater.unconsumed_tail or octets[at : min(at + STEP, end)]
            if not piece:
                raise Malformed("pack: an entry is cut short")
            if not inflater.unconsumed_tail:
                at += len(piece)
            inflater.decompress(piece, STEP)
    except zlib.error as error:
        raise Malformed(f"pack: {error}") from None
    return at - len(inflater.unused_data)
