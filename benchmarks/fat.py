"""FAT beside mtools and pyfatfs: a large file, and 10,000 small ones in one directory and in a tree.

A volume of 512 MiB, FAT32 with clusters of 4 KiB: ours on a RAM disk and in a file, the others in a file, all of it in
memory (/dev/shm). mtools does each row in one process for all files. Both get fewer small files, which is to their
advantage: what they take for one grows with the directory.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from benchmarks.table import Table
from fata.device.block import Block
from fata.disk.fat.plan import Wish
from fata.driver.block.file import open_file_block
from fata.driver.block.ramdisk import RamDisk
from fata.runtime.drive import drive
from fata.store.fat.file_system import FileSystem
from fata.store.fat.mount import format_volume, mount

SIZE = 512 << 20
LARGE = bytes(range(256)) * (64 << 12)
PIECE = 1 << 20
SMALL = b"x" * 100
FILES = 10_000
FOLDERS = 100
FEWER = 300  # files for mtools: it needs 50 s for 1,000 in one directory
FEW = 200  # files for pyfatfs
ROUNDS = 3
MEGA = 1_000_000
PEERS = ("fata, RAM disk", "fata, file", "mtools", "pyfatfs")

ROWS: dict[str, tuple[str, float]] = {  # unit, goal
    "write 64 MiB": ("MB/s", 150),
    "read 64 MiB": ("MB/s", 300),
    "create, one directory": ("files/s", 5_000),
    "read, one directory": ("files/s", 20_000),
    "list, one directory": ("files/s", 0),
    "delete, one directory": ("files/s", 0),
    "create, tree": ("files/s", 5_000),
    "read, tree": ("files/s", 20_000),
    "list, tree": ("files/s", 0),
    "delete, tree": ("files/s", 0),
}
RATIO = 10  # times pyfatfs, every row

Results = dict[str, float]


class Contestant(Protocol):
    """Does what a row says; `count` says how many small files there are."""

    count: int

    def steps(self) -> dict[str, Callable[[], object]]:
        """Return what is measured, by row, in order."""
        ...


def measure(contestant: Contestant) -> Results:
    """Return megaoctets or files a second, by row."""
    results = {}
    for row, step in contestant.steps().items():
        start = time.perf_counter()
        step()
        spent = time.perf_counter() - start
        results[row] = (len(LARGE) / MEGA if "64 MiB" in row else contestant.count) / spent
    return results


def names(folder: str, count: int) -> list[str]:
    """Return the small files' paths: in one directory, or in a tree of as many as there are FOLDERS."""
    if folder == "one":
        return [f"one/small file {number:05}.txt" for number in range(count)]
    share = max(count // FOLDERS, 1)
    return [f"tree/folder {number // share:03}/small file {number % share:05}.txt" for number in range(count)]


class Ours:
    """The file system on a disk."""

    count = FILES

    def __init__(self, block: Block) -> None:
        drive(format_volume(block, Wish(32, cluster_size=4096)))
        self.files: FileSystem = drive(mount(block))

    def steps(self) -> dict[str, Callable[[], object]]:
        return {
            "write 64 MiB": self.write,
            "read 64 MiB": self.read,
            **self.small("one", "one directory"),
            **self.small("tree", "tree"),
        }

    def write(self) -> None:
        """Write in pieces, durably."""
        drive(self.files.store("large", b""))
        view = memoryview(LARGE)
        for at in range(0, len(LARGE), PIECE):
            drive(self.files.append("large", view[at : at + PIECE]))  # type: ignore[arg-type]
        drive(self.files.flush())

    def read(self) -> None:
        """Read in pieces."""
        for at in range(0, len(LARGE), PIECE):
            assert len(drive(self.files.read("large", at, PIECE))) == PIECE

    def small(self, folder: str, title: str) -> dict[str, Callable[[], object]]:
        """Return the rows of small files."""
        paths = names(folder, FILES)
        return {
            f"create, {title}": lambda: self.create(paths),
            f"read, {title}": lambda: [drive(self.files.read(path)) for path in paths],
            f"list, {title}": lambda: self.list_all(folder),
            f"delete, {title}": lambda: self.delete(paths),
        }

    def create(self, paths: list[str]) -> None:
        """Make files, durably."""
        for path in paths:
            drive(self.files.store(path, SMALL, parents=True))
        drive(self.files.flush())

    def list_all(self, folder: str) -> None:
        """List a directory and those in it."""
        for entry in drive(self.files.list(folder)):
            if entry.kind.value == "dictionary":
                drive(self.files.list(f"{folder}/{entry.name}"))

    def delete(self, paths: list[str]) -> None:
        """Remove files, durably."""
        for path in paths:
            drive(self.files.remove(path))
        drive(self.files.flush())


class Mtools:
    """One process for each row."""

    count = FEWER

    def __init__(self, image: Path, scratch: Path) -> None:
        self.image = image
        make_image(image)
        self.source, self.target = scratch / "source", scratch / "target"
        for path in [*names("one", FEWER), *names("tree", FEWER)]:
            (self.source / path).parent.mkdir(parents=True, exist_ok=True)
            (self.source / path).write_bytes(SMALL)
        (self.source / "large").write_bytes(LARGE)
        self.target.mkdir()

    def steps(self) -> dict[str, Callable[[], object]]:
        return {
            "write 64 MiB": lambda: self.run("mcopy", self.source / "large", "::large"),
            "read 64 MiB": lambda: self.run("mtype", "::large"),
            **self.small("one", "one directory"),
            **self.small("tree", "tree"),
        }

    def small(self, folder: str, title: str) -> dict[str, Callable[[], object]]:
        """Return the rows of small files."""
        return {
            f"create, {title}": lambda: self.run("mcopy", "-s", self.source / folder, "::"),
            f"read, {title}": lambda: self.run("mcopy", "-s", "-n", f"::{folder}", self.target),
            f"list, {title}": lambda: self.run("mdir", "-/", "-b", f"::{folder}"),
            f"delete, {title}": lambda: self.run("mdeltree", f"::{folder}"),
        }

    def run(self, command: str, *words: str | Path) -> None:
        """Run one of the tools on the image."""
        settings = {**os.environ, "MTOOLS_SKIP_CHECK": "1"}
        done = subprocess.run(
            [command, "-i", str(self.image), *map(str, words)],
            capture_output=True,
            env=settings,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{command}: {done.stderr.decode()}")


class Pyfatfs:
    """pyfatfs in this process."""

    count = FEW

    def __init__(self, image: Path) -> None:
        make_image(image)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pyfatfs.PyFatFS import PyFatFS  # type: ignore[import-untyped]
        self.files = PyFatFS(str(image))

    def steps(self) -> dict[str, Callable[[], object]]:
        return {
            "write 64 MiB": self.write,
            "read 64 MiB": self.read,
            **self.small("one", "one directory"),
            **self.small("tree", "tree"),
        }

    def write(self) -> None:
        """Write in pieces."""
        with self.files.openbin("/large", "w") as file:
            for at in range(0, len(LARGE), PIECE):
                file.write(LARGE[at : at + PIECE])

    def read(self) -> None:
        """Read in pieces."""
        with self.files.openbin("/large", "r") as file:
            while file.read(PIECE):
                pass

    def small(self, folder: str, title: str) -> dict[str, Callable[[], object]]:
        """Return the rows of small files."""
        paths = names(folder, FEW)
        return {
            f"create, {title}": lambda: self.create(paths),
            f"read, {title}": lambda: [self.files.readbytes(f"/{path}") for path in paths],
            f"list, {title}": lambda: list(self.files.walk.files(f"/{folder}")),
            f"delete, {title}": lambda: [self.files.remove(f"/{path}") for path in paths],
        }

    def create(self, paths: list[str]) -> None:
        """Make files, and the directories on their way."""
        for path in paths:
            self.files.makedirs("/" + path.rpartition("/")[0], recreate=True)
            self.files.writebytes(f"/{path}", SMALL)


def make_image(image: Path) -> None:
    """Make an empty volume with mkfs.fat."""
    image.unlink(missing_ok=True)
    with image.open("wb") as file:
        file.truncate(SIZE)
    mkfs = shutil.which("mkfs.fat", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    subprocess.run([str(mkfs), "-F", "32", "-s", "8", str(image)], capture_output=True, check=True)


def contestants(scratch: Path) -> Iterator[tuple[str, Contestant]]:
    """Yield everybody, ready to begin."""
    image = scratch / "image"
    for _ in range(ROUNDS):
        yield PEERS[0], Ours(RamDisk(SIZE // 512))
        block = drive(open_file_block(str(image), create_sectors=SIZE // 512))
        yield PEERS[1], Ours(block)
        drive(block.close())
        image.unlink()
    mtools = Mtools(image, scratch)
    yield PEERS[2], mtools
    yield PEERS[3], Pyfatfs(image)


def main() -> None:
    """Print the table."""
    if not shutil.which("mtools"):
        sys.exit("fat: needs mtools and mkfs.fat: scripts/setup.sh bench")
    results: dict[str, list[Results]] = {peer: [] for peer in PEERS}
    missed = []
    folder = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    title = f"FAT: 64 MiB, and {FILES:,} files of {len(SMALL)} octets; the median of {ROUNDS} runs of ours"
    with (
        Table(title, "row", "unit", *PEERS, "× pyfatfs", "goal", "verdict") as table,
        tempfile.TemporaryDirectory(dir=folder) as scratch,
    ):
        for peer, contestant in contestants(Path(scratch)):
            results[peer].append(measure(contestant))
        for row, (unit, goal) in ROWS.items():
            values = [sorted(round_[row] for round_ in results[peer])[len(results[peer]) // 2] for peer in PEERS]
            ratio = values[0] / values[3]
            wanted = f"≥ {goal:,.0f}, " if goal else ""
            met = values[0] >= goal and ratio >= RATIO
            table.row(row, unit, *values, ratio, f"{wanted}≥ {RATIO} ×", "met" if met else "missed")
            missed += [] if met else [row]
    if missed:
        print(f"fat: goals missed: {'; '.join(missed)}", file=sys.stderr)


if __name__ == "__main__":
    main()
