"""The GUID partition table (UEFI 2.10, 5.3): a header in sector 1, a copy in the last sector, entries beside each.

    octet   0   "EFI PART"                        40   first usable sector, 8
            8   revision, 4: 0x00010000           48   last usable sector, 8
           12   size of the header, 4             56   the disk's GUID, 16
           16   CRC-32 of the header, 4           72   sector of the entries, 8
           20   zeros, 4                          80   number of entries, 4
           24   the sector that this is, 8        84   size of an entry, 4
           32   the sector of the copy, 8         88   CRC-32 of all entries, 4

    entry   0   kind, a GUID; zeros: free         40   last sector, 8
           16   the partition's own GUID          48   attributes, 8; bit 2: an old BIOS may boot it
           32   first sector, 8                   56   name, 36 units of UTF-16

All little-endian; a GUID's first three parts too.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from fata.disk.partition import Partition, PartitionError, Wish, alignment, check_layout, lay_out
from fata.errors import ConfigError

HEADER = Struct("<8sIIII4Q16sQIII")
ENTRY = Struct("<16s16sQQQ72s")
MAGIC = b"EFI PART"
REVISION = 0x0001_0000
ENTRIES = 128  # what everybody makes
MOST_OCTETS = 1 << 20  # of entries that we read; everybody has 16 KiB
LEGACY_BOOT = 1 << 2
NAME = 72  # octets
PRIMARY = 1  # the sector of the first header


class Header(NamedTuple):
    """One of the two headers. `place` is the sector it stands in, `copy` the other's."""

    place: int
    copy: int
    first_usable: int
    last_usable: int
    identity: str  # the disk's GUID
    entries: int  # the sector where they begin
    rows: int  # entries, most of them free
    entry_size: int
    entries_crc: int

    def entry_sectors(self, sector_size: int) -> int:
        """Sectors that the entries fill."""
        return -(-self.rows * self.entry_size // sector_size)


def parse_header(sector: bytes, place: int, sectors: int) -> Header:
    """Read and check the header that stands in sector `place` of a disk of so many sectors. Raises PartitionError."""
    if len(sector) < HEADER.size:
        raise PartitionError(f"gpt: {len(sector)} octets, a header has {HEADER.size}")
    magic, revision, size, crc, _, own, copy, first, last, guid, entries, count, entry_size, entries_crc = (
        HEADER.unpack_from(sector)
    )
    if magic != MAGIC:
        raise PartitionError(f"gpt: sector {place} begins with {magic!r}, not {MAGIC!r}")
    if revision >> 16 != REVISION >> 16 or not HEADER.size <= size <= len(sector):
        raise PartitionError(f"gpt: revision {revision:#x} with a header of {size} octets is not known")
    if crc32(sector[:16] + bytes(4) + sector[20:size]) != crc:
        raise PartitionError(f"gpt: the header in sector {place} is damaged, its checksum is not {crc:#010x}")
    header = Header(own, copy, first, last, guid_text(guid), entries, count, entry_size, entries_crc)
    _check(header, place, sectors, len(sector))
    return header


def _check(header: Header, place: int, sectors: int, sector_size: int) -> None:
    """Refuse a header whose checksum is right and which cannot be."""
    size = header.entry_size
    if header.place != place:
        raise PartitionError(f"gpt: the header in sector {place} says that it is in sector {header.place}")
    if size < ENTRY.size or size & (size - 1) or not 0 < header.rows * size <= MOST_OCTETS:
        raise PartitionError(f"gpt: {header.rows} entries of {size} octets are not supported")
    end = header.entries + header.entry_sectors(sector_size)
    usable = range(header.first_usable, header.last_usable + 1)
    if header.entries < PRIMARY + 1 or end > sectors or header.entries <= place < end:
        raise PartitionError(f"gpt: entries in sectors {header.entries} to {end} cannot be, of {sectors} sectors")
    if header.last_usable >= sectors or header.first_usable > header.last_usable + 1:
        raise PartitionError(f"gpt: usable sectors {header.first_usable} to {header.last_usable} cannot be")
    if place in usable or header.entries in usable or end - 1 in usable:
        raise PartitionError("gpt: header or entries lie among the usable sectors")


def parse_entries(octets: bytes, header: Header) -> list[Partition]:
    """Read the entries, all octets of their sectors. Raises PartitionError."""
    size = header.rows * header.entry_size
    if len(octets) < size:
        raise PartitionError(f"gpt: {len(octets)} octets of entries, the header says {size}")
    if crc32(octets[:size]) != header.entries_crc:
        raise PartitionError(f"gpt: the entries are damaged, their checksum is not {header.entries_crc:#010x}")
    found = []
    for index in range(header.rows):
        kind, own, first, last, attributes, name = ENTRY.unpack_from(octets, index * header.entry_size)
        if any(kind):
            text = name.decode("utf-16-le", "replace").partition("\0")[0]
            guids = guid_text(kind), guid_text(own)
            bootable = bool(attributes & LEGACY_BOOT)
            found.append(Partition(index + 1, first, last + 1 - first, guids[0], text, bootable, guids[1]))
    check_layout(found, header.first_usable, header.last_usable + 1)
    return found


def plan(wishes: Sequence[Wish], sectors: int, sector_size: int) -> list[Partition]:
    """Place partitions. Raises ConfigError."""
    if len(wishes) > ENTRIES:
        raise ConfigError(f"{len(wishes)} partitions: a table has {ENTRIES}", remedy="Make fewer.")
    first, last = usable(sectors, sector_size)
    step = alignment(sector_size, sectors)
    return lay_out(wishes, sector_size, max(step, first), last + 1, step=step)


def usable(sectors: int, sector_size: int) -> tuple[int, int]:
    """Return the first and the last sector that partitions may have. Raises ConfigError if there is none."""
    table = ENTRIES * ENTRY.size // sector_size
    first, last = PRIMARY + 1 + table, sectors - table - 2
    if last < first:
        raise ConfigError(f"a disk of {sectors} sectors is too small for a GPT", remedy="Make an MBR instead.")
    return first, last


class Image(NamedTuple):
    """A table as octets: the entries, and each header with the places of both."""

    entries: bytes
    primary: Header
    backup: Header


def image(partitions: Sequence[Partition], identity: str, sectors: int, sector_size: int) -> Image:
    """Return the table of a disk. Each partition has its own GUID already. Raises ConfigError."""
    octets = bytearray(ENTRIES * ENTRY.size)
    for partition in partitions:
        if partition.number > ENTRIES:
            raise ConfigError(f"partition {partition.number}: a table has {ENTRIES}", remedy="Number them from 1.")
        name = partition.name.encode("utf-16-le")
        if len(name) > NAME:
            raise ConfigError(f"partition {partition.number}: the name is too long", remedy="36 characters are enough.")
        attributes = LEGACY_BOOT if partition.bootable else 0
        ENTRY.pack_into(
            octets, (partition.number - 1) * ENTRY.size, guid_octets(partition.kind),
            guid_octets(partition.identity), partition.first, partition.end - 1, attributes, name,
        )  # fmt: skip
    entries = bytes(octets)
    first, last = usable(sectors, sector_size)
    primary = Header(PRIMARY, sectors - 1, first, last, identity, 2, ENTRIES, ENTRY.size, crc32(entries))
    return Image(entries, primary, twin(primary, sectors, sector_size))


def twin(header: Header, sectors: int, sector_size: int) -> Header:
    """Return the header that stands at the other end of the disk and means the same. Raises PartitionError."""
    table = header.entry_sectors(sector_size)
    at_end = header.place == PRIMARY
    place = sectors - 1 if at_end else PRIMARY
    entries = place - table if at_end else PRIMARY + 1
    if entries <= header.last_usable if at_end else entries + table > header.first_usable:
        raise PartitionError(f"gpt: no room for the copy of {table} sectors at sector {entries}")
    return header._replace(place=place, copy=header.place, entries=entries)


def serialize_header(header: Header) -> bytes:
    """Return a header's 92 octets; zeros fill the rest of its sector."""
    place = header.place, header.copy, header.first_usable, header.last_usable
    tail = header.entries, header.rows, header.entry_size, header.entries_crc
    guid = guid_octets(header.identity)
    octets = HEADER.pack(MAGIC, REVISION, HEADER.size, 0, 0, *place, guid, *tail)
    return octets[:16] + crc32(octets).to_bytes(4, "little") + octets[20:]


def guid_text(octets: bytes) -> str:
    """Write a GUID's 16 octets as C12A7328-F81F-11D2-BA4B-00A0C93EC93B."""
    digits = _swapped(octets).hex().upper()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def guid_octets(text: str) -> bytes:
    """Read a GUID. Raises ConfigError."""
    try:
        octets = bytes.fromhex(text.replace("-", ""))
    except ValueError:
        octets = b""
    if len(octets) != 16:
        raise ConfigError(f"{text!r} is no GUID", remedy="Write it like C12A7328-F81F-11D2-BA4B-00A0C93EC93B.")
    return _swapped(octets)


def _swapped(octets: bytes) -> bytes:
    """Turn the first three parts around: they are little-endian."""
    return octets[3::-1] + octets[5:3:-1] + octets[7:5:-1] + octets[8:]
