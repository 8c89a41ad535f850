"""Programs that are not ours, and what they say of an image."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import warnings
from pathlib import Path

from fata.driver.block.ramdisk import RamDisk
from fata.runtime.drive import drive

Tree = dict[str, bytes | None]  # a directory is None
SEARCHED = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"

# What fsck.fat -n -v says of a volume in order. Its exit status is 0 on some volumes that are not.
EXPECTED = re.compile(
    "|".join(
        (
            r"fsck\.fat \d.*",
            r"Checking (we can access|for unused|free cluster).*",
            r"Boot sector contents:|System ID .*|Media byte .*",
            r" +\d+ (bytes per|reserved sector|FATs?,|data cluster|hidden sector|sectors total|root dir).*",
            r"First FAT starts .*| +\d+ bytes per FAT.*|Root directory starts? .*|Data area starts .*",
            r"\d+ sectors/track,.*",
            r".*: \d+ files, \d+/\d+ clusters",
        )
    )
)


def complaints(image: Path) -> list[str]:
    """Return what fsck.fat says of an image beside what it says of every one."""
    command = [str(shutil.which("fsck.fat", path=SEARCHED)), "-n", "-v", str(image)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    said = [line for line in (done.stdout + done.stderr).splitlines() if not EXPECTED.fullmatch(line)]
    return said or ([] if done.returncode == 0 else [f"status {done.returncode}"])


def mkfs(image: Path, octets: int, *words: str) -> None:
    """Make a volume with mkfs.fat."""
    with image.open("wb") as file:
        file.truncate(octets)
    command = [str(shutil.which("mkfs.fat", path=SEARCHED)), *words, str(image)]
    subprocess.run(command, capture_output=True, timeout=60, check=True)


def mtool(tool: str, image: Path, *words: str | Path) -> str:
    """Run one of the mtools on an image."""
    settings = {**os.environ, "MTOOLS_SKIP_CHECK": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    command = [tool, "-i", str(image), *map(str, words)]
    done = subprocess.run(command, capture_output=True, env=settings, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{tool}: {done.stderr}"
    return done.stdout


def read_by_mtools(image: Path, folder: Path) -> Tree:
    """Copy all of an image to a folder with mcopy, and return what has come."""
    folder.mkdir()
    mtool("mcopy", image, "-s", "-n", "-m", "::*", folder)
    return on_host(folder)


def read_by_pyfatfs(image: Path) -> Tree:
    """Return all that pyfatfs finds in an image."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyfatfs.PyFatFS import PyFatFS  # type: ignore[import-untyped]

        with PyFatFS(str(image), read_only=True) as files:
            found: Tree = {path[1:]: None for path in files.walk.dirs("/")}
            return found | {path[1:]: files.readbytes(path) for path in files.walk.files("/")}


def write_on_host(tree: Tree, folder: Path) -> None:
    """Write a tree to a folder."""
    for path, content in tree.items():
        if content is None:
            (folder / path).mkdir(parents=True, exist_ok=True)
        else:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)


def on_host(folder: Path) -> Tree:
    """Read a tree from a folder."""
    paths = sorted(folder.rglob("*"))
    return {str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes() for path in paths}


def disk_of(image: Path) -> RamDisk:
    """Return a disk that holds an image."""
    octets = image.read_bytes()
    disk = RamDisk(len(octets) // 512)
    drive(disk.write(0, octets))
    return disk


def save(disk: RamDisk, image: Path) -> None:
    """Write a disk to a file."""
    image.write_bytes(drive(disk.read(0, disk.sectors)))
