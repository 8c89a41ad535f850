"""The shape of a disk, and what it refuses: the same words from every driver."""

from __future__ import annotations

from fata.errors import ConfigError, StateError

SECTOR_SIZES = (512, 1024, 2048, 4096)  # octets, the contract of Block.sector_size


class Geometry:
    """`sectors` sectors of `sector_size` octets; turns sector numbers into octets, or refuses them."""

    __slots__ = ("read_only", "sector_size", "sectors")

    def __init__(self, sectors: int, sector_size: int, read_only: bool) -> None:
        check_sector_size(sector_size)
        if sectors < 0:
            raise ConfigError(f"a disk cannot have {sectors} sectors", remedy="Give a number from 0 on.")
        self.sectors = sectors
        self.sector_size = sector_size
        self.read_only = read_only

    @property
    def octets(self) -> int:
        """Octets on the disk."""
        return self.sectors * self.sector_size

    def span(self, sector: int, count: int) -> tuple[int, int]:
        """Return where `count` sectors begin and end, in octets. StateError if they are not all on the disk."""
        if sector < 0 or count < 0 or sector + count > self.sectors:
            raise StateError(f"{count} sectors from {sector} on: outside a disk of {self.sectors} sectors")
        return sector * self.sector_size, (sector + count) * self.sector_size

    def writable_span(self, sector: int, octets: int) -> tuple[int, int]:
        """Return where `octets` octets, to be written from `sector` on, begin and end. StateError if they cannot be."""
        if self.read_only:
            raise StateError(f"sector {sector}: the disk is read-only")
        count, rest = divmod(octets, self.sector_size)
        if rest:
            raise StateError(f"{octets} octets at sector {sector}: no whole number of {self.sector_size}-octet sectors")
        return self.span(sector, count)


class Shaped:
    """What a Block says of its shape, for drivers that keep a `Geometry`."""

    _geometry: Geometry

    @property
    def sector_size(self) -> int:
        """Octets in a sector."""
        return self._geometry.sector_size

    @property
    def sectors(self) -> int:
        """Sectors on the disk."""
        return self._geometry.sectors

    @property
    def read_only(self) -> bool:
        """Whether writing is refused."""
        return self._geometry.read_only


def check_sector_size(sector_size: int) -> None:
    """Refuse what the contract does not allow, with a ConfigError."""
    if sector_size not in SECTOR_SIZES:
        sizes = ", ".join(map(str, SECTOR_SIZES))
        raise ConfigError(f"a sector cannot have {sector_size} octets", remedy=f"Use one of {sizes}.")


def octets_of(data: bytes | bytearray | memoryview) -> memoryview:
    """Return the data as a view of single octets, copied only if it does not lie in one piece."""
    view = memoryview(data)
    return (view if view.c_contiguous else memoryview(bytes(view))).cast("B")
