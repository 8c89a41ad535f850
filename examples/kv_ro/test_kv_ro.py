"""`fata run examples/kv_ro` says the same over every kind of store, made by us or by others, on every target."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.programs import needs, needs_runtime

pytestmark = pytest.mark.slow  # each test starts processes

FOLDER = Path(__file__).parent
PAGES = FOLDER / "pages"
EXPECTED = """\
more/
  deep/
    A longer name, ü.txt  25
  first.txt  20
welcome.txt  57
Welcome. These pages are the same on every kind of disk.
"""


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the example."""
    command = [sys.executable, "-m", "fata.tool.main", "run", str(FOLDER), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def tar(image: Path) -> None:
    """Pack the pages with GNU tar."""
    subprocess.run(["tar", "cf", image, "-C", PAGES, "."], check=True, timeout=30)


def zipped(image: Path) -> None:
    """Pack the pages with Python's zipfile, and fill up to whole sectors."""
    with zipfile.ZipFile(image, "w", zipfile.ZIP_DEFLATED) as archive:
        for page in sorted(PAGES.rglob("*.txt")):
            archive.write(page, page.relative_to(PAGES))
    octets = image.read_bytes()
    image.write_bytes(octets + bytes(-len(octets) % 512))


def fat(image: Path) -> None:
    """Make a volume with mkfs.fat and fill it with mtools."""
    path = "/usr/sbin:/sbin:/usr/bin"
    subprocess.run([shutil.which("mkfs.fat", path=path) or "", "-C", image, "1024"], check=True, timeout=30)
    sources = [str(page) for page in sorted(PAGES.iterdir())]
    subprocess.run(["mcopy", "-s", "-i", str(image), *sources, "::/"], check=True, timeout=30)


DISKS: dict[str, Callable[[Path], None]] = {"tar-disk": tar, "zip-disk": zipped, "fat-disk": fat}


@pytest.mark.parametrize("kind", ["crunch", "fat", "tar", "dir"])
def test_the_pages_are_the_same_from_every_kind_of_store(kind: str) -> None:
    done = run("--kv", kind)
    assert (done.returncode, done.stdout, done.stderr) == (0, EXPECTED, "")


@pytest.mark.peer
@needs("tar")
@needs("mcopy")
@pytest.mark.parametrize("kind", DISKS)
def test_disks_that_others_have_made_are_read(kind: str, tmp_path: Path) -> None:
    DISKS[kind](tmp_path / "disk.img")
    done = run("--kv", kind, "--image", str(tmp_path / "disk.img"))
    assert (done.returncode, done.stdout, done.stderr) == (0, EXPECTED, "")


@pytest.mark.qemu
@needs("qemu-system-x86_64")
@needs_runtime()
@pytest.mark.parametrize("kind", ["crunch", "fat", "tar", "zip-disk"])
def test_the_same_on_a_machine_without_a_system(kind: str, tmp_path: Path) -> None:
    words: tuple[str, ...] = ("-t", "virtio", "--machine", "microvm", "--kv", kind)
    if kind in DISKS:
        DISKS[kind](tmp_path / "disk.img")
        words += ("--drive", str(tmp_path / "disk.img"))
    done = run(*words)
    assert (done.returncode, done.stdout) == (0, EXPECTED), done.stderr


def test_what_is_not_there_is_told() -> None:
    done = run("--show", "nowhere")
    assert done.returncode == 1
    assert done.stdout.endswith("there is no nowhere\n")
