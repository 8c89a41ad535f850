"""`fata run examples/encrypted`: what is written is read again with the key, and with nothing else, on every target."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fata.blocking import drive
from fata.driver.block.encrypted import EncryptedBlock
from fata.driver.block.file import open_file_block
from tests.programs import needs, needs_runtime

pytestmark = pytest.mark.slow  # each test starts processes

FOLDER = Path(__file__).parent
KEY = bytes(range(64))
SECRET = "nobody shall read this"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A disk of 64 KiB whose plaintext is zeros: an empty archive. The key lies beside it."""
    path = tmp_path / "disk.img"
    disk = drive(open_file_block(str(path), create_sectors=128))
    drive(EncryptedBlock(disk, KEY).write(0, bytes(128 * 512)))
    drive(disk.close())
    (tmp_path / "disk.key").write_text(KEY.hex() + "\n")
    return path


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the example."""
    command = [sys.executable, "-m", "fata.tool.main", "run", str(FOLDER), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_entries_are_read_with_the_key_and_not_without(image: Path, tmp_path: Path) -> None:
    words = ("--image", str(image), "--file", f"disk.key={tmp_path / 'disk.key'}")
    assert run(*words, "--entry", SECRET).stdout == f"1: {SECRET}\n"
    assert run(*words, "--entry", "another").stdout == f"1: {SECRET}\n2: another\n"
    assert SECRET.encode() not in image.read_bytes()
    (tmp_path / "other.key").write_text(KEY[::-1].hex())
    done = run("--image", str(image), "--file", f"disk.key={tmp_path / 'other.key'}")
    assert done.returncode != 0
    assert "TarError: tar: " in done.stderr


def test_without_a_key_the_option_is_told(image: Path) -> None:
    done = run("--image", str(image))
    assert done.returncode == 2
    assert "--file disk.key=" in done.stderr


@pytest.mark.qemu
@needs("qemu-system-x86_64")
@needs_runtime()
def test_a_unikernel_reads_what_a_process_wrote_and_the_other_way(image: Path, tmp_path: Path) -> None:
    """The process encrypts by the package cryptography, the image by its own module: one format."""
    key = ("--file", f"disk.key={tmp_path / 'disk.key'}")
    here = ("--image", str(image), *key)
    there = ("-t", "virtio", "--machine", "microvm", "--drive", str(image), *key)
    assert run(*here, "--entry", "from a process").returncode == 0
    done = run(*there, "--entry", "from a machine")
    assert (done.returncode, done.stdout) == (0, "1: from a process\n2: from a machine\n"), done.stderr
    assert run(*here).stdout == "1: from a process\n2: from a machine\n"
