"""Packing a folder: the same octets for the same files, and one message for what cannot be packed."""

from __future__ import annotations

import os
import shutil
import socket
import tracemalloc
from pathlib import Path

import pytest

from fata.driver.kv.crunch import Crunch, pack
from fata.errors import ConfigError, DeviceError
from fata.runtime.drive import drive

MEGABYTE = 1 << 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a few files."""
    site = tmp_path / "site"
    (site / "css").mkdir(parents=True)
    (site / "index.html").write_bytes(b"<p>")
    (site / "css" / "site.css").write_bytes(b"p {}")
    (site / "css" / "same.css").write_bytes(b"p {}")
    return site


def packed(folder: Path) -> bytes:
    """Pack a folder; return the image."""
    out = folder.parent / "image"
    pack(str(folder), str(out))
    return out.read_bytes()


def test_every_file_is_a_value(folder: Path) -> None:
    (folder / "empty").mkdir()
    store = Crunch(packed(folder))
    assert [name for name, _ in drive(store.list(""))] == ["css", "index.html"]
    assert drive(store.get("css/site.css")) == b"p {}"


def test_the_same_files_make_the_same_octets(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    first = packed(folder)
    other = folder.parent / "other"
    for name in ("index.html", "css/site.css", "css/same.css"):  # another order, other owners' times and modes
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, other / name)
        (other / name).chmod(0o600)
    assert packed(other) == first
    assert drive(Crunch(first).last_modified("")) == 1_700_000_000


def test_older_files_keep_their_times(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    os.utime(folder / "index.html", (1.6e9, 1.6e9))
    os.utime(folder / "css" / "site.css", (-10, -10))
    store = Crunch(packed(folder))
    assert drive(store.last_modified("index.html")) == 1.6e9
    assert drive(store.last_modified("css/site.css")) == 0


@pytest.mark.parametrize("text", ["soon", "-1", "1.5", "\u0661"])
def test_a_date_that_is_none_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    with pytest.raises(ConfigError, match="SOURCE_DATE_EPOCH"):
        packed(folder)


def test_equal_contents_are_stored_once(folder: Path) -> None:
    before = len(packed(folder))
    for number in range(5):
        (folder / f"again-{number}").write_bytes(b"p {}")
    (folder / "zz").write_bytes(b"last")
    image = packed(folder)
    assert len(image) == before + 5 * (64 + len("again-0")) + 64 + len("zz") + len(b"last")
    assert drive(Crunch(image).get("again-4")) == b"p {}"
    assert drive(Crunch(image).get("zz")) == b"last"


def test_a_large_file_is_never_in_memory_whole(folder: Path) -> None:
    with open(folder / "large", "wb") as large:
        large.truncate(12 * MEGABYTE)
    tracemalloc.start()
    pack(str(folder), str(folder.parent / "image"))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4 * MEGABYTE
    assert (folder.parent / "image").stat().st_size > 12 * MEGABYTE


def test_links_that_stay_inside_are_followed(folder: Path) -> None:
    (folder / "link").symlink_to("css/site.css")
    (folder / "style").symlink_to("css")
    store = Crunch(packed(folder))
    assert drive(store.get("link")) == b"p {}"
    assert drive(store.get("style/same.css")) == b"p {}"


def refusal(folder: Path, name: str) -> None:
    """Expect a refusal that names the file; nothing is written."""
    with pytest.raises(ConfigError) as caught:
        packed(folder)
    assert name in str(caught.value)
    assert caught.value.remedy
    assert os.listdir(folder.parent) == ["site"]


@pytest.mark.parametrize("target", ["/etc/passwd", "..", "../..", "/", "../site2", "css/../../../etc"])
def test_links_that_lead_out_are_refused(folder: Path, target: str) -> None:
    if target == "../site2":  # a prefix of the folder's name is not the folder
        (folder / "link").symlink_to(f"{folder}2")
        shutil.copytree(folder, f"{folder}2", symlinks=True)
        with pytest.raises(ConfigError, match="leads out"):
            packed(folder)
        return
    (folder / "link").symlink_to(target)
    refusal(folder, "site/link")


@pytest.mark.parametrize("target", ["nothing", "link", ".", "css/loop"])
def test_links_that_lead_nowhere_or_in_circles_are_refused(folder: Path, target: str) -> None:
    (folder / "link").symlink_to(target)
    (folder / "css" / "loop").symlink_to("../css")
    refusal(folder, "css/loop" if target == "css/loop" else "site/")


def test_special_files_are_refused(folder: Path) -> None:
    os.mkfifo(folder / "fifo")
    refusal(folder, "site/fifo")
    os.unlink(folder / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        refusal(folder, "site/socket")


def test_names_that_are_not_utf8_are_refused(folder: Path) -> None:
    (Path(os.fsdecode(bytes(folder) + b"/\xff"))).touch()
    refusal(folder, "\\udcff")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    for name in ("none", "file"):
        (tmp_path / "file").touch()
        with pytest.raises(ConfigError, match=f"{name}: no such folder"):
            pack(str(tmp_path / name), str(tmp_path / "image"))


def test_an_image_is_not_packed_into_itself(folder: Path) -> None:
    with pytest.raises(ConfigError, match="lies in the folder"):
        pack(str(folder), str(folder / "css" / "image"))
    with pytest.raises(ConfigError, match="lies in the folder"):
        pack(str(folder), str(folder))


def test_an_image_that_cannot_be_written_leaves_the_old_one(folder: Path) -> None:
    with pytest.raises(DeviceError, match="none/image"):
        pack(str(folder), str(folder.parent / "none" / "image"))
    image = packed(folder)
    os.mkfifo(folder / "fifo")
    with pytest.raises(ConfigError):
        packed(folder)
    assert (folder.parent / "image").read_bytes() == image
