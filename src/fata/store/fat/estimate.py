"""How large a volume has to be for the files that it is made of."""

from __future__ import annotations

from fata.disk.fat.plan import Wish

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

LEAST = 1 << 20  # octets of an image
MOST_ROOT_ENTRIES = 65_520  # 16 bits, in whole sectors
UNITS = 13  # of UTF-16 in a slot of a long name
_CLUSTER = 4096  # octets: what a file or directory takes at least, on the safe side
_SLOTS = 23 * 32  # octets of a directory entry with the longest name


def root_entries_for(names: Iterable[str]) -> int:
    """Return how many slots a root of FAT12 or FAT16 needs for these names, which cannot grow, with some to spare."""
    needed = sum(1 + -(-len(name.encode("utf-16-le", "surrogatepass")) // (2 * UNITS)) for name in names)
    return min(max(Wish().root_entries, needed + needed // 8), MOST_ROOT_ENTRIES)


def octets_for(sizes: Iterable[int], directories: int = 0) -> int:
    """Return octets of a volume that holds files of these sizes, with room to spare; a multiple of 1 MiB."""
    content = sum(-(-size // _CLUSTER) * _CLUSTER + _SLOTS for size in sizes) + directories * (_CLUSTER + _SLOTS)
    needed = content + content // 50 + LEAST // 2  # the FATs take 2 entries of at most 4 octets a cluster of 512
    return -(-needed // LEAST) * LEAST
