"""`fata run examples/partitions` on disks that `fata disk partition` has divided, as a process and as a unikernel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import needs, needs_runtime

pytestmark = pytest.mark.slow  # each test starts processes

FOLDER = Path(__file__).parent
EXPECTED = """\
first: 2048 sectors of 512 octets
second: 4096 sectors of 512 octets
first: 1048576 of 1048576 octets are 66
second: as before
"""


def fata(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    command = [sys.executable, "-m", "fata.tool.main", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(params=["gpt", "mbr"])
def image(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A disk of 16 MiB with partitions of 1 MiB and 2 MiB."""
    path = tmp_path / "disk.img"
    done = fata("disk", "partition", str(path), "1M", "2M", "--size", "16M", "--table", request.param)
    assert done.returncode == 0, done.stderr
    return path


def test_one_partition_is_filled_and_nothing_else(image: Path) -> None:
    before = image.read_bytes()
    done = fata("run", str(FOLDER), "--image", str(image), "--octet", "66")
    assert (done.returncode, done.stdout, done.stderr) == (0, EXPECTED, "")
    after = image.read_bytes()
    assert after[1 << 20 : 2 << 20] == b"B" * (1 << 20)
    assert after[: 1 << 20] + after[2 << 20 :] == before[: 1 << 20] + before[2 << 20 :]


@pytest.mark.qemu
@needs("qemu-system-x86_64")
@needs_runtime()
def test_the_same_on_a_machine_without_a_system(image: Path) -> None:
    words = ("-t", "virtio", "--machine", "microvm", "--drive", str(image), "--octet", "66")
    done = fata("run", str(FOLDER), *words)
    assert (done.returncode, done.stdout) == (0, EXPECTED), done.stderr
    assert image.read_bytes()[1 << 20 : 2 << 20] == b"B" * (1 << 20)


def test_a_disk_without_partitions_is_told(tmp_path: Path) -> None:
    (tmp_path / "disk.img").write_bytes(bytes(1 << 20))
    done = fata("run", str(FOLDER), "--image", str(tmp_path / "disk.img"))
    assert done.returncode != 0
    assert "mbr: ends with 0000, not 55aa: no partition table" in done.stderr
