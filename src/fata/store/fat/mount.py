"""Opening a volume, and making one."""

from __future__ import annotations

from fata.disk.fat import boot as boot_format
from fata.disk.fat import entry as entry_format
from fata.disk.fat import fsinfo, stamp
from fata.disk.fat.boot import BootSector
from fata.disk.fat.entry import LABEL, Entry
from fata.disk.fat.errors import NotFat
from fata.disk.fat.layout import Layout, layout
from fata.disk.fat.packing import CLEAN, END
from fata.disk.fat.plan import Wish, plan
from fata.errors import ConfigError
from fata.store.fat.file_system import FileSystem
from fata.store.fat.medium import Medium
from fata.store.fat.table import Table
from fata.store.fat.volume import Volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from fata.device.block import Block
    from fata.device.clock import WallClock

ZEROS = bytes(1 << 20)


async def mount(
    block: Block,
    *,
    clock: WallClock | None = None,
    read_only: bool = False,
    sync: Literal["flush", "op"] = "flush",
    recover: bool = True,
    barriers: bool = True,
) -> FileSystem:
    """Open the volume on a disk, which must not be used otherwise meanwhile. Raises NotFat.

    A volume that was not closed is repaired first if `recover`, unless it is only read. `sync="op"` flushes after
    each operation. Without `barriers` the order in which things reach the disk is left to the disk, until `flush`
    or `close`: faster, and for images that are of no use before they are complete.
    """
    medium = Medium(block, read_only=read_only, barriers=barriers)
    octets, boot, shape = await open_shape(medium)
    table = await read_table(medium, shape)
    if recover and not medium.read_only and is_dirty(boot, table):
        from fata.store.fat.repair import repaired  # most volumes have been closed

        _, state = await repaired(medium)
        octets, boot, shape = await open_shape(medium)
        table = state.table
    boot = boot._replace(state=boot.state & ~boot_format.DIRTY)
    return FileSystem(Volume(medium, shape, boot, octets, table, clock=clock, sync=sync))


async def open_shape(medium: Medium) -> tuple[bytes, BootSector, Layout]:
    """Read the boot sector and see whether the volume fits on the disk. Raises NotFat."""
    if medium.octets < boot_format.SIZE:
        raise NotFat(f"a disk of {medium.octets} octets has no boot sector")
    octets = await medium.read(0, max(medium.unit, boot_format.SIZE))
    return octets, *shape_of(octets, medium)


def shape_of(octets: bytes, medium: Medium) -> tuple[BootSector, Layout]:
    """Make out a boot sector, and see whether the volume fits on the disk. Raises NotFat."""
    boot = boot_format.parse(octets)
    shape = layout(boot)
    if boot.sector_size < medium.unit:
        raise NotFat(f"sectors of {boot.sector_size} octets on a disk whose sectors have {medium.unit}")
    if shape.size > medium.octets:
        raise NotFat(f"a volume of {shape.size} octets on a disk of {medium.octets}")
    return boot, shape


async def read_table(medium: Medium, shape: Layout) -> Table:
    """Read the FAT that counts."""
    needed = min(-(-(shape.clusters + 2) * shape.bits // 8), shape.fat_size)
    return Table(shape, medium.unit, await medium.read(shape.fat_offset + shape.active * shape.fat_size, needed))


def is_dirty(boot: BootSector, table: Table) -> bool:
    """Say whether the volume was in use when it was last left."""
    clean = CLEAN.get(table.bits, 0)
    return bool(boot.state & boot_format.DIRTY) or table.get(1) & clean != clean


async def format_volume(block: Block, wish: Wish | None = None, *, clock: WallClock | None = None) -> None:
    """Make an empty volume of the whole disk. Raises ConfigError, with a remedy, for a shape that cannot be."""
    wish = wish or Wish()
    if wish.sector_size < block.sector_size:
        raise ConfigError(
            f"sectors of {wish.sector_size} octets on a disk whose sectors have {block.sector_size}",
            remedy=f"Use {block.sector_size}.",
        )
    medium = Medium(block)
    boot = plan(medium.octets, wish)
    shape = layout(boot)
    await medium.write(0, bytes(medium.unit))  # what was there before must not be taken for a volume half-way
    await medium.flush()
    root_end = shape.data_offset + (shape.cluster_size if boot.wide else 0)
    await _clear(medium, root_end)
    for copy in range(shape.fats):
        await medium.write(shape.fat_offset + copy * shape.fat_size, _first_entries(shape, boot, medium.unit))
    if wish.label:
        now = stamp.stamp(clock.wall() if clock is not None else None)
        label = Entry(boot.label, LABEL, modified_date=now.date, modified_time=now.time)
        root = shape.offset_of(shape.root_cluster) if boot.wide else shape.root_offset
        await medium.write(root, entry_format.serialize(label).ljust(medium.unit, b"\0"))
    sector = boot_format.serialize(boot).ljust(medium.unit, b"\0")
    if boot.wide:
        hints = fsinfo.serialize(fsinfo.FsInfo(shape.clusters - 1, 3)).ljust(medium.unit, b"\0")
        for offset in (shape.fsinfo_offset, shape.backup_offset + shape.fsinfo_offset):
            await medium.write(offset, hints)
        await medium.write(shape.backup_offset, sector)
    await medium.flush()  # a volume without a boot sector is none: it comes last
    await medium.write(0, sector)
    await medium.flush()


async def _clear(medium: Medium, end: int) -> None:
    for start in range(0, end, len(ZEROS)):
        await medium.write(start, ZEROS[: min(len(ZEROS), end - start)])


def _first_entries(shape: Layout, boot: BootSector, unit: int) -> bytes:
    """Return the first sector of a FAT: the medium, the clean bits, and the root of FAT32."""
    end = END[shape.bits]
    if shape.bits == 12:
        return ((end & ~0xFF | boot.media) | end << 12).to_bytes(3, "little").ljust(unit, b"\0")
    octets = shape.bits // 8
    entries = [end & ~0xFF | boot.media, end] + [end] * boot.wide
    return b"".join(entry.to_bytes(octets, "little") for entry in entries).ljust(unit, b"\0")
