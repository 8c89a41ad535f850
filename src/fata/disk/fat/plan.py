"""Choosing the shape of a new volume."""

from __future__ import annotations

from typing import NamedTuple

from fata.disk.fat.boot import NO_LABEL, SECTOR_SIZES, BootSector
from fata.disk.fat.layout import MAX_CLUSTERS, SLOT
from fata.disk.fat.short_name import CODE_PAGE
from fata.errors import ConfigError

MAX_CLUSTER = 32_768  # octets; more is an extension that not everybody reads
# mkfs.fat stays a few clusters away from the borders between the types, since some systems count wrongly.
MIN_CLUSTERS = {12: 1, 16: 4087, 32: 65_529}
_SMALL, _LARGE = 8 << 20, 512 << 20  # octets: below FAT12, from here on FAT32
_ROOT_ENTRIES = 512
_RESERVED = {12: 1, 16: 1, 32: 32}  # sectors
_FSINFO, _BACKUP = 1, 6  # sectors of FAT32
_FORBIDDEN = frozenset('"*+,./:;<=>?[\\]|')


class Wish(NamedTuple):
    """What somebody asks of a new volume; None is "choose"."""

    bits: int | None = None
    sector_size: int = 512
    cluster_size: int | None = None
    label: str = ""
    volume_id: int = 0
    fats: int = 2
    root_entries: int = _ROOT_ENTRIES
    undersized: bool = False  # FAT32 with fewer clusters than the specification wants: for tests and small disks


def plan(octets: int, wish: Wish) -> BootSector:
    """Return the boot sector of a volume of `octets` octets. Raises ConfigError with a remedy."""
    if wish.sector_size not in SECTOR_SIZES:
        raise ConfigError(f"a sector cannot have {wish.sector_size} octets", remedy="Use 512, 1024, 2048 or 4096.")
    sectors = min(octets // wish.sector_size, 0xFFFF_FFFF)
    bits = wish.bits or (12 if octets < _SMALL else 16 if octets < _LARGE else 32)
    if bits not in MAX_CLUSTERS:
        raise ConfigError(f"there is no FAT{bits}", remedy="Use 12, 16 or 32.")
    for size in _cluster_sizes(octets, bits, wish):
        boot = _shape(sectors, bits, size // wish.sector_size, wish)
        if boot is not None:
            return boot
    given = f" with clusters of {wish.cluster_size:,} octets" if wish.cluster_size else ""
    raise ConfigError(
        f"{octets:,} octets cannot be FAT{bits}{given}",
        remedy="Choose another type or cluster size: FAT12 has up to 4,084 clusters, FAT16 up to 65,524, FAT32 more.",
    )


def label_of(text: str) -> bytes:
    """Return a label's 11 octets. Raises ConfigError."""
    upper = text.upper()
    octets = upper.encode(CODE_PAGE, "replace")
    if len(octets) > 11 or b"?" in octets or not _FORBIDDEN.isdisjoint(upper) or any(octet < 32 for octet in octets):
        raise ConfigError(f"{text!r} is no label", remedy="Use at most 11 letters, digits and signs such as - and _.")
    return octets.ljust(11)


def _cluster_sizes(octets: int, bits: int, wish: Wish) -> list[int]:
    if wish.cluster_size is not None:
        size = wish.cluster_size
        if size & (size - 1) or not wish.sector_size <= size <= MAX_CLUSTER:
            raise ConfigError(
                f"a cluster cannot have {size} octets",
                remedy=f"Use a power of two from {wish.sector_size} to {MAX_CLUSTER}.",
            )
        return [size]
    usual = 4096 if bits == 32 and octets > 260 << 20 else 512
    while bits == 32 and usual < MAX_CLUSTER and octets // usual > 2 << 20:
        usual *= 2
    sizes = [size << shift for shift in range(8) if (size := wish.sector_size) << shift <= MAX_CLUSTER]
    return [size for size in sizes if size >= usual] + [size for size in reversed(sizes) if size < usual]


def _shape(sectors: int, bits: int, per_cluster: int, wish: Wish) -> BootSector | None:
    """Return the boot sector for a cluster size; None if the number of clusters is wrong for the type."""
    root_entries = 0 if bits == 32 else -(-wish.root_entries * SLOT // wish.sector_size) * wish.sector_size // SLOT
    overhead = _RESERVED[bits] + root_entries * SLOT // wish.sector_size
    available = sectors - overhead
    fat_sectors = clusters = 0
    for _ in range(8):  # a larger FAT leaves fewer clusters, which need a smaller one: it comes to rest at once
        clusters = max(available - wish.fats * fat_sectors, 0) // per_cluster
        needed = -(-(clusters + 2) * bits // (8 * wish.sector_size))
        if needed <= fat_sectors:
            break
        fat_sectors = needed if fat_sectors == 0 else fat_sectors + 1
    least = 1 if wish.undersized else MIN_CLUSTERS[bits]
    if not least <= clusters <= MAX_CLUSTERS[bits] or (bits != 32 and fat_sectors > 0xFFFF):
        return None
    return BootSector(
        wish.sector_size,
        per_cluster,
        _RESERVED[bits],
        wish.fats,
        root_entries,
        sectors,
        0xF8,
        fat_sectors,
        bits == 32,
        root_cluster=2 if bits == 32 else 0,
        fsinfo_sector=_FSINFO if bits == 32 else 0,
        backup_sector=_BACKUP if bits == 32 else 0,
        volume_id=wish.volume_id,
        label=label_of(wish.label) if wish.label else NO_LABEL,
        kind=f"FAT{bits}   ".encode("ascii"),
    )
