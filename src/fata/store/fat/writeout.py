"""Bringing the disk up to what is in memory, in the order that docs/design/fat.md promises.

Whoever calls is alone on the volume. A call that fails or is cancelled has lost nothing: the next one goes on.
"""

from __future__ import annotations

from collections.abc import Iterable

from fata.disk.fat import boot as boot_format
from fata.disk.fat import fsinfo
from fata.disk.fat.packing import CLEAN, SOUND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.store.fat.volume import Volume


async def write_out(volume: Volume) -> None:
    """Make every operation so far durable."""
    table, log = volume.table, volume.log
    if table.dirty or table.given_up or table.cuts or log.patches:
        if not volume.marked:
            await mark(volume)
        if table.dirty or volume.fresh_data or volume.overwritten:
            await _write_table(volume, table.dirty, hiding=True)
            await _settle(volume)
        if table.links:
            await _write_table(volume, table.link_units(), hiding=False)
            await volume.medium.barrier()
            table.links.clear()
        await _write_log(volume)
        table.give_back()
        await _write_table(volume, table.dirty, hiding=False)
        table.dirty.clear()
        volume.epoch += 1
    elif volume.fresh_data or volume.overwritten:
        await _settle(volume)


async def _settle(volume: Volume) -> None:
    await volume.medium.barrier()
    volume.table.dirty.clear()
    volume.fresh_data = volume.overwritten = False


async def mark(volume: Volume) -> None:
    """Say on the disk that the volume is in use: whoever finds it so must repair it.

    The boot sector's word is the first to come and the last to go, since it has no copies that could differ.
    """
    await _write_state(volume, volume.boot.state | boot_format.DIRTY)
    await volume.medium.barrier()
    volume.marked = True
    if volume.table.bits in CLEAN:
        volume.table.put(1, volume.table.get(1) & ~CLEAN[volume.table.bits])


async def _write_state(volume: Volume, state: int) -> None:
    octets = bytearray(volume.boot_octets)
    octets[boot_format.state_offset(volume.boot.wide)] = state
    await volume.medium.write(0, octets)
    volume.boot_octets = octets


async def _write_log(volume: Volume) -> None:
    medium, log = volume.medium, volume.log
    while log.patches:
        sector, octets, count = log.group()
        await medium.write(sector * medium.unit, octets)
        await medium.barrier()
        log.written(sector, octets, count)


async def _write_table(volume: Volume, units: Iterable[int], *, hiding: bool) -> None:
    """Write sectors of the FAT to each copy that is kept, those that lie together by one call."""
    layout, table, medium = volume.layout, volume.table, volume.medium
    copies = range(layout.fats) if layout.mirrored else [layout.active]
    pending: list[bytes] = []
    start = 0
    for unit in [*sorted(units), -1]:
        if pending and unit != start + len(pending):
            octets = b"".join(pending)
            for copy in copies:
                await medium.write(layout.fat_offset + copy * layout.fat_size + start * medium.unit, octets)
            pending = []
        if unit >= 0:
            start = unit - len(pending)
            pending.append(table.image(unit, hiding=hiding))


async def close(volume: Volume) -> None:
    """Make everything durable and say on the disk that the volume is in order."""
    await write_out(volume)
    medium, table = volume.medium, volume.table
    if medium.failed and table.bits in SOUND:
        table.put(1, table.get(1) & ~SOUND[table.bits])
    if volume.marked:
        await medium.flush()
        if table.bits in CLEAN:
            table.put(1, table.get(1) | CLEAN[table.bits])
            await _write_table(volume, [0], hiding=False)
            table.dirty.clear()
        await _write_hints(volume)
        await medium.flush()
        state = volume.boot.state & ~boot_format.DIRTY | (boot_format.FAILED if medium.failed else 0)
        await _write_state(volume, state)
        volume.marked = False
    if not medium.read_only:
        await medium.flush()


async def _write_hints(volume: Volume) -> None:
    layout, table, medium = volume.layout, volume.table, volume.medium
    if not layout.fsinfo_offset:
        return
    octets = await medium.read(layout.fsinfo_offset, medium.unit)
    if fsinfo.parse(octets) is None:
        return  # somebody has put something else there
    hints = fsinfo.serialize(fsinfo.FsInfo(table.free_count, min(table.hint, layout.last_cluster)))
    await medium.write(layout.fsinfo_offset, hints + octets[fsinfo.SIZE :])
