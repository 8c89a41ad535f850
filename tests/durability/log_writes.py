"""The log of every write and flush that a disk was told: the format of Linux's dm-log-writes, which QEMU writes too.

All numbers are little endian. The log is in sectors of a size that its first one tells:

    magic 0x6a736677736872, version 1, entries (8 octets each), octets of a sector (4); the rest is zero

Then for each entry a sector with its head, and behind that what was written (nothing for a flush or a discard):

    first sector, sectors, flags, octets of a mark (8 each); the rest is zero

Sources: the kernel's Documentation/admin-guide/device-mapper/log-writes.rst, and what QEMU 7.2 writes. QEMU brings the
first sector up to date when it flushes, so behind the entries that it counts may stand others, which no flush followed.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

SUPER = Struct("<QQQI")
HEAD = Struct("<QQQQ")
MAGIC = 0x6A736677736872
VERSION = 1
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8
KNOWN = FLUSH | FUA | DISCARD | MARK


class LogError(Exception):
    """The octets are no such log."""


class Entry(NamedTuple):
    """Something that the disk was told; `data` is what was written at `sector`, of `sectors` sectors."""

    sector: int
    sectors: int
    flags: int
    data: bytes

    @property
    def flushes(self) -> bool:
        """Whether all before it is durable from here on."""
        return bool(self.flags & FLUSH)


def parse(log: bytes) -> tuple[int, list[Entry]]:
    """Return the size of a sector, and every entry. Raises LogError."""
    if len(log) < SUPER.size:
        raise LogError(f"log-writes: {len(log)} octets, the first sector has at least {SUPER.size}")
    magic, version, count, size = SUPER.unpack_from(log)
    if (magic, version) != (MAGIC, VERSION):
        raise LogError(f"log-writes: magic {magic:#x} and version {version}, where {MAGIC:#x} and {VERSION} are due")
    if size < 512 or size & size - 1 or size > 1 << 24:
        raise LogError(f"log-writes: a sector of {size} octets")
    entries: list[Entry] = []
    place = size
    while len(entries) < count or place + size <= len(log):
        entry, place = _entry(log, place, size)
        entries.append(entry)
    return size, entries


def _entry(log: bytes, place: int, size: int) -> tuple[Entry, int]:
    """Return the entry at `place`, and the place behind it."""
    if place + size > len(log):
        raise LogError(f"log-writes: an entry at {place} in a log of {len(log)} octets")
    sector, sectors, flags, mark = HEAD.unpack_from(log, place)
    if flags & ~KNOWN or mark > size - HEAD.size:
        raise LogError(f"log-writes: flags {flags:#x} and a mark of {mark} octets at {place}")
    start = place + size
    end = start if flags & DISCARD else start + sectors * size
    if end > len(log):
        raise LogError(f"log-writes: {sectors} sectors at {start} in a log of {len(log)} octets")
    return Entry(sector, sectors, flags, log[start:end]), end
