"""A directory's octets as entries with their long names, and what in them belongs to nobody."""

from __future__ import annotations

from typing import NamedTuple

from fata.disk.fat import entry, long_name
from fata.disk.fat.entry import Entry


class Found(NamedTuple):
    """An entry: `slot` is the short one's number, the long name's parts lie in those from `first` on."""

    first: int
    slot: int
    entry: Entry
    long: str | None


class Slots(NamedTuple):
    """What a directory holds."""

    found: list[Found]
    orphans: list[int]  # slots with parts of long names that belong to no entry
    end: int  # the first slot that nothing has ever been in


def scan(content: bytes | bytearray) -> Slots:
    """Read a directory. No octets are refused; "." and ".." and labels are among what is found."""
    found: list[Found] = []
    orphans: list[int] = []
    parts_from = -1  # the first slot of a run of parts; -1 outside
    count = len(content) // entry.SIZE
    for slot in range(count):
        at = slot * entry.SIZE
        kind = content[at]
        if kind == entry.END:
            count = slot
            break
        if kind == entry.DELETED:
            if parts_from >= 0:
                orphans += range(parts_from, slot)
                parts_from = -1
        elif content[at + 11] & 0x3F == entry.LONG_NAME:
            if parts_from < 0:
                parts_from = slot
        else:
            short = entry.parse(content, at)
            first, name = (slot, None) if parts_from < 0 else _name(content, parts_from, slot, short)
            if parts_from >= 0:
                orphans += range(parts_from, first)
            found.append(Found(first, slot, short, name))
            parts_from = -1
    if parts_from >= 0:
        orphans += range(parts_from, count)
    return Slots(found, orphans, count)


def _name(content: bytes | bytearray, start: int, slot: int, short: Entry) -> tuple[int, str | None]:
    """Return the first slot of the long name that ends before `slot`, and the name."""
    tie = long_name.checksum(short.name)
    size = entry.SIZE
    for number in range(1, long_name.MAX_PARTS + 1):
        at = (slot - number) * size
        if slot - number < start or not long_name.belongs(content[at : at + size], number, tie):
            break
        if content[at] & long_name.LAST:
            name = long_name.join(bytes(content[at : slot * size]))
            return (slot - number, name) if name is not None else (slot, None)
    return slot, None
