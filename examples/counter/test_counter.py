"""`fata run examples/counter` over an image, and the class under every power cut."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from examples.counter.app import Counter
from fata.driver.block.ramdisk import RamDisk
from fata.driver.console.memory import MemoryConsole
from fata.driver.entropy.seeded import SeededEntropy
from fata.runtime.drive import drive
from fata.sim.powercut import Recorder, check, record_over
from fata.store.btree.kv import open_btree_kv


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the example."""
    command = [sys.executable, "-m", "fata.tool.main", "run", str(Path(__file__).parent), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
def test_counts_from_run_to_run(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    image.write_bytes(bytes(1 << 20))
    for number in (1, 2, 3):
        done = run("--disk", "file", "--image", str(image))
        assert (done.returncode, done.stdout, done.stderr) == (0, f"this is start {number}\n", "")


@pytest.mark.slow
def test_in_memory_it_always_starts_anew() -> None:
    done = run("--steps", "2")
    assert (done.returncode, done.stdout) == (0, "this is start 1\nthis is start 2\n")


class Telling(MemoryConsole):
    """A console whose every line is a promise."""

    def __init__(self, disk: Recorder) -> None:
        super().__init__()
        self._disk = disk

    def write(self, text: str) -> None:
        super().write(text)
        self._disk.promise(int(text.split()[-1]))


def test_no_power_cut_takes_back_what_was_told() -> None:
    entropy = SeededEntropy(1)

    async def work() -> Recorder:
        ram = RamDisk(256)
        await (await open_btree_kv(ram, None, entropy)).set("other", b"")
        disk = await record_over(ram)
        disk.promise(0)
        await Counter(await open_btree_kv(disk, None, entropy), Telling(disk), steps=12).run()
        return disk

    async def count_on(disk: Recorder) -> int:
        console = MemoryConsole()
        await Counter(await open_btree_kv(disk, None, entropy), console).run()
        return int(console.output.split()[-1])

    def judge(next_number: int, told: object) -> None:
        assert isinstance(told, int)
        assert told < next_number <= told + 2, f"{told} was told, then comes {next_number}"

    report = check(drive(work()).record, count_on, judge, depth=0)
    assert report.states > 25
