"""Partition tables on a disk: found, written so that a power cut leaves the old or the new one, repaired."""

from __future__ import annotations

from typing import NamedTuple

from fata.disk import gpt, mbr
from fata.disk.partition import Partition, PartitionError
from fata.driver.block.partition import PartitionBlock
from fata.errors import Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.device.block import Block

MBR, GPT = "mbr", "gpt"


class Table(NamedTuple):
    """What stands on a disk. `complaints` tell what is damaged and was made up for by a copy."""

    scheme: str  # MBR or GPT
    identity: str  # the disk's GUID, or the MBR's signature in hexadecimal digits
    partitions: tuple[Partition, ...]
    complaints: tuple[str, ...] = ()


async def read_table(block: Block) -> Table:
    """Read the partition table. Raises `PartitionError`, also where there is none."""
    if not block.sectors:
        raise PartitionError("the disk has no sectors, and no partition table")
    record = mbr.parse(await block.read(0, 1))
    if mbr.is_protective(record):
        return await _read_gpt(block)
    walk = mbr.walk(block.sectors)
    wanted = next(walk)
    while True:
        try:
            wanted = walk.send(await block.read(wanted, 1))
        except StopIteration as end:
            return Table(MBR, f"{record.signature:08x}", tuple(end.value))


class _Copy(NamedTuple):
    header: gpt.Header
    entries: bytes
    partitions: list[Partition]


async def _read_gpt(block: Block) -> Table:
    copies, complaints = await _copies(block)
    for copy in copies:
        if copy is not None:
            return Table(GPT, copy.header.identity, tuple(copy.partitions), tuple(complaints))
    raise PartitionError("; ".join(complaints))


async def _copies(block: Block) -> tuple[list[_Copy | None], list[str]]:
    """Read the table at the beginning and its copy; None for one that is damaged. The first of them counts."""
    copies: list[_Copy | None] = []
    complaints = []
    places = [gpt.PRIMARY, block.sectors - 1]
    for place in places:
        try:
            copies.append(await _copy(block, place))
        except PartitionError as error:
            copies.append(None)
            complaints.append(str(error))
    primary, backup = copies
    if primary is not None and primary.header.copy != places[1]:
        complaints.append(f"gpt: the copy belongs into sector {places[1]}, the last, not {primary.header.copy}")
    elif primary is not None and backup is not None and primary.entries != backup.entries:
        complaints.append("gpt: the copy at the end says something else")
    return copies, complaints


async def _copy(block: Block, place: int) -> _Copy:
    if place >= block.sectors:
        raise PartitionError(f"gpt: a disk of {block.sectors} sectors has none with the number {place}")
    header = gpt.parse_header(await block.read(place, 1), place, block.sectors)
    entries = await block.read(header.entries, header.entry_sectors(block.sector_size))
    return _Copy(header, entries, gpt.parse_entries(entries, header))


async def write_table(block: Block, table: Table) -> None:
    """Write a partition table in place of whatever there is; what is in the partitions stays.

    A power cut on the way leaves the old table or the new. Boot code is kept. Raises `ConfigError`.
    """
    if table.scheme == GPT:
        image = gpt.image(table.partitions, table.identity, block.sectors, block.sector_size)
        await _write_gpt(block, image)
    else:
        records = mbr.serialize(
            table.partitions, int(table.identity, 16), sector_size=block.sector_size, sectors=block.sectors
        )
        await _write_mbr(block, records)


async def _write_gpt(block: Block, image: gpt.Image) -> None:
    for header in (image.backup, image.primary):  # one of them is whole at every moment
        await _write_copy(block, header, image.entries)
    await _write_record(block, 0, mbr.protective(block.sectors))
    await block.flush()


async def _write_copy(block: Block, header: gpt.Header, entries: bytes) -> None:
    await block.write(header.entries, entries)
    await block.write(header.place, gpt.serialize_header(header).ljust(block.sector_size, b"\0"))
    await block.flush()


async def _write_mbr(block: Block, records: dict[int, bytes]) -> None:
    for sector, octets in records.items():
        if sector:
            await _write_record(block, sector, octets)
    await block.flush()
    await _write_record(block, 0, records[0])
    await block.flush()
    for place in (gpt.PRIMARY, block.sectors - 1):  # or others would find a GPT there
        if (await block.read(place, 1)).startswith(gpt.MAGIC):
            await block.write(place, bytes(block.sector_size))
    await block.flush()


async def _write_record(block: Block, sector: int, octets: bytes) -> None:
    """Write a boot record; code and the rest of a long sector stay."""
    old = await block.read(sector, 1)
    code = old[: mbr.SIGNATURE] if old[mbr.END - 2 : mbr.END] == mbr.MAGIC else bytes(mbr.SIGNATURE)
    await block.write(sector, code + octets[mbr.SIGNATURE :] + old[mbr.END :])


async def repair_table(block: Block) -> list[str]:
    """Make both copies of a GPT whole from the one that is; return what was wrong. Raises `PartitionError`.

    A table whose copy is not in the last sector (the disk has grown) gets one there. An MBR has no copy: reading it is
    all that can be done.
    """
    if not mbr.is_protective(mbr.parse(await block.read(0, 1))):
        await read_table(block)
        return []
    copies, complaints = await _copies(block)
    if not complaints:
        return []
    good = next((copy for copy in copies if copy is not None), None)
    if good is None:
        raise PartitionError("; ".join(complaints))
    twin = gpt.twin(good.header, block.sectors, block.sector_size)
    await _write_copy(block, twin, good.entries)
    if good.header.copy != twin.place:
        await _write_copy(block, good.header._replace(copy=twin.place), good.entries)
    return complaints


async def open_partition(block: Block, number: int) -> PartitionBlock:
    """Open partition `number` of a disk as a disk. Raises `Unavailable`, `PartitionError`."""
    partitions = (await read_table(block)).partitions
    for partition in partitions:
        if partition.number == number:
            return PartitionBlock(block, partition.first, partition.sectors)
    numbers = ", ".join(str(partition.number) for partition in partitions) or "none"
    raise Unavailable(f"the disk has no partition {number}", f"It has: {numbers}.")
