"""Extents: values too large for a leaf, in runs of pages of their own.

The leaf holds a descriptor of 24 octets; it names the first of a chain of *tables*, nodes of kind 3 that list
the value's runs in order. A run is up to 64 KiB of neighbouring pages, the last one padded with zeros.

    descriptor   +--------+----------+-------------+----------+--------+
                 | length | reserved | generation  | address  | crc32  |   of the first table
                 +--------+----------+-------------+----------+--------+
                   u32      u32        u64           u32        u32

    table body   +-------------------------------------+-----------------------------------+----
                 | next: generation u64, address u32,  | run: address u32, octets u32,     | …
                 | crc32 u32 (all 0: none)             | crc32 of the octets u32           |
                 +-------------------------------------+-----------------------------------+----
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from fata.disk.btree.pointer import NOTHING, Pointer

DESCRIPTOR = Struct("<IIQII")
NEXT = Struct("<QII")
RUN = Struct("<III")
RUN_OCTETS = 65536  # octets of a value in one run, at most
VALUE_LIMIT = 2**32 - 1  # octets


class Extent(bytes):
    """A value's descriptor: 24 octets that stand in a leaf in place of the value."""

    __slots__ = ()

    @property
    def length(self) -> int:
        """Octets of the value."""
        return int.from_bytes(self[:4], "little")

    @property
    def table(self) -> Pointer:
        """Where the value's runs are listed."""
        _, _, generation, address, crc = DESCRIPTOR.unpack(self)
        return Pointer(address, generation, crc)

    @classmethod
    def describe(cls, length: int, table: Pointer) -> Extent:
        """Return the descriptor of a value."""
        return cls(DESCRIPTOR.pack(length, 0, table.generation, table.address, table.crc))


class Run(NamedTuple):
    """A piece of a value: `octets` of it from page `address` on, with their checksum."""

    address: int
    octets: int
    crc: int


class Table(NamedTuple):
    """A piece of a value's list of runs, and where the list goes on."""

    runs: list[Run]
    next: Pointer


def runs_in_table(node_size: int) -> int:
    """Return how many runs one table lists."""
    return (node_size - 32 - NEXT.size) // RUN.size


def table_body(table: Table) -> list[bytes]:
    """Return a table's body, for `node.seal`."""
    following = table.next
    return [
        NEXT.pack(following.generation, following.address, following.crc),
        *(RUN.pack(*run) for run in table.runs),
    ]


def table_entries(data: bytes, count: int) -> Table:
    """Return a table from a node whose checksum is right. Raises struct's error if it does not fit."""
    generation, address, crc = NEXT.unpack_from(data, 32)
    start = 32 + NEXT.size
    runs = [Run(*RUN.unpack_from(data, start + index * RUN.size)) for index in range(count)]
    return Table(runs, Pointer(address, generation, crc) if address else NOTHING)
