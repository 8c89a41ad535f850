"""ramdisk: a disk in memory."""

from __future__ import annotations

from fata.config.impl import Entry, Impl, device
from fata.config.keys import Key
from fata.config.offer import Offer
from fata.device.block import Block

ENTRY = Entry(
    "ramdisk",
    Block,
    {"*": "fata.driver.block.ramdisk:RamDisk"},
    "A disk in memory, zeros at the start and gone at the end.",
)


def ramdisk(
    sectors: int | Key[int] = 2048,
    *,
    sector_size: int = 512,
    read_only: bool = False,
    name: str | None = None,
) -> Impl[Block]:
    """Return a disk of `sectors` sectors of `sector_size` octets in memory."""
    made: Impl[Block] = device(ENTRY, name=name, sectors=sectors, sector_size=sector_size, read_only=read_only)
    return made


OFFER = Offer(ramdisk, ENTRY)
