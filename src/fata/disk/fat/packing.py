"""FAT entries: 12 bits (two in three octets), 16, or 28 in 32 whose upper four are not ours.

0 free   1 reserved   2... next cluster   ...F7 bad   ...F8 to ...FF end of a chain
"""

from __future__ import annotations

import sys
from array import array

FREE = 0
MASK = {12: 0xFFF, 16: 0xFFFF, 32: 0x0FFF_FFFF}
END = MASK  # what we write at the end of a chain
END_FROM = {bits: mask & ~7 for bits, mask in MASK.items()}  # what we take for one
BAD = {bits: mask & ~8 for bits, mask in MASK.items()}
CLEAN = {16: 0x8000, 32: 0x0800_0000}  # in entry 1: unmounted in order. FAT12 has no such bits.
SOUND = {16: 0x4000, 32: 0x0400_0000}  # in entry 1: no read or write has failed

_CODE = {16: "H", 32: "I"}


def unpack(data: bytes, bits: int, count: int) -> array[int]:
    """Return the first `count` entries of a FAT as they stand, with the upper bits of FAT32."""
    if bits == 12:
        return array("H", _unpack12(data, count))
    entries = array(_CODE[bits])
    entries.frombytes(data[: count * entries.itemsize])
    if sys.byteorder == "big":
        entries.byteswap()
    return entries


def _unpack12(data: bytes, count: int) -> list[int]:
    padded = data[: (count * 3 + 1) // 2].ljust(((count + 1) // 2) * 3, b"\0")
    entries = []
    for low, middle, high in zip(padded[::3], padded[1::3], padded[2::3], strict=True):
        entries.append(low | (middle & 0x0F) << 8)
        entries.append(middle >> 4 | high << 4)
    return entries[:count]


def pack(entries: array[int], bits: int) -> bytes:
    """Return entries as they stand in a FAT. For 12 bits they must begin with an even one."""
    if bits == 12:
        return _pack12(entries)
    if sys.byteorder == "big":
        entries = entries[:]
        entries.byteswap()
    return entries.tobytes()


def _pack12(entries: array[int]) -> bytes:
    pairs = zip(entries[::2], [*entries[1::2], 0], strict=False)
    packed = b"".join((even | odd << 12).to_bytes(3, "little") for even, odd in pairs)
    return packed[: (len(entries) * 3 + 1) // 2]


def span(cluster: int, bits: int) -> tuple[int, int]:
    """Return the first and the last octet of an entry in its FAT."""
    if bits == 12:
        start = cluster * 3 // 2
        return start, start + 1
    octets = bits // 8
    return cluster * octets, cluster * octets + octets - 1
