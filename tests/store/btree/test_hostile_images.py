"""Images that somebody made on purpose, with every checksum right: an answer or an error of ours, and soon."""

from __future__ import annotations

import os
import random

import pytest

from fata.device.block import Block
from fata.driver.block.memory_image import MemoryImage
from fata.driver.block.ramdisk import RamDisk
from fata.errors import DeviceError, StateError
from fata.runtime.drive import drive
from fata.store.btree.fsck import check_store, salvage
from fata.store.btree.opening import format_btree, open_btree

ROUNDS = int(os.environ.get("FATA_BTREE_HOSTILE", "1500"))
PAGES = 40


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every checksum 0: then whatever is changed, all of them are right."""
    for module in ("disk.btree.node", "disk.btree.record", "disk.btree.superblock", "store.btree.extents"):
        monkeypatch.setattr(f"fata.{module}.crc32", lambda octets: 0)


async def made() -> bytes:
    """Return an image with a bit of everything."""
    disk = RamDisk(PAGES * 8)
    await format_btree(disk, bytes(range(16)), log_octets=4096)
    store = await open_btree(disk)
    for number in range(60):
        await store.put(b"%02d" % number, bytes([number]) * 90)
    await store.put(b"x", bytes(9000))
    await store.save_snapshot("one")
    await store.put(b"y", bytes(5000))
    await store.delete(b"07")
    return await disk.read(0, disk.sectors)


async def use(disk: Block) -> None:
    """Read everything in every way, and write."""
    await check_store(disk)
    async for _ in salvage(disk):
        pass
    store = await open_btree(disk)
    async for _ in store.range():
        pass
    async for _ in store.range(reverse=True):
        pass
    for name in store.snapshots():
        await (await store.open_snapshot(name)).count()


@pytest.mark.slow
@pytest.mark.usefixtures("unchecked")
def test_hostile_images() -> None:
    image = drive(made())
    used = [at for at in range(0, len(image), 16) if any(image[at : at + 16])]
    rng = random.Random(3)
    for number in range(ROUNDS):
        octets = bytearray(image)
        for _ in range(rng.choice((1, 1, 2, 5))):
            at = rng.choice(used) + rng.randrange(16)
            octets[at] = rng.choice((0, 1, 0xFF, 0x7F, octets[at] ^ 1 << rng.randrange(8), rng.randrange(256)))
        if number % 3 == 0:
            start = rng.randrange(PAGES) * 4096
            other = rng.randrange(PAGES) * 4096
            octets[start : start + 4096] = octets[other : other + 4096]
        try:
            drive(use(MemoryImage(bytes(octets))))
        except (DeviceError, StateError):
            pass
        except Exception as error:
            raise AssertionError(f"round {number}") from error
