"""FAT images of folders: what the build packs is what the program reads, and the same octets every time."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest

from fata.blocking import blocking, drive
from fata.blocking.fat_image import pack
from fata.driver.block.memory_image import MemoryImage
from fata.errors import ConfigError
from fata.store.fat.kv import open_fat_kv_ro


def made(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files, all of one time."""
    for key, value in files.items():
        path = folder / "in" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value)
        os.utime(path, (1_700_000_000, 1_700_000_000))
    (folder / "in").mkdir(exist_ok=True)
    return folder / "in"


FILES = {
    "index.html": b"<p>",
    "css/a long name with blanks.css": Random(1).randbytes(70_000),
    "empty": b"",
    **{f"many/{number:04}": bytes([number % 256]) * number for number in range(300)},
}


def test_everything_is_in_the_image_and_two_images_are_equal(tmp_path: Path) -> None:
    folder, image = made(tmp_path, FILES), tmp_path / "out.fat"
    pack(str(folder), str(image))
    first = image.read_bytes()
    pack(str(folder), str(image))
    assert image.read_bytes() == first
    assert len(first) < 3 * sum(len(value) for value in FILES.values()) + (1 << 20)
    store = blocking(drive(open_fat_kv_ro(MemoryImage(first))))
    for key, value in FILES.items():
        assert store.get(key) == value
    assert store.last_modified("index.html") == 1_700_000_000.0


@pytest.mark.parametrize("size", [0, 1, 4_000_000, 40_000_000])
def test_folders_of_every_size_fit(tmp_path: Path, size: int) -> None:
    folder, image = made(tmp_path, {"x": bytes(size)} if size else {}), tmp_path / "out.fat"
    pack(str(folder), str(image))
    assert image.stat().st_size >= size
    store = blocking(drive(open_fat_kv_ro(MemoryImage(image.read_bytes()))))
    assert [name for name, _ in store.list("")] == (["x"] if size else [])


def test_many_files_in_the_root_make_no_large_image(tmp_path: Path) -> None:
    folder, image = (
        made(tmp_path, {f"page number {number}.html": b"<p>" for number in range(400)}),
        tmp_path / "out.fat",
    )
    pack(str(folder), str(image))
    assert image.stat().st_size < 1 << 20
    store = blocking(drive(open_fat_kv_ro(MemoryImage(image.read_bytes()))))
    assert len(store.list("")) == 400


def test_no_time_is_later_than_the_epoch_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1600000000")
    folder, image = made(tmp_path, {"x": b"1"}), tmp_path / "out.fat"
    pack(str(folder), str(image))
    store = blocking(drive(open_fat_kv_ro(MemoryImage(image.read_bytes()))))
    assert store.last_modified("x") == 1_600_000_000.0


def test_names_that_fat_does_not_tell_apart_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="exists already"):
        pack(str(made(tmp_path, {"README": b"1", "readme": b"2"})), str(tmp_path / "out.fat"))
    assert not (tmp_path / "out.fat").exists()


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("fsck.fat", path="/usr/sbin:/sbin:/usr/bin") is None, reason="needs fsck.fat")
def test_fsck_has_nothing_to_say(tmp_path: Path) -> None:
    folder, image = made(tmp_path, FILES), tmp_path / "out.fat"
    pack(str(folder), str(image))
    words = [str(shutil.which("fsck.fat", path="/usr/sbin:/sbin:/usr/bin")), "-n", str(image)]
    said = subprocess.run(words, capture_output=True, text=True, timeout=30, check=True).stdout.splitlines()
    assert len(said) == 2, said
