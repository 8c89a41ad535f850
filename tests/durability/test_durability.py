"""Durability is real: a unikernel's disk behind QEMU's blklogwrites, replayed to every flush point.

QEMU is killed, as by a power cut: when it ends in good order it flushes by itself.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from fata.target.virtio.machine import Drive, Machine
from fata.target.virtio.qemu import command
from tests.durability.log_writes import MAGIC, SUPER, VERSION, Entry, parse
from tests.durability.oracle import expected, missing
from tests.durability.replay import flush_points
from tests.programs import needs, needs_runtime
from tests.unikernel.guest import EXAMPLES, PATIENCE, build

SIZE, SECTORS, ROUNDS = 512, 64, 20
CONFIG = """
from fata.config import drive, main, register

register("journal", main("{module}:Journal", disk=drive()))
"""
DROPS_FLUSHES = """
from fata.driver.virtio.block import VirtioBlock
from journal import Journal

__all__ = ["Journal"]

flush, count = VirtioBlock.flush, 0


async def forgetful(self):
    global count
    count += 1
    if count % {every}:
        await flush(self)


VirtioBlock.flush = forgetful
"""
MACHINES = pytest.mark.parametrize("machine", ["microvm", "q35"])

pytestmark = [pytest.mark.qemu, needs("qemu-system-x86_64"), needs_runtime()]


def logged(words: list[str], log: Path) -> list[str]:
    """Put blklogwrites before the disk of a QEMU command."""
    place = words.index("-drive")
    options = dict(option.split("=", 1) for option in words[place + 1].split(","))
    return [
        *words[:place],
        *("-blockdev", f"driver=file,node-name=content,filename={options['file']}"),
        *("-blockdev", f"driver=file,node-name=log,filename={log}"),
        *("-blockdev", f"driver=blklogwrites,node-name={options['id']},file=content,log=log,log-sector-size={SIZE}"),
        *words[place + 2 :],
    ]


def cut(image: Path, machine: str, line: str, disk: Path, last: str) -> tuple[list[Entry], str]:
    """Run an image until it says `last`, cut the power, and return the disk's log and what was said."""
    log = disk.with_suffix(".log")
    log.touch()
    words = logged(command(Machine(machine, drives=(Drive(disk),)), "tcg", image, line), log)
    said = ""
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as guest:
        timer = threading.Timer(PATIENCE, guest.kill)
        timer.start()
        assert guest.stdout is not None
        for text in guest.stdout:
            said += text
            if last in text:
                break
        guest.kill()
        timer.cancel()
    assert last in said, said
    octets = log.read_bytes()
    if not any(octets[:SIZE]):  # QEMU writes the first sector when it flushes: nobody ever asked for that
        octets = SUPER.pack(MAGIC, VERSION, 0, SIZE).ljust(SIZE, b"\0") + octets[SIZE:]
    size, entries = parse(octets)
    assert size == SIZE
    return entries, said


def empty(folder: Path, sectors: int) -> Path:
    """Make a disk."""
    disk = folder / "disk.img"
    disk.write_bytes(bytes(sectors * SIZE))
    return disk


def journal(folder: Path, mutant: str | None = None) -> Path:
    """Build the image of the journal, or of a mutant of it."""
    folder.mkdir()
    shutil.copy(Path(__file__).with_name("journal.py"), folder)
    module = "journal"
    if mutant is not None:
        module = "mutant"
        (folder / "mutant.py").write_text(mutant)
    (folder / "config.py").write_text(CONFIG.format(module=module))
    return build(folder)


@MACHINES
def test_nothing_flushed_is_missing_at_any_flush_point(machine: str, tmp_path: Path) -> None:
    image = journal(tmp_path / "journal")
    entries, said = cut(image, machine, f"--rounds={ROUNDS}", empty(tmp_path, SECTORS), f"flushed {ROUNDS}\n")
    told = [int(number) for number in re.findall(r"flushed (\d+)", said)]
    assert told == list(range(1, ROUNDS + 1))
    points = list(flush_points(bytes(SECTORS * SIZE), SIZE, entries))
    assert points == [expected(round_, SECTORS, SIZE) for round_ in told]
    assert missing(entries, SECTORS, SIZE, ROUNDS) == []


@pytest.mark.parametrize("every", [1, 7], ids=["all", "every seventh"])
def test_a_driver_that_drops_flushes_is_caught(every: int, tmp_path: Path) -> None:
    image = journal(tmp_path / "mutant", DROPS_FLUSHES.format(every=every))
    entries, _ = cut(image, "microvm", f"--rounds={ROUNDS}", empty(tmp_path, SECTORS), f"flushed {ROUNDS}\n")
    lost = missing(entries, SECTORS, SIZE, ROUNDS)
    assert any("was flushed" in each for each in lost)


@MACHINES
def test_what_the_example_says_of_a_power_cut_is_true(machine: str, tmp_path: Path) -> None:
    image = build(EXAMPLES / "block", "--disk", "drive")
    entries, _ = cut(image, machine, "--seed=65", empty(tmp_path, 8), "flush: they survive a power cut\n")
    (point,) = flush_points(bytes(8 * SIZE), SIZE, entries)
    assert point == b"".join((65 + sector).to_bytes(8) * (SIZE // 8) for sector in range(8))
