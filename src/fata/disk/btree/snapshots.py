"""The table of named snapshots: a node of kind 4.

body   +---------------+-------------+----------+----------+-------+-------+------+---- ----+----
       | generation    | root        | root     | root     | root  | root  | name | name    | … next entry
       | u64           | gen. u64    | addr u32 | crc u32  | flags | level | u16  | (UTF-8) |
       +---------------+-------------+----------+----------+-------+-------+------+---- ----+----
"""

from __future__ import annotations

from struct import Struct, error
from typing import NamedTuple

from fata.disk.btree.pointer import Pointer

ENTRY = Struct("<QQIIBBH")
NAME_LIMIT = 255  # octets


class SnapshotEntry(NamedTuple):
    """A named snapshot: the tree as the superblock of `generation` had it."""

    name: str
    generation: int
    level: int
    root: Pointer


def snapshot_body(entries: list[SnapshotEntry]) -> list[bytes]:
    """Return the table's body, for `node.seal`."""
    body = []
    for entry in entries:
        name, root = entry.name.encode(), entry.root
        body.append(
            ENTRY.pack(entry.generation, root.generation, root.address, root.crc, root.flags, entry.level, len(name))
        )
        body.append(name)
    return body


def snapshot_entries(data: bytes, count: int) -> list[SnapshotEntry]:
    """Return the entries of a node whose checksum is right. Raises struct's error or UnicodeDecodeError."""
    entries, offset = [], 32
    for _ in range(count):
        generation, root_generation, address, crc, flags, level, length = ENTRY.unpack_from(data, offset)
        offset += ENTRY.size
        name = data[offset : offset + length]
        if len(name) < length:
            raise error
        offset += length
        entries.append(SnapshotEntry(name.decode(), generation, level, Pointer(address, root_generation, crc, flags)))
    return entries
