"""The boot sector with the BIOS parameter block.

 0 jump[3]  oem[8]                                         (all numbers little-endian)
11 sector_size u16   13 sectors_per_cluster u8   14 reserved_sectors u16   16 fats u8
17 root_entries u16  19 sectors u16 (0: see 32)  21 media u8  22 fat_sectors u16 (0: FAT32)
24 sectors_per_track u16   26 heads u16   28 hidden_sectors u32   32 sectors u32
    FAT12, FAT16                              FAT32
36 drive u8  state u8  0x29  id u32        36 fat_sectors u32  flags u16  version u16  root_cluster u32
43 label[11]  kind[8]                      48 fsinfo_sector u16  backup_sector u16  zeros[12]
                                           64 drive u8  state u8  0x29  id u32  label[11]  kind[8]
510 0x55 0xAA
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from fata.disk.fat.errors import NotFat

SIZE = 512  # octets that are looked at, whatever the sector size
SECTOR_SIZES = (512, 1024, 2048, 4096)
MAX_CLUSTER = 65_536  # octets; 32 KiB by the specification, twice that in use
MAX_FATS = 4  # the specification allows any number; more than 2 has not been seen
NO_MIRROR = 0x80  # flags: only one FAT is kept up to date, its number is in the low 4 bits
DIRTY, FAILED = 0x01, 0x02  # state: as Linux and Windows use it
NO_LABEL = b"NO NAME    "
EXTENDED = 0x29  # id, label and kind are there

_COMMON = struct.Struct("<3s8sHBHBHHBHHHII")
_NARROW = struct.Struct("<BBBI11s8s")
_WIDE = struct.Struct("<IHHIHH12x")
_SIGNATURE = b"\x55\xaa"
_HALT = b"\xcd\x18\xeb\xfe"  # int 18h: "no boot device", then an endless loop


class BootSector(NamedTuple):
    """What the boot sector says. `wide` is the layout of FAT32; without it the fields of FAT32 are 0."""

    sector_size: int
    sectors_per_cluster: int
    reserved_sectors: int
    fats: int
    root_entries: int
    sectors: int
    media: int
    fat_sectors: int
    wide: bool
    flags: int = 0
    root_cluster: int = 0
    fsinfo_sector: int = 0
    backup_sector: int = 0
    state: int = 0
    volume_id: int = 0
    label: bytes = NO_LABEL
    kind: bytes = b"FAT     "
    oem: bytes = b"FATA    "
    hidden_sectors: int = 0
    sectors_per_track: int = 63
    heads: int = 255
    drive: int = 0x80


def parse(data: bytes) -> BootSector:
    """Read the first `SIZE` octets of a volume. Raises NotFat; what fits together is for `layout` to say."""
    if len(data) < SIZE:
        raise NotFat(f"the boot sector has {len(data)} octets, {SIZE} are needed")
    if data[510:512] != _SIGNATURE:
        raise NotFat(f"the boot sector ends with {data[510:512].hex()}, not 55aa")
    fields = _COMMON.unpack_from(data)
    _, oem, sector_size, per_cluster, reserved, fats, root_entries, few, media, fat_sectors = fields[:10]
    per_track, heads, hidden, many = fields[10:]
    wide = fat_sectors == 0
    flags = root = fsinfo = backup = 0
    if wide:
        fat_sectors, flags, _version, root, fsinfo, backup = _WIDE.unpack_from(data, 36)
    drive, state, extended, volume_id, label, kind = _NARROW.unpack_from(data, 64 if wide else 36)
    if extended != EXTENDED:
        volume_id, label, kind = 0, b"", b"FAT     "  # what stands there means something else
    volume = (sector_size, per_cluster, reserved, fats, root_entries, few or many, media, fat_sectors, wide)
    identity = (state, volume_id, label, kind, oem)
    return BootSector(*volume, flags, root, fsinfo, backup, *identity, hidden, per_track, heads, drive)


def serialize(boot: BootSector) -> bytes:
    """Write the sector's first `SIZE` octets; beyond them a larger sector is zeros."""
    few = boot.sectors < 0x10000 and not boot.wide
    extended = _NARROW.pack(boot.drive, boot.state, EXTENDED, boot.volume_id, boot.label, boot.kind)
    head = _COMMON.pack(
        b"\xeb\x58\x90" if boot.wide else b"\xeb\x3c\x90",
        boot.oem,
        boot.sector_size,
        boot.sectors_per_cluster,
        boot.reserved_sectors,
        boot.fats,
        boot.root_entries,
        boot.sectors if few else 0,
        boot.media,
        0 if boot.wide else boot.fat_sectors,
        boot.sectors_per_track,
        boot.heads,
        boot.hidden_sectors,
        0 if few else boot.sectors,
    )
    if boot.wide:
        head += _WIDE.pack(boot.fat_sectors, boot.flags, 0, boot.root_cluster, boot.fsinfo_sector, boot.backup_sector)
    return (head + extended + _HALT).ljust(510, b"\0") + _SIGNATURE


def state_offset(wide: bool) -> int:
    """Return the octet of the boot sector that holds DIRTY and FAILED."""
    return 65 if wide else 37


def label_offset(wide: bool) -> int:
    """Return where the label's 11 octets are in the boot sector."""
    return 71 if wide else 43
