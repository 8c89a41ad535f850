"""Looking for faults, and mending them. Both read the whole structure, and no file's content."""

from __future__ import annotations

from typing import NamedTuple

from fata.disk.fat import boot as boot_format
from fata.disk.fat import fsinfo
from fata.disk.fat.boot import NO_LABEL, BootSector
from fata.disk.fat.errors import NotFat
from fata.disk.fat.layout import Layout
from fata.disk.fat.packing import CLEAN, END, END_FROM, MASK, SOUND
from fata.store.fat.examine import Examiner
from fata.store.fat.findings import Fault, Finding
from fata.store.fat.medium import Medium
from fata.store.fat.mount import is_dirty, open_shape, read_table, shape_of
from fata.store.fat.table import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.device.block import Block

_BACKUP = 6  # sectors: where copies of boot sectors are
_COMPARED = slice(0, 90)  # octets of the boot sector that mean something


class State(NamedTuple):
    """A volume as far as it can be made out, with what is wrong with it."""

    medium: Medium
    octets: bytes  # of the boot sector
    boot: BootSector
    layout: Layout
    table: Table
    examiner: Examiner


async def check(block: Block) -> list[Finding]:
    """Return every fault of a volume; [] if there is none. Writes nothing. A failing disk is a DeviceError."""
    medium = Medium(block, read_only=True)
    try:
        return (await examine(medium)).examiner.findings
    except NotFat as error:
        if await find_backup(medium) is not None:
            return [Finding(Fault.BACKUP_USED, "", str(error))]
        return [Finding(Fault.BOOT, "", str(error))]


async def examine(medium: Medium) -> State:
    """Look at the boot sectors, the FATs, and all that can be reached. Raises NotFat."""
    octets, boot, layout = await open_shape(medium)
    table = await read_table(medium, layout)
    examiner = Examiner(medium, layout, table)
    state = State(medium, octets, boot, layout, table, examiner)
    if is_dirty(boot, table):
        examiner.note(Fault.IN_USE, "", "it was not closed, or is in use now")
    sound = SOUND.get(table.bits, 0)
    if boot.state & boot_format.FAILED or table.get(1) & sound != sound:
        examiner.note(Fault.FAILED, "", "a read or write has failed")
    _check_first_entries(state)
    await _check_copies(state)
    await _check_backup(state)
    await examiner.walk()
    _check_label(state)
    await _check_hints(state)
    return state


def _check_first_entries(state: State) -> None:
    table, bits = state.table, state.table.bits
    flags = CLEAN.get(bits, 0) | SOUND.get(bits, 0)
    if table.get(0) != MASK[bits] & ~0xFF | state.boot.media or table.get(1) | flags < END_FROM[bits]:
        state.examiner.note(Fault.MEDIUM, "", f"{table.get(0):#x} and {table.get(1):#x}")
        state.examiner.fat[0] = MASK[bits] & ~0xFF | state.boot.media
        state.examiner.fat[1] = END[bits]


async def _check_copies(state: State) -> None:
    layout, medium = state.layout, state.medium
    if not layout.mirrored:
        return
    needed = -(-(layout.clusters + 2) * layout.bits // 8)
    first = await medium.read(layout.fat_offset, needed)
    for copy in range(1, layout.fats):
        if await medium.read(layout.fat_offset + copy * layout.fat_size, needed) != first:
            state.examiner.note(Fault.COPIES, "", f"FAT {copy + 1} is not FAT 1")


async def _check_backup(state: State) -> None:
    offset = state.layout.backup_offset
    if not offset:
        return
    copy = bytearray(await state.medium.read(offset, boot_format.SIZE))
    at = boot_format.state_offset(wide=True)
    copy[at] = state.octets[at]  # the state is kept in the first only
    if copy[_COMPARED] != state.octets[_COMPARED] or copy[510:512] != state.octets[510:512]:
        state.examiner.note(Fault.BACKUP, "", "it differs from the boot sector")


def _check_label(state: State) -> None:
    written = state.examiner.label or NO_LABEL
    if state.boot.label != written and state.boot.label.strip():
        state.examiner.note(Fault.LABEL, "", f"{state.boot.label!r} in the boot sector, {written!r} in the root")


async def _check_hints(state: State) -> None:
    offset = state.layout.fsinfo_offset
    if not offset:
        return
    info = fsinfo.parse(await state.medium.read(offset, fsinfo.SIZE))
    free = state.table.free.count(1)
    if info is None:
        state.examiner.note(Fault.FSINFO, "", "the sector is none of FSInfo")
    elif info.free not in (free, fsinfo.UNKNOWN):
        state.examiner.note(Fault.FSINFO, "", f"{info.free} clusters are free, it says; {free} are")


async def find_backup(medium: Medium) -> tuple[int, bytes] | None:
    """Return where a good copy of the boot sector lies, and its octets; None if there is none."""
    for sector_size in boot_format.SECTOR_SIZES:
        offset = _BACKUP * sector_size
        if offset + max(medium.unit, boot_format.SIZE) > medium.octets or offset % medium.unit:
            continue
        octets = await medium.read(offset, max(medium.unit, boot_format.SIZE))
        try:
            boot, shape = shape_of(octets, medium)
        except NotFat:
            continue
        if shape.backup_offset == offset and boot.sector_size == sector_size:
            return offset, octets
    return None
