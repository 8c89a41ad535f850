"""FileBlock: what only a disk in a file can do or suffer."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fata.driver.block.file import open_file_block
from fata.errors import ConfigError, DeviceError
from fata.runtime.drive import drive

NOBODY = 65534


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A file of eight sectors."""
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(8 * 512))
    return path


def test_what_was_written_is_in_the_file(image: Path) -> None:
    disk = drive(open_file_block(str(image)))
    drive(disk.write(2, b"x" * 512))
    drive(disk.flush())
    drive(disk.close())
    assert image.read_bytes() == bytes(1024) + b"x" * 512 + bytes(5 * 512)
    again = drive(open_file_block(str(image)))
    assert drive(again.read(2, 1)) == b"x" * 512
    drive(again.close())


def refusal(path: Path, *arguments: object, **options: object) -> str:
    """Return the text with which an open fails; it leaves no descriptor behind."""
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(DeviceError) as caught:
        drive(open_file_block(str(path), *arguments, **options))  # type: ignore[arg-type]
    assert len(os.listdir("/proc/self/fd")) == before
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_missing_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    assert "truncate -s" in refusal(tmp_path / "none.img")


def test_a_size_between_sectors_is_named_with_the_remedy(image: Path) -> None:
    image.write_bytes(bytes(1000))
    assert "Make it 1024 octets" in refusal(image)
    image.write_bytes(bytes(512 * 9))
    assert "Make it 8192 octets" in refusal(image, 4096)


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Be nobody for a while if we are root, whom nothing is forbidden."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_file_of_somebody_else_is_named_with_the_remedy() -> None:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "disk.img").write_bytes(bytes(512))
    (folder / "disk.img").chmod(0o400 if os.geteuid() else 0o444)
    with ordinary_user():
        assert "or open it read-only" in refusal(folder / "disk.img")
        drive(drive(open_file_block(str(folder / "disk.img"), read_only=True)).close())
    shutil.rmtree(folder)


@pytest.mark.parametrize("read_only", [False, True])
def test_only_files_and_block_devices_are_disks(tmp_path: Path, read_only: bool) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "folder", tmp_path / "fifo", Path("/dev/null")):
        assert "Name a disk image or a block device" in refusal(path, read_only=read_only)


def test_strings_that_are_no_paths_are_refused() -> None:
    with pytest.raises(DeviceError):
        drive(open_file_block("a\0b"))


def test_one_writer_or_many_readers(image: Path) -> None:
    writer = drive(open_file_block(str(image)))
    for read_only in (False, True):
        assert "another program has it open" in refusal(image, read_only=read_only)
    drive(writer.close())
    readers = [drive(open_file_block(str(image), read_only=True)) for _ in range(2)]
    assert "another program has it open" in refusal(image)
    for reader in readers:
        drive(reader.close())
    drive(drive(open_file_block(str(image))).close())


def test_a_new_disk_is_created_once(tmp_path: Path) -> None:
    path = tmp_path / "new.img"
    disk = drive(open_file_block(str(path), 1024, create_sectors=10))
    assert (disk.sectors, path.stat().st_size) == (10, 10240)
    drive(disk.write(9, b"x" * 1024))
    drive(disk.close())
    again = drive(open_file_block(str(path), 1024, create_sectors=99))
    assert again.sectors == 10
    assert drive(again.read(9, 1)) == b"x" * 1024
    drive(again.close())


def test_a_disk_that_cannot_be_created_leaves_nothing_behind(tmp_path: Path) -> None:
    for sectors in (1 << 60, 1 << 50):
        assert "cannot be made" in refusal(tmp_path / "huge.img", create_sectors=sectors)
    assert os.listdir(tmp_path) == []
    (tmp_path / "mine.img").touch()
    assert "cannot be made" in refusal(tmp_path / "mine.img", create_sectors=1 << 60)
    assert (tmp_path / "mine.img").stat().st_size == 0
    assert "Create it" in refusal(tmp_path / "none" / "new.img", create_sectors=1)


