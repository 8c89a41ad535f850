"""`fata run examples/block` over each disk, and the class alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from examples.block.app import DiskCheck
from fata.driver.block.ramdisk import RamDisk
from fata.driver.console.memory import MemoryConsole
from fata.sim.pytest_plugin import Drive

WRITABLE = """\
disk: 8 sectors of 512 octets, writable
write: 8 sectors
flush: they survive a power cut
read back: 0 of 8 sectors differ
read beyond the end: StateError: 1 sectors from 8 on: outside a disk of 8 sectors
write beyond the end: StateError: 1 sectors from 8 on: outside a disk of 8 sectors
write half a sector: StateError: 256 octets at sector 0: no whole number of 512-octet sectors
"""
READ_ONLY = """\
disk: 8 sectors of 512 octets, read-only
read beyond the end: StateError: 1 sectors from 8 on: outside a disk of 8 sectors
write beyond the end: StateError: sector 8: the disk is read-only
write half a sector: StateError: sector 0: the disk is read-only
write to a read-only disk: StateError: sector 0: the disk is read-only
"""


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the example."""
    command = [sys.executable, "-m", "fata.tool.main", "run", str(Path(__file__).parent), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize(("disk", "expected"), [("ramdisk", WRITABLE), ("read-only", READ_ONLY)])
def test_runs_over_a_ram_disk(disk: str, expected: str) -> None:
    done = run("--disk", disk, "--sectors", "8")
    assert (done.returncode, done.stdout, done.stderr) == (0, expected, "")


def test_runs_over_an_image(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    image.write_bytes(bytes(8 * 512))
    done = run("--disk", "file", "--image", str(image), "--seed", "65")
    assert (done.returncode, done.stdout, done.stderr) == (0, WRITABLE, "")
    assert image.read_bytes()[7 * 512 :] == (65 + 7).to_bytes(8) * 64


def test_an_image_that_is_not_there_is_told_with_the_remedy(tmp_path: Path) -> None:
    done = run("--disk", "file", "--image", str(tmp_path / "none.img"))
    assert done.returncode == 2
    assert f"{tmp_path}/none.img" in done.stderr
    assert "--image" in done.stderr


def test_an_image_of_half_a_sector_is_told_with_the_remedy(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    image.write_bytes(bytes(1000))
    done = run("--disk", "file", "--image", str(image))
    assert done.returncode == 2
    assert f"{image}: 1000 octets are no whole number of 512-octet sectors\n  Make it 1024 octets" in done.stderr


def test_a_size_that_cannot_be_is_told() -> None:
    done = run("--sectors", "-1")
    assert done.returncode == 2
    assert "a disk cannot have -1 sectors" in done.stderr


class _Forgetful(RamDisk):
    async def flush(self) -> None:
        await self.write(3, bytes(512))


def test_a_disk_that_loses_a_sector_is_found_out(console: MemoryConsole, drive: Drive[Any]) -> None:
    with pytest.raises(SystemExit):
        drive(DiskCheck(_Forgetful(8), console, seed=1).run())
    assert "read back: 1 of 8 sectors differ\n" in console.output


def test_fills_the_disk_of_a_test(disk: RamDisk, console: MemoryConsole, drive: Drive[Any]) -> None:
    drive(DiskCheck(disk, console).run())
    assert "read back: 0 of 2048 sectors differ\n" in console.output
