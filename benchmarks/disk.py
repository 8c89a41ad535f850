"""What disks over disks cost, beside what lies beneath them; archives beside Python's own; power cuts a second.

.venv/bin/python -m benchmarks.disk
"""

from __future__ import annotations

import io
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from random import Random
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import XTS

from benchmarks.table import Table
from fata.device.block import Block
from fata.driver.block.cache import CachedBlock
from fata.driver.block.encrypted import EncryptedBlock
from fata.driver.block.file import open_file_block
from fata.driver.block.memory_image import MemoryImage
from fata.driver.block.partition import PartitionBlock
from fata.driver.block.ramdisk import RamDisk
from fata.runtime.drive import drive
from fata.sim.powercut import Record, Recorder, campaign
from fata.store.tar.reading import open_tar
from fata.store.zip import open_zip

RUNS = 5
OCTETS = 16 << 20  # moved in one run
KEY = bytes(range(64))
MEMBERS = 20_000
STATES = 50_000
STATES_GOAL = 3_000  # a second, without a store


def rate(octets: int, work: Callable[[], object]) -> float:
    """Return MiB a second, best of several."""
    best = float("inf")
    for _ in range(RUNS):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return octets / best / (1 << 20)


def reading(disk: Block, piece: int) -> Callable[[], object]:
    """Read the disk from its beginning to its end, so many octets at a time."""
    count = piece // disk.sector_size

    async def read() -> None:
        for sector in range(0, disk.sectors, count):
            await disk.read(sector, count)

    return lambda: drive(read())


def writing(disk: Block, piece: int) -> Callable[[], object]:
    """Write the same."""
    count, data = piece // disk.sector_size, Random(1).randbytes(piece)

    async def write() -> None:
        for sector in range(0, disk.sectors, count):
            await disk.write(sector, data)

    return lambda: drive(write())


def disks(folder: Path) -> None:
    """Print what each driver adds."""
    with Table("disks over disks, MiB/s", "disk", "read 4 KiB", "write 4 KiB", "read 64 KiB", "write 64 KiB") as table:
        file = drive(open_file_block(str(folder / "disk.img"), create_sectors=OCTETS // 512))
        cached = CachedBlock(file, OCTETS // 512 * 4)
        made: dict[str, Block] = {
            "RAM": RamDisk(OCTETS // 512),
            "file, in the page cache": file,
            "partition of RAM": PartitionBlock(RamDisk(OCTETS // 512 + 8), 8, OCTETS // 512),
            "file, cached (all hits)": cached,
            "RAM, AES-256-XTS, sectors of 512": EncryptedBlock(RamDisk(OCTETS // 512), KEY),
            "RAM, AES-256-XTS, sectors of 4096": EncryptedBlock(RamDisk(OCTETS // 4096, 4096), KEY),
        }
        for name, disk in made.items():
            drive(disk.read(0, disk.sectors))
            cells = [rate(OCTETS, make(disk, piece)) for piece in (4096, 65_536) for make in (reading, writing)]
            table.row(name, *cells)
        for unit in (512, 4096):
            cell = rate(OCTETS, bare(unit))
            table.row(f"the package cryptography alone, units of {unit}", "-", cell, "-", "-")


def bare(unit: int) -> Callable[[], object]:
    """Encrypt as many units with the library and nothing around it."""
    data, algorithm = bytes(unit), AES(KEY)

    def encrypt() -> None:
        for number in range(OCTETS // unit):
            Cipher(algorithm, XTS(number.to_bytes(16, "little"))).encryptor().update(data)

    return encrypt


def archives() -> None:
    """Print how fast archives of small files are opened and read."""
    tar, zipped = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as packing, zipfile.ZipFile(zipped, "w") as zipping:
        for number in range(MEMBERS):
            info = tarfile.TarInfo(f"{number % 100}/{number}")
            info.size = 100
            packing.addfile(info, io.BytesIO(bytes(100)))
            zipping.writestr(zipfile.ZipInfo(info.name), bytes(100))
    keys = [f"{number % 100}/{number}" for number in range(MEMBERS)]

    def theirs_tar() -> list[bytes]:
        with tarfile.open(fileobj=io.BytesIO(tar.getvalue())) as archive:
            return [archive.extractfile(member).read() for member in archive.getmembers()]  # type: ignore[union-attr]

    def theirs_zip() -> list[bytes]:
        with zipfile.ZipFile(io.BytesIO(zipped.getvalue())) as archive:
            return [archive.read(key) for key in keys]

    def ours(opening: Callable[[Block], Coroutine[Any, Any, Any]], octets: bytes) -> Callable[[], object]:
        async def read() -> None:
            store = await opening(MemoryImage(octets))
            for key in keys:
                await store.get(key)

        return lambda: drive(read())

    with Table(
        f"archives of {MEMBERS:,} files of 100 octets: opened and all read, files/s",
        "archive",
        "fata",
        "Python",
        "times",
    ) as table:
        for name, fata, python in (
            ("tar", ours(open_tar, tar.getvalue()), theirs_tar),
            ("zip", ours(open_zip, zipped.getvalue()), theirs_zip),
        ):
            mine, other = (rate(MEMBERS << 20, work) for work in (fata, python))
            table.row(name, mine, other, mine / other)


def _workload(rng: Random) -> Record:
    async def work() -> Record:
        disk = Recorder(RamDisk(4096))
        for _ in range(50):
            for _ in range(rng.randrange(1, 20)):
                await disk.write(rng.randrange(4000), rng.randbytes(512 * rng.choice((1, 1, 1, 8, 64))))
            await disk.flush()
        return disk.record

    return drive(work())


def power_cuts() -> None:
    """Print how many states the checker goes through when recovery costs nothing."""

    async def nothing(disk: Recorder) -> None:
        pass

    began = time.perf_counter()
    report = campaign(_workload, nothing, lambda seen, promise: None, states=STATES)
    speed = report.states / (time.perf_counter() - began)
    with Table("power cuts, distinct states a second without a store", "states", "states/s", "goal", "") as table:
        table.row(report.states, speed, STATES_GOAL, "reached" if speed >= STATES_GOAL else "missed")


def main() -> None:
    """Print every table."""
    with tempfile.TemporaryDirectory() as folder:
        disks(Path(folder))
    archives()
    power_cuts()


if __name__ == "__main__":
    main()
