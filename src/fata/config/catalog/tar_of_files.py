"""tar_of_files: a tar archive of a folder, baked into the image."""

from __future__ import annotations

from fata.config.impl import Asset, Entry, Impl, device
from fata.config.keys import Key
from fata.config.offer import Offer
from fata.device.block import Block

ENTRY = Entry(
    "tar_of_files",
    Block,
    {"*": "fata.driver.block.memory_image:MemoryImage"},
    "A tar archive of the files of a folder, as a disk that is baked into the image.",
)


def tar_of_files(folder: str | Key[str], *, name: str | None = None) -> Impl[Block]:
    """Return a disk that can be read, which holds a tar archive of `folder` (relative to config.py)."""
    made: Impl[Block] = device(ENTRY, name=name, data=Asset("fata.driver.kv.tar_pack:pack", folder, ".tar"))
    return made


OFFER = Offer(tar_of_files, ENTRY)
