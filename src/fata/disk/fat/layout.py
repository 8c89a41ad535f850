"""Where the parts of a volume lie, in octets from its beginning.

| reserved: boot sector, FSInfo, backups | FAT | FAT ... | root (FAT12, FAT16) | clusters 2, 3, ... |
"""

from __future__ import annotations

from typing import NamedTuple

from fata.disk.fat.boot import MAX_CLUSTER, MAX_FATS, NO_MIRROR, SECTOR_SIZES, BootSector
from fata.disk.fat.errors import NotFat

SLOT = 32  # octets of a directory entry
FIRST_CLUSTER = 2
MAX_CLUSTERS = {12: 4084, 16: 65_524, 32: 0x0FFF_FFF5}  # the type is a matter of the number of clusters alone


class Layout(NamedTuple):
    """A volume's shape. `clusters` are numbered from 2; offsets and sizes are octets."""

    bits: int  # of a FAT entry: 12, 16 or 32
    sector_size: int
    cluster_size: int
    clusters: int
    fat_offset: int  # of the first FAT
    fat_size: int
    fats: int
    active: int  # the FAT that is believed
    mirrored: bool  # whether the others are kept equal
    root_offset: int
    root_size: int  # 0 for FAT32, whose root is a chain
    root_cluster: int  # 0 unless FAT32
    data_offset: int
    size: int
    fsinfo_offset: int  # 0 where there is none
    backup_offset: int  # of the copy of the boot sector; 0 where there is none

    @property
    def last_cluster(self) -> int:
        """The highest cluster number."""
        return self.clusters + 1

    def offset_of(self, cluster: int) -> int:
        """Return where a cluster lies."""
        return self.data_offset + (cluster - FIRST_CLUSTER) * self.cluster_size


def layout(boot: BootSector) -> Layout:
    """Work out the shape, or raise NotFat: afterwards every part lies inside the volume and none meets another."""
    _check_fields(boot)
    sector = boot.sector_size
    root_size = boot.root_entries * SLOT
    if root_size % sector:
        raise NotFat(f"{boot.root_entries} root entries are no whole number of {sector}-octet sectors")
    fat_size = boot.fat_sectors * sector
    fat_offset = boot.reserved_sectors * sector
    root_offset = fat_offset + boot.fats * fat_size
    data_offset = root_offset + root_size
    size = boot.sectors * sector
    cluster_size = boot.sectors_per_cluster * sector
    clusters = max(size - data_offset, 0) // cluster_size
    bits = _bits(boot, clusters)
    if (clusters + FIRST_CLUSTER) * bits > fat_size * 8:
        raise NotFat(f"a FAT of {fat_size} octets is too small for {clusters} clusters")
    active = boot.flags & 0x0F if boot.flags & NO_MIRROR else 0
    if active >= boot.fats:
        raise NotFat(f"FAT {active} is the active one of {boot.fats}")
    if boot.wide and not FIRST_CLUSTER <= boot.root_cluster < clusters + FIRST_CLUSTER:
        raise NotFat(f"the root is cluster {boot.root_cluster} of {clusters}")
    return Layout(
        bits,
        sector,
        cluster_size,
        clusters,
        fat_offset,
        fat_size,
        boot.fats,
        active,
        not boot.flags & NO_MIRROR,
        root_offset,
        root_size,
        boot.root_cluster,
        data_offset,
        size,
        _within(boot.fsinfo_sector, boot),
        _within(boot.backup_sector, boot),
    )


def _within(sector: int, boot: BootSector) -> int:
    """Return the offset of a reserved sector; 0 if there is none there (0xFFFF, or a number that cannot be)."""
    return sector * boot.sector_size if boot.wide and 0 < sector < boot.reserved_sectors else 0


def _check_fields(boot: BootSector) -> None:
    if boot.sector_size not in SECTOR_SIZES:
        raise NotFat(f"sectors of {boot.sector_size} octets")
    per_cluster = boot.sectors_per_cluster
    if per_cluster == 0 or per_cluster & (per_cluster - 1) or per_cluster * boot.sector_size > MAX_CLUSTER:
        raise NotFat(f"clusters of {per_cluster} sectors of {boot.sector_size} octets")
    if not 1 <= boot.fats <= MAX_FATS:
        raise NotFat(f"{boot.fats} FATs")
    if boot.reserved_sectors == 0 or boot.fat_sectors == 0:
        raise NotFat(f"{boot.reserved_sectors} reserved sectors and {boot.fat_sectors} sectors a FAT")
    if boot.media < 0xF8 and boot.media != 0xF0:
        raise NotFat(f"medium {boot.media:#x}")
    if boot.wide == bool(boot.root_entries):
        raise NotFat(
            f"{boot.root_entries} entries in the root of a {'FAT32' if boot.wide else 'FAT12 or FAT16'} volume"
        )


def _bits(boot: BootSector, clusters: int) -> int:
    if clusters == 0:
        raise NotFat("no cluster fits on the volume")
    # A small FAT32 volume, which the specification forbids, is what mkfs.fat -F 32 makes of a small disk.
    bits = 32 if boot.wide else 12 if clusters <= MAX_CLUSTERS[12] else 16
    if clusters > MAX_CLUSTERS[bits]:
        raise NotFat(f"{clusters} clusters are too many for FAT{bits}")
    return bits
