"""Volumes for tests."""

from __future__ import annotations

from fata.disk.fat import boot
from fata.disk.fat.plan import Wish
from fata.driver.block.ramdisk import RamDisk
from fata.errors import DeviceError
from fata.runtime.drive import drive
from fata.store.fat.check import check
from fata.store.fat.file_system import FileSystem
from fata.store.fat.mount import format_volume, mount

SMALL32 = Wish(32, undersized=True)


class Counting(RamDisk):
    """A RAM disk that counts flushes, and fails when it is told to."""

    flushes = 0
    broken = False

    async def flush(self) -> None:
        self.flushes += 1
        await super().flush()

    async def read(self, sector: int, count: int) -> bytes:
        if self.broken:
            raise DeviceError("unreadable")
        return await super().read(sector, count)


def volume(sectors: int = 2000, wish: Wish | None = None, **options: object) -> tuple[Counting, FileSystem]:
    """Make and mount a volume."""
    disk = Counting(sectors)
    drive(format_volume(disk, wish))
    return disk, drive(mount(disk, **options))  # type: ignore[arg-type]


def sound(disk: RamDisk) -> bool:
    return drive(check(disk)) == []


def state(disk: RamDisk) -> int:
    octets = drive(disk.read(0, 1))
    return octets[boot.state_offset(boot.parse(octets).wide)]