@pytest.mark.parametrize(
    "options", [{"create_sectors": -1}, {"create_sectors": 1, "read_only": True}, {"sector_size": 0}]
)
def test_options_that_make_no_sense_are_refused(image: Path, options: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        drive(open_file_block(str(image), **options))  # type: ignore[arg-type]


def test_discarded_sectors_cost_no_space(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    image.write_bytes(b"x" * (1 << 20))
    before = image.stat().st_blocks
    disk = drive(open_file_block(str(image)))
    drive(disk.discard(0, 1024))
    drive(disk.discard(1031, 3))  # no whole block of any file system
    assert image.stat().st_size == 1 << 20
    assert drive(disk.read(1024, 7)) == b"x" * 7 * 512
    if image.stat().st_blocks < before:  # the file system can
        assert drive(disk.read(0, 1024)) == bytes(512 * 1024)
    drive(disk.close())


def test_a_file_that_shrinks_is_the_worlds_fault(image: Path) -> None:
    disk = drive(open_file_block(str(image)))
    os.truncate(image, 1024)
    with pytest.raises(DeviceError, match="ends at octet 1024"):
        drive(disk.read(0, 4))
    assert drive(disk.read(0, 2)) == bytes(1024)
    drive(disk.close())


def test_short_transfers_go_on(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pread, pwrite = os.pread, os.pwrite
    disk = drive(open_file_block(str(image)))
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: pwrite(fd, data[:100], at))
    drive(disk.write(1, bytes(range(256)) * 4))
    monkeypatch.setattr(os, "pread", lambda fd, count, at: pread(fd, min(count, 100), at))
    assert drive(disk.read(0, 4)) == bytes(512) + bytes(range(256)) * 4 + bytes(512)
    drive(disk.close())


FULL_DISK = """
import resource, sys
from fata.driver.block.file import open_file_block
from fata.errors import DeviceError
from fata.runtime.drive import drive
disk = drive(open_file_block(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
drive(disk.write(0, b"x" * 1024))
try:
    drive(disk.write(1, b"y" * 1024))
except DeviceError as error:
    print(error)
"""


def test_a_write_that_the_host_cuts_short_is_an_error(image: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", FULL_DISK, str(image)], capture_output=True, text=True, check=True)
    assert ran.stdout == f"{image}: write failed at octet 1024: File too large\n"
    assert image.read_bytes()[:1536] == b"x" * 512 + b"y" * 512 + bytes(512)


def test_after_a_failed_flush_nothing_is_promised_any_more(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = drive(open_file_block(str(image)))

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(DeviceError, match="Input/output error"):
        drive(disk.flush())
    monkeypatch.undo()
    with pytest.raises(DeviceError, match="unflushed writes may be lost"):
        drive(disk.flush())
    drive(disk.write(0, b"x" * 512))
    assert drive(disk.read(0, 1)) == b"x" * 512
    drive(disk.close())


def test_errors_of_the_host_name_the_file(image: Path) -> None:
    disk = drive(open_file_block(str(image)))
    os.close(disk._descriptor)  # the medium goes away
    for operation in (disk.read(0, 1), disk.write(0, bytes(512)), disk.discard(0, 1), disk.flush(), disk.close()):
        with pytest.raises(DeviceError, match=r"disk\.img: .*(Bad file descriptor)"):
            drive(operation)


@pytest.mark.root
def test_a_block_device_is_as_large_as_it_says(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    image.write_bytes(bytes(64 * 512))
    attached = subprocess.run(["losetup", "--show", "-f", str(image)], capture_output=True, text=True)
    if attached.returncode:
        pytest.skip(f"no loop devices here: {attached.stderr.strip()}")
    device = attached.stdout.strip()
    try:
        disk = drive(open_file_block(device))
        assert disk.sectors == 64
        drive(disk.write(63, b"x" * 512))
        drive(disk.discard(0, 8))
        drive(disk.flush())
        drive(disk.close())
    finally:
        subprocess.run(["losetup", "-d", device], check=True)
    assert image.read_bytes()[63 * 512 :] == b"x" * 512


def test_a_disk_of_a_tebibyte_takes_the_room_of_what_was_written(tmp_path: Path) -> None:
    sectors = 1 << 31
    disk = drive(open_file_block(str(tmp_path / "large.img"), create_sectors=sectors))
    for sector in (0, sectors // 2, sectors - 1):
        drive(disk.write(sector, b"x" * 512))
    drive(disk.flush())
    assert drive(disk.read(sectors - 2, 2)) == bytes(512) + b"x" * 512
    state = (tmp_path / "large.img").stat()
    assert (state.st_size, state.st_blocks < 4096) == (1 << 40, True)
    drive(disk.close())
