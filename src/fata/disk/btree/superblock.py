"""The superblock: one sector from which everything is found. `docs/spec/btree.md` section 2 has the picture."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple
from zlib import crc32

from fata.disk.btree.corrupt import Corrupt
from fata.disk.btree.node import NODE_SIZES
from fata.disk.btree.pointer import Pointer

SIZE = 512  # octets: the smallest sector there is, so that it never tears
MAGIC = b"fata-bt\n"
VERSION = 1

_FIELDS = Struct("<8sHBBIII16sQQIIHxxQQIQIQIBxxxIQI")
_CRC = Struct("<I")


class Superblock(NamedTuple):
    """What a checkpoint publishes. Pages are `node_size` octets."""

    node_size: int
    level: int  # of the root; 0 while the root is a leaf
    compatible: int  # feature flags that a reader and a writer may ignore
    read_compatible: int  # flags that a reader may ignore, a writer may not
    incompatible: int  # flags that nobody may ignore
    uuid: bytes
    generation: int
    pages: int  # of the device
    log_start: int  # page
    log_pages: int
    log_sector: int  # octets
    log_tail: int  # sector position from which the log is replayed
    log_reach: int  # sector position that the replay must reach: the tree holds changes up to there
    log_previous: int  # CRC of the record before the tail
    incarnation: int  # of the log: of records written from now on
    root: Pointer
    snapshots: Pointer  # table of named snapshots; address 0: none

    @property
    def tag(self) -> int:
        """What nodes and records carry of the UUID."""
        return crc32(self.uuid)


def serialize(superblock: Superblock) -> bytes:
    """Return the superblock's 512 octets."""
    one = superblock
    data = _FIELDS.pack(
        MAGIC,
        VERSION,
        one.node_size.bit_length() - 1,
        one.level,
        one.compatible,
        one.read_compatible,
        one.incompatible,
        one.uuid,
        one.generation,
        one.pages,
        one.log_start,
        one.log_pages,
        one.log_sector,
        one.log_tail,
        one.log_reach,
        one.log_previous,
        one.incarnation,
        one.root.address,
        one.root.generation,
        one.root.crc,
        one.root.flags,
        one.snapshots.address,
        one.snapshots.generation,
        one.snapshots.crc,
    )
    data += bytes(SIZE - _CRC.size - len(data))
    return data + _CRC.pack(crc32(data))


def parse(data: bytes, place: int) -> Superblock:
    """Return the superblock; raise `Corrupt` (at page `place`) for any other octets."""
    if len(data) < SIZE or data[:8] != MAGIC:
        raise Corrupt("superblock", place, "no B-tree begins here")
    if _CRC.unpack_from(data, SIZE - 4)[0] != crc32(memoryview(data)[: SIZE - 4]):
        raise Corrupt("superblock", place, "its checksum is wrong")
    fields = _FIELDS.unpack_from(data)
    if fields[1] != VERSION:
        raise Corrupt("superblock", place, f"it has version {fields[1]}, this program knows {VERSION}")
    size = 1 << min(fields[2], 32)
    if size not in NODE_SIZES:
        raise Corrupt("superblock", place, f"nodes of {size} octets do not exist")
    return Superblock._make((size, *fields[3:17], Pointer(*fields[17:21]), Pointer(*fields[21:])))
