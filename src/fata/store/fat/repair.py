"""Mending what `check` finds, by the least loss.

A cut of the power may come at any moment: removals of entries are durable before anything else is changed, entries
before the FAT, and all of it before the volume is said to be in order. What is left of a repair leads the next one
to the same end.
"""

from __future__ import annotations

from collections.abc import Iterable

from fata.disk.fat import boot as boot_format
from fata.disk.fat import fsinfo
from fata.disk.fat.boot import NO_LABEL
from fata.disk.fat.errors import NotFat
from fata.disk.fat.packing import CLEAN, SOUND
from fata.store.fat.check import State, examine, find_backup
from fata.store.fat.findings import ORDINARY, Fault, Finding, Patch
from fata.store.fat.medium import Medium

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.device.block import Block

ROUNDS = 8  # each removes what the one before has brought to light


async def repair(block: Block) -> list[Finding]:
    """Mend a volume and return what was found. Raises NotFat if there is no boot sector, nor a copy of it."""
    return (await repaired(Medium(block)))[0]


async def repaired(medium: Medium) -> tuple[list[Finding], State]:
    """Mend a volume; return what was found and what it is now."""
    found: list[Finding] = []
    try:
        state = await examine(medium)
    except NotFat as error:
        backup = await find_backup(medium)
        if backup is None:
            raise
        found.append(Finding(Fault.BACKUP_USED, "", str(error)))
        await medium.write(0, backup[1])
        await medium.flush()
        state = await examine(medium)
    for _ in range(ROUNDS):
        faults = {finding.fault for finding in state.examiner.findings}
        if not faults:
            break
        found += state.examiner.findings
        await _mend(state)
        if faults <= ORDINARY:
            break
        state = await examine(medium)
    return found, state


async def _mend(state: State) -> None:
    examiner, medium, table = state.examiner, state.medium, state.table
    await _write_state(state, state.boot.state | boot_format.DIRTY)
    await medium.flush()
    removed = {patch.offset for patch in examiner.removals}
    for patches in (examiner.removals, [patch for patch in examiner.patches if patch.offset not in removed]):
        if patches:
            await _apply(medium, patches)
            await medium.flush()
    for cluster, value in examiner.fat.items():
        table.put(cluster, value)
    flags = CLEAN.get(table.bits, 0) | SOUND.get(table.bits, 0)
    dirty = table.get(1) & flags != flags
    await _write_tables(state)
    await medium.flush()
    if dirty:
        table.put(1, table.get(1) | flags)
        await _write_tables(state)
    await _write_hints(state)
    await medium.flush()
    await _write_state(state, 0)
    await medium.flush()
    table.count_free()


async def _apply(medium: Medium, patches: Iterable[Patch]) -> None:
    """Change octets in their sectors, each of which is read and written once."""
    sectors: dict[int, bytearray] = {}
    for offset, data in patches:
        start = offset - offset % medium.unit
        if start not in sectors:
            sectors[start] = bytearray(await medium.read(start, medium.unit))
        sectors[start][offset - start : offset - start + len(data)] = data
    for start, octets in sorted(sectors.items()):
        await medium.write(start, octets)


async def _write_tables(state: State) -> None:
    """Write what has changed of the FAT, and every copy that differs from it."""
    layout, medium, table = state.layout, state.medium, state.table
    unit = medium.unit
    needed = -(-(layout.clusters + 2) * layout.bits // 8)
    units = -(-needed // unit)
    copies = range(layout.fats) if layout.mirrored else [layout.active]
    for copy in copies:
        start = layout.fat_offset + copy * layout.fat_size
        old = await medium.read(start, units * unit)
        for number in range(units):
            image = table.image(number, hiding=False)
            if number == units - 1:  # what lies behind the last entry is nobody's
                image = image[: needed - number * unit] + old[needed:]
            if image != old[number * unit : (number + 1) * unit]:
                await medium.write(start + number * unit, image)
    table.dirty.clear()


async def _write_hints(state: State) -> None:
    layout, medium, table = state.layout, state.medium, state.table
    if not layout.fsinfo_offset:
        return
    free = sum(1 for entry in table.entries[2:] if not entry & table.mask)
    old = await medium.read(layout.fsinfo_offset, medium.unit)
    new = fsinfo.serialize(fsinfo.FsInfo(free, 2)) + old[fsinfo.SIZE :]
    if fsinfo.parse(old) is None or fsinfo.parse(old) != fsinfo.parse(new):
        await medium.write(layout.fsinfo_offset, new)


async def _write_state(state: State, bits: int) -> None:
    """Write the boot sector with these state bits, and the label that the root has; and the copy, if it is wrong."""
    octets = bytearray(state.octets)
    wide = state.boot.wide
    octets[boot_format.state_offset(wide)] = bits
    faults = {finding.fault for finding in state.examiner.findings}
    if Fault.LABEL in faults:
        at = boot_format.label_offset(wide)
        octets[at : at + 11] = state.examiner.label or NO_LABEL
    if octets != state.octets or not bits:
        await state.medium.write(0, octets)
    if state.layout.backup_offset and faults & {Fault.BACKUP, Fault.LABEL}:
        await state.medium.write(state.layout.backup_offset, octets)
