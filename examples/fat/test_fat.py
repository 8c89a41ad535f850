"""`fata run examples/fat` over each disk, read by mtools afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from examples.fat.app import LOG, Logbook
from fata.driver.block.ramdisk import RamDisk
from fata.driver.clock.virtual import VirtualClock
from fata.driver.console.memory import MemoryConsole
from fata.sim.pytest_plugin import Drive

SECOND = """\
the entry is on the disk; pull the plug if you like
  Logbook/All entries.txt: 15 octets
Land!
Water...
FAT12 'LOGBOOK': 2001 of 2003 clusters are free
faults: 0
"""


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the example."""
    command = [sys.executable, "-m", "fata.tool.main", "run", str(Path(__file__).parent), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.slow
@pytest.mark.peer
def test_an_image_keeps_what_was_written_and_others_read_it(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    image.write_bytes(bytes(1 << 20))
    words = ("--disk", "file", "--image", str(image))
    first = run(*words, "--entry", "Land!")
    assert (first.returncode, first.stdout.splitlines()[0]) == (
        0, "formatting: no FAT volume: the boot sector ends with 0000, not 55aa",
    )  # fmt: skip
    second = run(*words, "--entry", "Water...")
    assert (second.returncode, second.stdout, second.stderr) == (0, SECOND, "")
    settings = {**os.environ, "MTOOLS_SKIP_CHECK": "1"}
    read = subprocess.run(["mtype", "-i", str(image), f"::{LOG}"], capture_output=True, env=settings, check=True)
    assert read.stdout == b"Land!\nWater...\n"
    fsck = shutil.which("fsck.fat", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    judged = subprocess.run([str(fsck), "-n", str(image)], capture_output=True, text=True, check=False)
    assert (judged.returncode, len(judged.stdout.splitlines())) == (0, 2), judged.stdout


@pytest.mark.slow
def test_what_is_no_empty_disk_is_left_alone(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    image.write_bytes(b"a letter".ljust(1 << 20))
    done = run("--disk", "file", "--image", str(image))
    assert done.returncode != 0
    assert image.read_bytes() == b"a letter".ljust(1 << 20)


def test_the_class_alone(console: MemoryConsole, drive: Drive[Any]) -> None:
    disk, clock = RamDisk(2048), VirtualClock(wall=1.7e9)
    for entry in ("Land!", "Water..."):
        drive(Logbook(disk, clock, console, entry=entry).run())
    assert console.output.endswith(SECOND)
