"""fat_kv and fat_kv_ro: a FAT volume on a disk."""

from __future__ import annotations

from fata.config.catalog.clock import clock as default_clock
from fata.config.impl import Entry, Impl, device
from fata.config.offer import Offer
from fata.device.block import Block
from fata.device.clock import WallClock
from fata.device.kv import KvRo, KvRw

ENTRY = Entry(
    "fat_kv",
    KvRw,
    {"*": "fata.store.fat.kv:open_fat_kv"},
    "The files of a FAT12, FAT16 or FAT32 volume; docs/design/fat.md says what a power cut leaves of it.",
    needs={"block": Block, "clock": WallClock},
)
READ_ONLY = Entry(
    "fat_kv_ro",
    KvRo,
    {"*": "fata.store.fat.kv:open_fat_kv_ro"},
    "The files of a FAT12, FAT16 or FAT32 volume, to read.",
    needs={"block": Block},
)


def fat_kv(disk: Impl[Block], clock: Impl[WallClock] | None = None, *, name: str | None = None) -> Impl[KvRw]:
    """Return the files of a FAT volume that fills a disk; the target's clock dates them unless another is given."""
    made: Impl[KvRw] = device(ENTRY, name=name, block=disk, clock=clock or default_clock())
    return made


def fat_kv_ro(disk: Impl[Block], *, name: str | None = None) -> Impl[KvRo]:
    """Return the files of a FAT volume that fills a disk, to read: nothing is written to it."""
    made: Impl[KvRo] = device(READ_ONLY, name=name, block=disk)
    return made


OFFER = Offer(fat_kv, ENTRY)
READ_ONLY_OFFER = Offer(fat_kv_ro, READ_ONLY)
