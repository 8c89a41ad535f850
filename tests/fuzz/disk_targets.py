"""Targets on disks: partition tables and archives, each read by what an application would use."""

from __future__ import annotations

import io
import tarfile
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from fata.device.block import Block
from fata.device.kv import Kind, KvError, KvRo
from fata.disk import gpt, mbr
from fata.disk.partition import PartitionError, Wish
from fata.disk.tar import TarError
from fata.disk.zip import ZipError
from fata.driver.block.memory_image import MemoryImage
from fata.driver.block.partition import PartitionBlock
from fata.driver.block.partition_table import GPT, Table, read_table, write_table
from fata.driver.block.ramdisk import RamDisk
from fata.errors import WireError
from fata.runtime.drive import drive
from fata.store.tar.reading import open_tar
from fata.store.zip import open_zip
from tests.fuzz.target import Target

SECTORS = 96
GUID = "11111111-2222-3333-4444-555555555555"
LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
MEMBERS = {"a": b"1" * 600, "d/b": b"2", "x" * 120: b"3"}


def _mbr() -> bytes:
    octets = bytearray(SECTORS * 512)
    planned = mbr.plan([Wish(1024, "83")] * 5, SECTORS, 512)
    for sector, record in mbr.serialize(planned, 1, sector_size=512, sectors=SECTORS).items():
        octets[sector * 512 : sector * 512 + 512] = record
    return bytes(octets)


def _gpt() -> bytes:
    disk = RamDisk(SECTORS)
    planned = gpt.plan([Wish(2048, LINUX, "one"), Wish(None, LINUX)], SECTORS, 512)
    drive(write_table(disk, Table(GPT, GUID, tuple(partition._replace(identity=GUID) for partition in planned))))
    return drive(disk.read(0, SECTORS))


def _tar(kind: int) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=kind) as archive:
        for name, content in MEMBERS.items():
            if kind == tarfile.USTAR_FORMAT:
                name = name[:90]
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()[:8192]


def _zip(method: int) -> bytes:
    stream = io.BytesIO()
    with ZipFile(stream, "w") as archive:
        for name, content in MEMBERS.items():
            archive.writestr(ZipInfo(name, (2024, 2, 3, 4, 5, 6)), content, method)
    return stream.getvalue()


def attempt_partitions(octets: bytes) -> None:
    """Read a table; every partition that is found can be opened, and none overlaps another."""
    disk = MemoryImage(octets)
    try:
        table = drive(read_table(disk))
    except PartitionError as error:
        raise WireError(str(error)) from None
    end = 0
    for partition in sorted(table.partitions, key=lambda partition: partition.first):
        assert partition.first >= max(end, 1)
        end = partition.end
        PartitionBlock(disk, partition.first, partition.sectors)


def attempt_tar(octets: bytes) -> None:
    """Read everything that an archive holds."""
    try:
        read_all(drive(open_tar(MemoryImage(octets))), len(octets))
    except TarError as error:
        raise WireError(str(error)) from None


def attempt_zip(octets: bytes) -> None:
    """Read everything that an archive holds."""
    disk: Block = MemoryImage(octets)
    try:
        read_all(drive(open_zip(disk)), len(octets) * 1032)
    except (ZipError, KvError) as error:
        raise WireError(str(error)) from None


def read_all(store: KvRo, most: int) -> None:
    """Read every value; none is larger than `most` octets."""
    waiting = [""]
    while waiting:
        key = waiting.pop()
        for name, kind in drive(store.list(key)):
            child = f"{key}/{name}" if key else name
            if kind is Kind.DICTIONARY:
                waiting.append(child)
            else:
                value = drive(store.get(child))
                assert len(value) == drive(store.size(child)) <= most


TARGETS = {
    "partitions": Target((_mbr(), _gpt()), attempt_partitions),
    "tar": Target((_tar(tarfile.USTAR_FORMAT), _tar(tarfile.GNU_FORMAT), _tar(tarfile.PAX_FORMAT)), attempt_tar),
    "zip": Target((_zip(ZIP_STORED), _zip(ZIP_DEFLATED)), attempt_zip),
}
