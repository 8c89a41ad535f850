"""The master boot record: four partitions in the first sector, and a chain of further ones in one of them.

    octet    0   boot code
           440   disk signature, 4 octets, little-endian; 2 octets of zeros
           446   4 entries of 16 octets:
                   0   status: 0x80 active, 0x00 not
                   1   first sector as cylinder, head, sector; nobody reads it any more
                   4   kind; 0x00: the entry is free; 0x05, 0x0f, 0x85: an extended partition; 0xee: the disk has a GPT
                   5   last sector likewise
                   8   first sector, 4 octets    } little-endian, in sectors of the disk
                  12   number of sectors, 4 octets }
           510   0x55 0xaa

An extended partition begins with such a sector too (an EBR): its first entry is a logical partition, counted from that
sector; its second the next EBR, counted from the extended partition's beginning.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from struct import Struct
from typing import NamedTuple

from fata.disk.partition import Partition, PartitionError, Wish, alignment, check_layout, lay_out
from fata.errors import ConfigError

ENTRY = Struct("<B3sB3sII")
TABLE, SIGNATURE, END = 446, 440, 512  # octets
MAGIC = b"\x55\xaa"
EXTENDED = frozenset({0x05, 0x0F, 0x85})
EXTENDED_LBA = 0x0F
PROTECTIVE = 0xEE
ACTIVE = 0x80
MOST_LOGICAL = 128  # EBRs that are followed; Linux stops at 256 partitions
LARGEST = 0xFFFF_FFFF  # sectors
HEADS, TRACK = 255, 63  # the geometry that every BIOS pretends


class Entry(NamedTuple):
    """One of the four rows; sectors as they are written, not yet added up."""

    active: bool
    kind: int
    first: int
    sectors: int


class Record(NamedTuple):
    """A boot record's table."""

    signature: int
    entries: tuple[Entry, ...]


Walk = Generator[int, bytes, list[Partition]]
"""Yields the number of a sector that it wants to see, is sent its octets, and returns the partitions."""


def parse(sector: bytes) -> Record:
    """Read a boot record from the first 512 octets of a sector. Raises PartitionError."""
    if len(sector) < END:
        raise PartitionError(f"mbr: {len(sector)} octets, a boot record has {END}")
    if sector[END - 2 : END] != MAGIC:
        raise PartitionError(f"mbr: ends with {sector[END - 2 : END].hex()}, not {MAGIC.hex()}: no partition table")
    entries = []
    for at in range(TABLE, END - 2, ENTRY.size):
        status, _, kind, _, first, sectors = ENTRY.unpack_from(sector, at)
        if status & 0x7F:
            raise PartitionError(f"mbr: status {status:#04x} at octet {at} is neither 0x00 nor 0x80")
        entries.append(Entry(bool(status), kind, first, sectors))
    return Record(int.from_bytes(sector[SIGNATURE : SIGNATURE + 4], "little"), tuple(entries))


def is_protective(record: Record) -> bool:
    """Say whether the record only keeps old programs off a GPT."""
    return any(entry.kind == PROTECTIVE for entry in record.entries)


def walk(sectors: int) -> Walk:
    """Find the partitions of a disk of so many sectors. Raises PartitionError."""
    record = parse((yield 0))
    found = []
    extended: list[Entry] = []
    for number, entry in enumerate(record.entries, 1):
        if entry.kind in EXTENDED:
            extended.append(entry)
        elif entry.kind:
            found.append(_partition(number, entry, 0))
    for each in extended:
        whole = Partition(4, each.first, each.sectors, f"{each.kind:02x}")
        check_layout([*found, whole], 1, sectors)
        found += yield from _logical(each, 5 + sum(partition.number > 4 for partition in found))
    check_layout(found, 1, sectors)
    return found


def _logical(extended: Entry, number: int) -> Walk:
    """Follow the chain of EBRs; it must stay inside the extended partition and come to an end."""
    found: list[Partition] = []
    seen: set[int] = set()
    position = extended.first
    while position not in seen and len(seen) < MOST_LOGICAL:
        seen.add(position)
        data, link = parse((yield position)).entries[:2]
        if data.kind and data.kind not in EXTENDED:
            partition = _partition(number + len(found), data, position)
            check_layout([partition], extended.first + 1, extended.first + extended.sectors)
            found.append(partition)
        if link.kind not in EXTENDED:
            return found
        position = extended.first + link.first
        if position >= extended.first + extended.sectors:
            raise PartitionError(f"mbr: the chain of logical partitions leads out, to sector {position}")
    raise PartitionError(f"mbr: the chain of logical partitions does not end after {len(seen)} links")


