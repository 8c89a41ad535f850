"""Disk images for the tool: opened for a while, partitioned, described."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from fata.device.block import Block
from fata.disk import gpt, mbr
from fata.disk.btree.superblock import Superblock
from fata.disk.fat.errors import FatError
from fata.disk.partition import KINDS, Partition, PartitionError, Wish, kind_name
from fata.disk.tar import TarError
from fata.disk.zip import ZipError
from fata.driver.block.encrypted import EncryptedBlock, open_encrypted
from fata.driver.block.file import FileBlock, open_file_block
from fata.driver.block.partition import PartitionBlock
from fata.driver.block.partition_table import GPT, MBR, Table, open_partition, read_table, repair_table, write_table
from fata.errors import ConfigError
from fata.store.btree.mount import read_superblocks
from fata.store.fat.medium import Medium
from fata.store.fat.mount import open_shape
from fata.store.tar.reading import scanned_from
from fata.store.zip import open_zip
from fata.tool.quantity import octets

REST = "rest"
NOTHING = "zeros"
NAMES = {"FAT": "a FAT volume", "B-tree": "a B-tree", "tar": "a tar archive", "zip": "a zip archive"}


class Place(NamedTuple):
    """What of an image is meant: all of it, or a partition; as it is, or through a key (hexadecimal digits)."""

    image: Path
    sector_size: int = 512
    partition: int | None = None
    key: str | None = None


@asynccontextmanager
async def opened(place: Place, *, writing: bool, create_sectors: int = 0) -> AsyncIterator[Block]:
    """Open a disk for a while; with `create_sectors` make its file first. Raises `Unavailable`, `PartitionError`."""
    file = await open_file_block(
        str(place.image), place.sector_size, read_only=not writing, create_sectors=create_sectors
    )
    try:
        yield await part_of(file, place)
    finally:
        await file.close()


async def part_of(file: FileBlock, place: Place) -> FileBlock | PartitionBlock | EncryptedBlock:
    """Return the disk that is meant, over the image."""
    disk: FileBlock | PartitionBlock = file if place.partition is None else await open_partition(file, place.partition)
    return disk if place.key is None else await open_encrypted(disk, place.key)


def wish(text: str, scheme: str) -> Wish:
    """Read what is asked of a partition: SIZE[:KIND[:NAME]]. Raises ConfigError."""
    size, _, rest = text.partition(":")
    kind, _, name = rest.partition(":")
    known = next((each for each in KINDS if each.name == (kind or "linux").lower()), None)
    code = kind if known is None else known.gpt if scheme == GPT else known.mbr
    if known is None and scheme == GPT:
        code = gpt.guid_text(gpt.guid_octets(kind))
    elif known is None and not (len(kind) == 2 and all(digit in "0123456789abcdef" for digit in kind.lower())):
        names = ", ".join(each.name for each in KINDS)
        raise ConfigError(f"{kind!r} is no kind of partition", remedy=f"Use {names}, or two hexadecimal digits.")
    if name and scheme == MBR:
        raise ConfigError(f"partition {name!r}: an MBR has no names", remedy="Leave the name out, or make a GPT.")
    return Wish(None if size == REST else octets(size), code, name)


async def divide(image: Path, scheme: str, wanted: Sequence[str], sector_size: int, size: int | None) -> Table:
    """Write a new partition table; with `size` the image is made first. Raises ConfigError, Unavailable."""
    wishes = [wish(text, scheme) for text in wanted]
    sectors = 0 if size is None else -(-size // sector_size)
    if sectors:
        _planned(scheme, wishes, sectors, sector_size)  # refuses what cannot be, before there is a file
    disk = await open_file_block(str(image), sector_size, create_sectors=sectors)
    try:
        table = _planned(scheme, wishes, disk.sectors, sector_size)
        await write_table(disk, table)
        return table
    finally:
        await disk.close()


def _planned(scheme: str, wishes: list[Wish], sectors: int, sector_size: int) -> Table:
    """Lay a table out for a disk. Raises ConfigError."""
    if scheme == MBR:
        return Table(MBR, os.urandom(4).hex(), tuple(mbr.plan(wishes, sectors, sector_size)))
    planned = [partition._replace(identity=_guid()) for partition in gpt.plan(wishes, sectors, sector_size)]
    return Table(GPT, _guid(), tuple(planned))


def _guid() -> str:
    """Make a GUID of chance (RFC 9562, version 4)."""
    random = bytearray(os.urandom(16))
    random[7] = random[7] & 0x0F | 0x40
    random[8] = random[8] & 0x3F | 0x80
    return gpt.guid_text(bytes(random))


async def holds(image: Path, sector_size: int) -> str:
    """Say what an image holds that a partition table would destroy; "" for nothing."""
    async with opened(Place(image, sector_size), writing=False) as disk:
        found = await contents_of(disk)
        try:
            if found != "FAT" and (await read_table(disk)).partitions:
                return "has partitions"
        except PartitionError:
            pass
        return "" if found == NOTHING else f"holds {NAMES.get(found, 'something')}"


async def mend(image: Path, sector_size: int) -> list[str]:
    """Repair a GPT; return what was wrong."""
    async with opened(Place(image, sector_size), writing=True) as disk:
        return await repair_table(disk)


class Row(NamedTuple):
    """A partition and what is in it."""

    partition: Partition
    contents: str

    def data(self) -> dict[str, object]:
        """Return it for JSON."""
        named = kind_name(self.partition.kind)
        return self.partition._asdict() | {"kind_name": named, "contents": self.contents}


class Description(NamedTuple):
    """What an image is. `table` is None where there is none; `contents` is what fills it as a whole then."""

    sectors: int
    sector_size: int
    table: Table | None
    rows: list[Row]
    contents: str


async def describe(image: Path, sector_size: int) -> Description:
    """Look at an image. Raises Unavailable."""
    async with opened(Place(image, sector_size), writing=False) as disk:
        contents = await contents_of(disk)
        try:
            table = None if contents == "FAT" else await read_table(disk)
        except PartitionError:
            table = None
        if table is None or (not table.partitions and contents):
            return Description(disk.sectors, sector_size, None, [], contents)
        rows = [
            Row(partition, await contents_of(PartitionBlock(disk, partition.first, partition.sectors)))
            for partition in table.partitions
        ]
        return Description(disk.sectors, sector_size, table, rows, "")


async def contents_of(disk: Block) -> str:
    """Name what fills a disk: "FAT", "B-tree", "tar", "zip", "zeros"; "" for something else."""
    head = await disk.read(0, min(disk.sectors, 8))
    if any(isinstance(found, Superblock) for _, found in await read_superblocks(disk)):
        return "B-tree"
    if not any(head):
        return NOTHING
    try:
        await open_shape(Medium(disk, read_only=True))
        return "FAT"
    except FatError:
        pass
    try:
        if (await scanned_from(disk)).found:
            return "tar"
    except TarError:
        pass
    try:
        await open_zip(disk)
        return "zip"
    except ZipError:
        return ""
