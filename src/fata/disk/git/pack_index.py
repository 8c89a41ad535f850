"""A pack's index, version 2: from an id to where the object is.

    "\\377tOc" version (4)
    256 × how many ids begin with this octet or a lower one (4)
    the ids, sorted            20 each
    CRC-32 of each entry       4 each
    offset of each entry       4 each; with the highest bit set, a number in the next table
    offsets over 2 GiB         8 each
    the pack's hash (20), hash of all before (20)

gitformat-pack(5), "Version 2 pack-*.idx files".
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from hashlib import sha1

from fata.disk.git.errors import Malformed
from fata.disk.git.pack import Packed

MAGIC = b"\xfftOc\0\0\0\x02"
FAN = struct.Struct(">256I")
IDS = len(MAGIC) + FAN.size
FAR = 0x80000000
LISTED = 200_000  # ids that a list of Python's is made of: ten times as quick to search
LISTED_LATER = 2_000_000  # ids that one is made of after so many searches that it pays: a list takes 60 octets for each
PAYS = 40  # ids that a list is made of while one is searched for in the octets

Octets = bytes | memoryview


class PackIndex:
    """An index over its file's octets, which may be mapped. Raises `Malformed` when made of something else."""

    def __init__(self, octets: Octets, id_size: int = 20) -> None:
        if len(octets) < IDS + 2 * id_size or octets[: len(MAGIC)] != MAGIC:
            raise Malformed(f"pack index: {len(octets)} octets, no index of version 2")
        self._octets = octets
        self._size = id_size
        self._fan = (0, *FAN.unpack_from(octets, len(MAGIC)))
        self.count = self._fan[256]
        self._offsets = IDS + self.count * (id_size + 4)
        self._ids: list[bytes] | None = None
        self._searches = 0
        self._far = self._offsets + 4 * self.count
        if any(a > b for a, b in zip(self._fan, self._fan[1:], strict=False)) or self._far > len(octets) - 2 * id_size:
            raise Malformed(f"pack index: {len(octets)} octets for {self.count} ids")

    def find(self, oid: bytes) -> int | None:
        """Return where an object begins in the pack; None if it is not in it. Raises `Malformed`."""
        low, high = self._fan[oid[0]], self._fan[oid[0] + 1]
        ids = self._ids
        if ids is None:
            self._searches += 1
            if self.count <= LISTED or (self.count <= LISTED_LATER and self._searches > self.count // PAYS):
                ids = self._ids = list(self.ids())
        if ids is not None:
            at = bisect_left(ids, oid, low, high)
            return self._offset(at) if at < high and ids[at] == oid else None
        return self._search(oid, low, high)

    def _search(self, oid: bytes, low: int, high: int) -> int | None:
        octets, size = self._octets, self._size
        while low < high:
            middle = (low + high) // 2
            at = IDS + middle * size
            found = bytes(octets[at : at + size])
            if found == oid:
                return self._offset(middle)
            if found < oid:
                low = middle + 1
            else:
                high = middle
        return None

    def _offset(self, number: int) -> int:
        at = self._offsets + 4 * number
        offset = int.from_bytes(self._octets[at : at + 4], "big")
        if offset < FAR:
            return offset
        at = self._far + 8 * (offset - FAR)
        if at + 8 > len(self._octets) - 2 * self._size:
            raise Malformed(f"pack index: entry {number} points beyond the table of far offsets")
        return int.from_bytes(self._octets[at : at + 8], "big")

    def ids(self) -> Iterator[bytes]:
        """Yield the ids, sorted."""
        for at in range(IDS, IDS + self.count * self._size, self._size):
            yield bytes(self._octets[at : at + self._size])


def serialize(packed: list[Packed], pack_hash: bytes) -> bytes:
    """Write the index of a pack that ends with `pack_hash`."""
    total = len(packed)
    ids, offsets, crcs = zip(*sorted(packed), strict=True) if packed else ((), (), ())
    far: list[int] = []
    if packed and max(offsets) >= FAR:
        far = [offset for offset in offsets if offset >= FAR]
        places = {offset: FAR + number for number, offset in enumerate(far)}
        offsets = tuple([places.get(offset, offset) for offset in offsets])
    content = b"".join(
        (
            MAGIC,
            *_fan(ids),
            *ids,
            struct.pack(f">{2 * total}I{len(far)}Q", *crcs, *offsets, *far),
            pack_hash,
        )
    )
    return content + sha1(content).digest()


def _fan(ids: Sequence[bytes]) -> list[bytes]:
    """Return the table of how many ids begin with an octet or a lower one."""
    table = []
    low = 0
    for number, oid in enumerate(ids):
        if oid[0] != low:
            table.append(number.to_bytes(4, "big") * (oid[0] - low))
            low = oid[0]
    table.append(len(ids).to_bytes(4, "big") * (256 - low))
    return table
