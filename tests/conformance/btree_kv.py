"""A new store on a B-tree, for the suites of Kv."""

from __future__ import annotations

from fata.device.block import Block
from fata.driver.block.ramdisk import RamDisk
from fata.runtime.drive import drive
from fata.store.btree.kv import BtreeKv
from fata.store.btree.opening import format_btree, open_btree

SECTORS = 16384  # of 512 octets


def btree_kv(disk: Block | None = None) -> BtreeKv:
    """Return an empty store, on a RAM disk unless there is one already."""
    disk = disk or RamDisk(SECTORS)
    drive(format_btree(disk, bytes(range(16))))
    return BtreeKv(drive(open_btree(disk)))
