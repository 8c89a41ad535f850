"""Make a FAT image of a folder: the step that runs when an application's image is built."""

from __future__ import annotations

import os

from fata.blocking.drive import drive
from fata.device.kv import InvalidKey, KvError, NoSpace
from fata.disk.fat.layout import SLOT
from fata.disk.fat.plan import Wish
from fata.driver.block.ramdisk import RamDisk
from fata.driver.kv.folder import chunk, files_of, latest, opened, replacing
from fata.errors import ConfigError, DeviceError
from fata.store.fat.estimate import root_entries_for
from fata.store.fat.kv import FatKv
from fata.store.fat.mount import format_volume, mount

ENTRY = 32 * 21  # octets of a directory that a file takes at most: its own and 20 of a long name
UNIT = 1 << 16  # octets: an image is a whole number of these
LARGEST = 1 << 32  # octets: what is built is built in memory
SECTOR = 512  # octets


class _FileTime:
    """A clock that shows whatever time the next file has."""

    def __init__(self) -> None:
        self.now = 0.0

    def wall(self) -> float | None:
        return self.now


def pack(directory: str, out_path: str) -> None:
    """Write the files of `directory` to `out_path` as a FAT volume with little room left; equal files, equal octets.

    Names and times are the files', no time later than SOURCE_DATE_EPOCH if that is set. See `files_of` for what is
    packed. Raises ConfigError.
    """
    last = latest()
    files = files_of(directory, out_path)
    root_entries = root_entries_for({key.partition("/")[0] for key, _ in files})
    size = _least(files, root_entries)
    while True:
        disk = RamDisk(size // SECTOR)
        try:
            drive(_fill(disk, Wish(root_entries=root_entries), files, last))
            break
        except NoRoom:
            size *= 2
            if size > LARGEST:
                raise ConfigError(f"{directory}: is too large for a FAT image", remedy="Pack less.") from None
    with replacing(out_path) as stream:
        stream.write(drive(disk.read(0, disk.sectors)))


class NoRoom(DeviceError):
    """The volume was estimated too small."""


def _least(files: list[tuple[str, str]], root_entries: int) -> int:
    """Estimate the size of a volume from below: clusters of at least a sector, directories, FATs."""
    octets = sum(-(-os.stat(path).st_size // SECTOR) * SECTOR + ENTRY for _, path in files)
    folders = {key.rpartition("/")[0] for key, _ in files}
    octets += len(folders) * 2048 + octets // 64 + root_entries * SLOT + UNIT
    return -(-octets // UNIT) * UNIT


async def _fill(disk: RamDisk, wish: Wish, files: list[tuple[str, str]], last: int) -> None:
    clock = _FileTime()
    await format_volume(disk, wish, clock=clock)
    store = FatKv(await mount(disk, clock=clock, barriers=False))
    for key, path in files:
        with opened(path) as source:
            clock.now = float(min(max(int(os.fstat(source.fileno()).st_mtime), 0), last))
            content = b"".join(iter(lambda source=source, path=path: chunk(source, path), b""))  # type: ignore[misc]
        try:
            await store.set(key, content)
        except NoSpace:
            raise NoRoom(f"{key}: does not fit") from None
        except (KvError, InvalidKey) as error:
            raise ConfigError(f"{path}: {error}", remedy="Rename it: FAT does not have this name.") from None
    await store.close()
