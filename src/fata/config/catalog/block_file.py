"""block_file: a disk image."""

from __future__ import annotations

from fata.config.impl import Entry, HostPath, Impl, device
from fata.config.keys import REQUIRED, Key, prefixed
from fata.config.offer import Offer
from fata.config.value import TEXT
from fata.config.where import caller
from fata.device.block import Block

ENTRY = Entry(
    "block_file",
    Block,
    {"unix": "fata.driver.block.file:open_file_block"},
    "A disk image or a block device of the host; `flush` reaches the medium.",
)


def block_file(
    image: str | Key[str] | None = None,
    *,
    sector_size: int = 512,
    read_only: bool = False,
    create_sectors: int | Key[int] = 0,
    name: str | None = None,
) -> Impl[Block]:
    """Return a disk in a file of the host (relative to config.py).

    Without `image` it is the key `--image`, or `--NAME-image`. With `create_sectors` a file that is missing or empty
    is made that large; it is sparse: what was never written, or was discarded, takes no room.
    """
    if image is None:
        owner = f"block_file(sector_size={sector_size}, read_only={read_only})"  # unequal disks may not share a key
        image = Key(prefixed(name, "image"), TEXT, REQUIRED, "disk image or block device", owner=owner, where=caller())
    more = {"create_sectors": create_sectors} if create_sectors else {}
    made: Impl[Block] = device(
        ENTRY, name=name, path=HostPath(image), sector_size=sector_size, read_only=read_only, **more
    )
    return made


def _from_path(path: Key[str]) -> Impl[Block]:
    return block_file(path)


OFFER = Offer(block_file, ENTRY, from_path=_from_path)
