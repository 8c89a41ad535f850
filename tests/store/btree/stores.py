"""Stores for tests, and what must hold of any."""

from __future__ import annotations

from fata.device.block import Block
from fata.driver.block.ramdisk import RamDisk
from fata.store.btree.fsck import check_store
from fata.store.btree.opening import format_btree, open_btree
from fata.store.btree.store import Btree

UUID = bytes(range(16))


async def made(pages: int = 256, *, log: int = 16384, node_size: int = 4096, sector: int = 512) -> Btree:
    """Return an empty store on a new disk."""
    disk = RamDisk(pages * node_size // sector, sector)
    await format_btree(disk, UUID, log_octets=log, node_size=node_size)
    return await open_btree(disk)


def disk_of(store: Btree) -> Block:
    """Return the disk beneath a store."""
    return store.medium.block


async def items(store: Btree) -> dict[bytes, bytes]:
    """Return everything in a store, and see that both directions agree."""
    forward = [item async for item in store.range()]
    assert [item async for item in store.range(reverse=True)] == forward[::-1]
    return dict(forward)


async def sound(store: Btree) -> None:
    """See that the disk is sound, and that memory and disk count the same pages."""
    await store.checkpoint()
    report = await check_store(disk_of(store))
    assert report.problems == []
    assert report.sound
    stats = store.stats()
    assert (report.used, report.free) == (stats.used, stats.free)
    assert report.used + report.free + report.fixed == report.pages == stats.pages
