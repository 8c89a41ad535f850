"""`fata run examples/disk_lottery` on an image, and its tickets through power cuts and damage."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from examples.disk_lottery import app
from fata.driver.block.ramdisk import RamDisk
from fata.driver.console.memory import MemoryConsole
from fata.driver.entropy.seeded import SeededEntropy
from fata.runtime.drive import drive
from fata.sim.powercut import Record, Recorder, campaign
from tests.programs import needs, needs_runtime

pytestmark = pytest.mark.slow  # most tests start processes

FOLDER = Path(__file__).parent
SLOTS = 4


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(SLOTS * 512))
    return path


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the example."""
    command = [sys.executable, "-m", "fata.tool.main", "run", str(FOLDER), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_ticket_is_bought_and_counts_its_draws(image: Path) -> None:
    words = ("--image", str(image), "--slot", "2")
    done = run(*words)
    assert (done.returncode, done.stdout) == (1, "slot 2 holds no valid ticket: --reset makes a new one\n")
    assert run(*words, "--reset").stdout == "new tickets: 1\n"
    for draw in (1, 2):
        done = run(*words)
        assert re.fullmatch(rf"slot 2: [1-6], you (win!|lose\.) \d of {draw}\n", done.stdout), done.stdout
    assert run("--image", str(image), "--slot", "1").returncode == 1
    assert run("--image", str(image), "--slot", str(SLOTS)).stdout == "there is no slot 4, the last one is 3\n"


def test_a_damaged_ticket_and_one_that_was_moved_are_not_valid(image: Path) -> None:
    run("--image", str(image), "--reset-all")
    octets = bytearray(image.read_bytes())
    octets[512 + 12] ^= 1
    octets[2 * 512 : 3 * 512] = octets[:512]
    image.write_bytes(octets)
    assert [run("--image", str(image), "--slot", str(slot)).returncode for slot in range(SLOTS)] == [0, 1, 1, 0]


@pytest.mark.qemu
@needs("qemu-system-x86_64")
@needs_runtime()
def test_a_machine_and_a_process_play_with_one_ticket(image: Path) -> None:
    run("--image", str(image), "--reset-all")
    words = ("-t", "virtio", "--machine", "microvm", "--drive", str(image))
    assert run(*words).stdout.endswith(" of 1\n")
    assert run("--image", str(image)).stdout.endswith(" of 2\n")


def _plays(rng: Random) -> Record:
    """Play with two tickets; the promise is how many draws each may show."""
    disk = Recorder(RamDisk(SLOTS))
    console, entropy = MemoryConsole(), SeededEntropy(rng.randrange(1 << 30))

    async def work() -> None:
        await app.Lottery(disk, entropy, console, reset_all=True).run()
        draws = [0, 0]
        for _ in range(rng.randrange(2, 12)):
            slot = rng.randrange(2)
            disk.promise(tuple({count, count + (at == slot)} for at, count in enumerate(draws)))
            disk.moment(f"draw {sum(draws)}")
            await app.Lottery(disk, entropy, console, slot=slot).run()
            draws[slot] += 1
            disk.promise(tuple({count} for count in draws))

    drive(work())
    return disk.record


def test_no_power_cut_loses_a_draw_that_was_told_or_damages_a_ticket() -> None:
    async def recover(disk: Recorder) -> list[int | None]:
        tickets = [app.parse(await disk.read(slot, 1), slot) for slot in range(2)]
        return [ticket and ticket.draws for ticket in tickets]

    def judge(seen: list[int | None], promise: tuple[set[int], ...] | None) -> None:
        for draws, allowed in zip(seen, promise or (), strict=False):
            assert draws in allowed

    report = campaign(_plays, recover, judge, states=200)
    assert report.states >= 200