def _partition(number: int, entry: Entry, base: int) -> Partition:
    return Partition(number, base + entry.first, entry.sectors, f"{entry.kind:02x}", bootable=entry.active)


def plan(wishes: Sequence[Wish], sectors: int, sector_size: int) -> list[Partition]:
    """Place partitions: up to four primary ones, or three and the others logical. Raises ConfigError."""
    end = min(sectors, LARGEST)
    step = alignment(sector_size, end)
    if len(wishes) <= 4:
        return lay_out(wishes, sector_size, step, end, step=step)
    if any(wish.octets is None for wish in wishes[:3]):
        raise ConfigError("only the last partition can have all that is left", remedy="Give the others a size.")
    primary = lay_out(wishes[:3], sector_size, step, end, step=step)
    # Each logical partition has its EBR one step before it.
    logical = lay_out(wishes[3:], sector_size, primary[-1].end, end, step=step, gap=step)
    return [*primary, *(partition._replace(number=partition.number + 4) for partition in logical)]


def serialize(partitions: Sequence[Partition], signature: int, *, sector_size: int, sectors: int) -> dict[int, bytes]:
    """Return 512 octets for each sector that gets a boot record, sector 0 last; its boot code is zeros.

    Logical partitions (5, 6 …) must ascend and have a step of `alignment` before them. Raises ConfigError.
    """
    primary = [partition for partition in partitions if partition.number <= 4]
    logical = [partition for partition in partitions if partition.number > 4]
    rows: dict[int, bytes] = {partition.number: _row(partition, 0) for partition in primary}
    records: dict[int, bytes] = {}
    if logical:
        step = alignment(sector_size, min(sectors, LARGEST))
        places = [partition.first - step for partition in logical]
        number = next((number for number in range(1, 5) if number not in rows), 0)
        if not number:
            raise ConfigError("four primary partitions leave no row for logical ones", remedy="Make it three.")
        whole = Partition(number, places[0], logical[-1].end - places[0], f"{EXTENDED_LBA:02x}")
        rows[number] = _row(whole, 0)
        records = dict(_chain(logical, places, whole))
    table = b"".join(rows.get(number, bytes(ENTRY.size)) for number in range(1, 5))
    records[0] = bytes(SIGNATURE) + signature.to_bytes(4, "little") + b"\0\0" + table + MAGIC
    return records


def _chain(logical: Sequence[Partition], places: Sequence[int], whole: Partition) -> Iterator[tuple[int, bytes]]:
    for index, (partition, place) in enumerate(zip(logical, places, strict=True)):
        rows = _row(partition, place)
        if index + 1 < len(logical):
            next_place = places[index + 1]
            link = Partition(0, next_place, logical[index + 1].end - next_place, "05")
            rows += _row(link, whole.first)
        yield place, bytes(TABLE) + rows.ljust(4 * ENTRY.size, b"\0") + MAGIC


def _row(partition: Partition, base: int) -> bytes:
    if partition.end - 1 > LARGEST:
        raise ConfigError(f"partition {partition.number} ends beyond sector {LARGEST}", remedy="Make a GPT instead.")
    status = ACTIVE if partition.bootable else 0
    first, last = _cylinder(partition.first), _cylinder(partition.end - 1)
    return ENTRY.pack(status, first, int(partition.kind, 16), last, partition.first - base, partition.sectors)


def _cylinder(sector: int) -> bytes:
    """Write a sector as cylinder, head, sector; as the last one there is when it lies beyond."""
    cylinder, rest = divmod(sector, HEADS * TRACK)
    head, number = divmod(rest, TRACK)
    if cylinder > 1023:
        cylinder, head, number = 1023, HEADS - 1, TRACK - 1
    return bytes((head, number + 1 | cylinder >> 2 & 0xC0, cylinder & 0xFF))


def protective(sectors: int) -> bytes:
    """Return the boot record that stands before a GPT (UEFI 2.10, 5.2.3)."""
    size = min(sectors - 1, LARGEST)
    row = ENTRY.pack(0, _cylinder(1), PROTECTIVE, _cylinder(size), 1, size)
    return bytes(TABLE) + row.ljust(4 * ENTRY.size, b"\0") + MAGIC
