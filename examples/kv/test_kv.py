"""`fata run examples/kv` over both stores, and the class alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from examples.kv.app import Notes
from fata.driver.console.memory import MemoryConsole
from fata.driver.kv.memory import MemoryKv
from fata.sim.pytest_plugin import Drive

EXPECTED = """\
write: notes/today and notes/later
  notes/later = learn Python
  notes/today = feed the cat
read a part: Python
change a part: of notes/later
  notes/later = learn OCaml!
  notes/today = feed the cat
rename: notes to archive
  archive/later = learn OCaml!
  archive/today = feed the cat
read what is not there: NotFound: 'notes/today': not found
read a dictionary: ValueExpected: 'archive': is a dictionary, a value is expected
flush: what was written survives a power cut
remove: archive
  (nothing)
"""


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the example."""
    command = [sys.executable, "-m", "fata.tool.main", "run", str(Path(__file__).parent), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_runs_in_memory() -> None:
    done = run("--note", "feed the cat")
    assert (done.returncode, done.stdout, done.stderr) == (0, EXPECTED, "")


def test_runs_over_a_folder_of_the_host(tmp_path: Path) -> None:
    done = run("--kv", "directory", "--folder", str(tmp_path), "--note", "feed the cat")
    assert (done.returncode, done.stdout, done.stderr) == (0, EXPECTED, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_runs_over_a_fat_volume(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    subprocess.run([sys.executable, "-m", "fata.tool.main", "fat", "create", str(image), "--size", "1M"], check=True)
    done = run("--kv", "fat", "--image", str(image), "--note", "feed the cat")
    assert (done.returncode, done.stdout, done.stderr) == (0, EXPECTED, "")


def test_a_folder_that_is_not_there_is_told_with_the_remedy(tmp_path: Path) -> None:
    done = run("--kv", "directory", "--folder", str(tmp_path / "none"))
    assert done.returncode == 2
    assert f"{tmp_path}/none" in done.stderr
    assert "--folder" in done.stderr


def test_leaves_what_it_does_not_know_alone(console: MemoryConsole, drive: Drive[Any]) -> None:
    store = MemoryKv()
    drive(store.set("other", b"mine"))
    drive(Notes(store, console).run())
    assert drive(store.get("other")) == b"mine"
    assert console.output.endswith("remove: archive\n  other = mine\n")


@pytest.mark.slow
def test_a_disk_without_a_volume_is_told_with_the_remedy(tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    disk.write_bytes(bytes(1 << 20))
    done = run("--kv", "fat", "--image", str(disk))
    assert (done.returncode, done.stdout) == (2, "")
    assert "no FAT volume: the boot sector ends with 0000" in done.stderr
    assert "fata fat create" in done.stderr
    assert "Traceback" not in done.stderr
