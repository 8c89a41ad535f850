"""A store on a FAT volume on a unikernel's disk, behind blklogwrites: what it called flushed is there after any cut."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fata.device.kv import Kind
from fata.driver.block.ramdisk import RamDisk
from fata.runtime.drive import drive
from fata.store.fat.kv import open_fat_kv
from tests.durability.kv_journal import changes
from tests.durability.log_writes import Entry
from tests.durability.replay import Disk, flush_points
from tests.durability.test_durability import DROPS_FLUSHES, MACHINES, SIZE, cut
from tests.programs import needs, needs_runtime
from tests.unikernel.guest import EXAMPLES, build

VOLUME = 1024 * 1024  # octets; the sector behind it has the promise
ROUNDS = 12
CONFIG = """
from fata.config import drive, fat_kv, main, register

register("journal", main("{module}:KvJournal", store=fat_kv(drive()), disk=drive()))
"""

pytestmark = [pytest.mark.qemu, needs("qemu-system-x86_64"), needs_runtime()]


def volume(folder: Path) -> Path:
    """Make an empty volume with a sector behind it."""
    disk = folder / "disk.img"
    words = ("fat", "create", str(disk), "--size", "1M")
    subprocess.run([sys.executable, "-m", "fata.tool.main", *words], check=True, stdout=subprocess.DEVNULL)
    disk.write_bytes(disk.read_bytes() + bytes(SIZE))
    return disk


def journal(folder: Path, mutant: str | None = None) -> Path:
    """Build the image of the journal, or of a mutant of it."""
    folder.mkdir()
    shutil.copy(Path(__file__).with_name("kv_journal.py"), folder)
    if mutant is not None:
        (folder / "mutant.py").write_text(mutant)
    (folder / "config.py").write_text(CONFIG.format(module="kv_journal" if mutant is None else "mutant"))
    return build(folder)


def contents(octets: bytes) -> dict[str, bytes]:
    """Return every value of a volume, by key."""
    disk = RamDisk(len(octets) // SIZE)
    drive(disk.write(0, octets))
    store = drive(open_fat_kv(disk))
    found, waiting = {}, [""]
    while waiting:
        dictionary = waiting.pop()
        for name, kind in drive(store.list(dictionary)):
            key = f"{dictionary}/{name}" if dictionary else name
            if kind is Kind.DICTIONARY:
                waiting.append(key)
            else:
                found[key] = drive(store.get(key))
    return found


def expected(rounds: int) -> dict[str, bytes]:
    """Return what the store holds after so many rounds."""
    made: dict[str, bytes] = {}
    for round_ in range(1, rounds + 1):
        for key, value in changes(round_).items():
            if value is None:
                del made[key]
            else:
                made[key] = value
    return made


def broken(content: bytes, entries: list[Entry]) -> tuple[int, list[int]]:
    """Return how many promises the log holds, and which of them a power cut would have broken, just then."""
    disk = Disk(content, SIZE)
    promises, lost = 0, []
    for entry in entries:
        if entry.data and entry.sector == VOLUME // SIZE:
            promises += 1
            if contents(bytes(disk.durable[:VOLUME])) != expected(int.from_bytes(entry.data)):
                lost.append(promises)
        disk.take(entry)
    return promises, lost


@MACHINES
def test_a_store_keeps_what_it_called_flushed(machine: str, tmp_path: Path) -> None:
    image, disk = journal(tmp_path / "journal"), volume(tmp_path)
    before = disk.read_bytes()
    entries, _ = cut(image, machine, f"--rounds={ROUNDS}", disk, f"flushed {ROUNDS}\n")
    assert broken(before, entries) == (ROUNDS, [])


def test_a_driver_that_drops_flushes_is_caught(tmp_path: Path) -> None:
    mutant = DROPS_FLUSHES.format(every=2).replace("from journal import Journal", "from kv_journal import KvJournal")
    image, disk = journal(tmp_path / "mutant", mutant.replace('"Journal"', '"KvJournal"')), volume(tmp_path)
    before = disk.read_bytes()
    entries, _ = cut(image, "microvm", f"--rounds={ROUNDS}", disk, f"flushed {ROUNDS}\n")
    assert broken(before, entries)[1] != []


@MACHINES
def test_what_the_example_says_of_a_power_cut_is_true(machine: str, tmp_path: Path) -> None:
    disk = volume(tmp_path)
    before = disk.read_bytes()
    image = build(EXAMPLES / "kv", "--kv", "fat")
    entries, _ = cut(image, machine, "", disk, "flush: what was written survives a power cut\n")
    kept = [contents(point[:VOLUME]) for point in flush_points(before, SIZE, entries)]
    assert kept[-1] == {"archive/later": b"learn OCaml!", "archive/today": b"buy milk"}
