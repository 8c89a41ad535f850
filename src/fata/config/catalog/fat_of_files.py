"""fat_of_files: a FAT volume of a folder, baked into the image."""

from __future__ import annotations

from fata.config.impl import Asset, Entry, Impl, device
from fata.config.keys import Key
from fata.config.offer import Offer
from fata.device.block import Block

ENTRY = Entry(
    "fat_of_files",
    Block,
    {"*": "fata.driver.block.memory_image:MemoryImage"},
    "A FAT volume of the files of a folder, as a disk that is baked into the image.",
)


def fat_of_files(folder: str | Key[str], *, name: str | None = None) -> Impl[Block]:
    """Return a disk that can be read, which holds a FAT volume of `folder` (relative to config.py)."""
    made: Impl[Block] = device(ENTRY, name=name, data=Asset("fata.blocking.fat_image:pack", folder, ".fat"))
    return made


OFFER = Offer(fat_of_files, ENTRY)
