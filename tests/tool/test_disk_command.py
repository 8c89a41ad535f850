"""`fata disk` and `fata mount` as a user calls them."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from fata.blocking.fat_image import pack as pack_fat
from fata.driver.kv.tar_pack import pack as pack_tar
from tests.mounts import mounted, needs_fuse
from tests.tool.conftest import Fata

pytestmark = pytest.mark.slow  # each starts the command a few times


def test_a_disk_is_made_divided_and_described(fata: Fata) -> None:
    done = fata("disk", "partition", "x.img", "1M:efi:boot", "rest:linux", "--size", "16M", "--json")
    assert done.returncode == 0, done.stderr
    assert [row["kind_name"] for row in json.loads(done.stdout)["partitions"]] == ["efi", "linux"]
    told = json.loads(fata("disk", "info", "x.img", "--json").stdout)
    assert (told["octets"], told["table"]) == (16 << 20, "gpt")
    assert [(row["first"], row["sectors"], row["name"]) for row in told["partitions"]] == [
        (1 << 11, 1 << 11, "boot"),
        (1 << 12, 13 << 11, ""),
    ]
    assert [row["contents"] for row in told["partitions"]] == ["zeros", "zeros"]
    text = fata("disk", "info", "x.img").stdout.splitlines()
    assert text[0] == "x.img: 16,777,216 octets, 32,768 sectors of 512"
    assert text[-1].split() == ["2", "4,096", "26,624", "13,631,488", "linux", "zeros"]


def test_a_table_is_not_replaced_without_force(fata: Fata) -> None:
    assert fata("disk", "partition", "x.img", "rest", "--size", "4M", "--table", "mbr").returncode == 0
    assert "has partitions already" in fata.mistake("disk", "partition", "x.img", "rest")
    assert "is there already" in fata.mistake("disk", "partition", "x.img", "rest", "--size", "8M")
    assert fata("disk", "partition", "x.img", *["256K"] * 6, "--table", "mbr", "--force").returncode == 0
    told = json.loads(fata("disk", "info", "x.img", "--json").stdout)
    assert [row["number"] for row in told["partitions"]] == [1, 2, 3, 5, 6, 7]


def test_what_an_image_holds_is_not_overwritten_without_force(fata: Fata) -> None:
    fata("fat", "create", "fat.img", "--size", "1M")
    fata("btree", "format", "tree.img", "--size", "1M")
    (fata.folder / "noise.img").write_bytes(b"\x55" * (1 << 20))
    for image, what in (("fat.img", "a FAT volume"), ("tree.img", "a B-tree"), ("noise.img", "something")):
        assert f"{image}: holds {what} already" in fata.mistake("disk", "partition", image, "256K")
        assert fata("disk", "partition", image, "256K", "--force").returncode == 0
    fata("fat", "create", "fat.img", "--size", "1M", "--force")
    assert "holds a FAT volume already" in fata.mistake("btree", "format", "fat.img")


def test_an_image_that_cannot_be_divided_is_not_made(fata: Fata) -> None:
    assert "too small for a GPT" in fata.mistake("disk", "partition", "x.img", "1M", "--size", "1K")


def test_a_damaged_gpt_is_told_and_repaired(fata: Fata) -> None:
    fata("disk", "partition", "x.img", "rest", "--size", "4M")
    with (fata.folder / "x.img").open("r+b") as image:
        image.seek(512)
        image.write(bytes(512))
    assert "`fata disk repair` mends it" in fata("disk", "info", "x.img").stderr
    assert "repaired: gpt: sector 1" in fata("disk", "repair", "x.img").stderr
    assert json.loads(fata("disk", "repair", "x.img", "--json").stdout) == {"repaired": []}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["x.img", "rest", "rest"], "only the last"),
        (["x.img", "1Q"], "'1Q' is no size"),
        (["x.img", "1M:nonsense"], "'nonsense' is no GUID"),
        (["x.img", "1M:nonsense", "--table", "mbr"], "'nonsense' is no kind of partition"),
        (["x.img", "1M:linux:name", "--table", "mbr"], "an MBR has no names"),
        (["x.img", "1G"], "do not fit"),
        (["none.img", "1M"], "none.img"),
    ],
)
def test_mistakes_are_told_with_a_remedy(fata: Fata, words: list[str], reason: str) -> None:
    (fata.folder / "x.img").write_bytes(bytes(1 << 22))
    done = fata("disk", "partition", *words)
    assert done.returncode in (1, 2)
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert (fata.folder / "x.img").read_bytes() == bytes(1 << 22)


def test_info_names_what_fills_an_image(fata: Fata) -> None:
    site = fata.folder / "site"
    site.mkdir()
    (site / "a").write_bytes(b"1")
    pack_fat(str(site), str(fata.folder / "fat"))
    pack_tar(str(site), str(fata.folder / "tar"))
    with zipfile.ZipFile(fata.folder / "zip", "w") as archive:
        archive.writestr("a", b"1" * 1000)
    octets = (fata.folder / "zip").read_bytes()
    (fata.folder / "zip").write_bytes(octets + bytes(-len(octets) % 512))
    (fata.folder / "noise").write_bytes(b"noise..." * 64)
    for name, contents in (("fat", "FAT"), ("tar", "tar"), ("zip", "zip"), ("noise", "")):
        assert json.loads(fata("disk", "info", name, "--json").stdout)["contents"] == contents


@pytest.mark.peer
@needs_fuse
def test_a_fat_volume_is_mounted_changed_and_in_order_afterwards(tmp_path: Path) -> None:
    site, image, folder = tmp_path / "site", tmp_path / "x.img", tmp_path / "mnt"
    site.mkdir()
    (site / "a.txt").write_bytes(b"1" * 5000)
    pack_fat(str(site), str(image))
    with mounted(image, folder):
        assert (folder / "a.txt").read_bytes() == b"1" * 5000
        (folder / "sub").mkdir()
        (folder / "sub" / "Ä new file").write_bytes(b"2" * 10_000)
        with (folder / "sub" / "Ä new file").open("r+b") as file:
            file.seek(5000)
            file.write(b"3" * 10)
            file.truncate(6000)
            os.fsync(file.fileno())
        (folder / "a.txt").rename(folder / "sub" / "b.txt")
        with pytest.raises(OSError, match="not empty"):
            (folder / "sub").rmdir()
        with pytest.raises(FileNotFoundError):
            (folder / "a.txt").read_bytes()
        assert sorted(os.listdir(folder / "sub")) == ["b.txt", "Ä new file"]
        room = os.statvfs(folder)
        with pytest.raises(OSError, match="No space"):
            (folder / "large").write_bytes(bytes(room.f_frsize * (room.f_bavail + 1)))
        (folder / "large").unlink()
        (folder / "large").write_bytes(bytes(room.f_frsize * room.f_bavail))
        assert 0 == os.statvfs(folder).f_bfree < room.f_blocks
        (folder / "large").unlink()
    fsck = shutil.which("fsck.fat", path="/usr/sbin:/sbin:/usr/bin")
    if fsck is not None:
        said = subprocess.run([fsck, "-n", image], capture_output=True, text=True, timeout=30, check=True).stdout
        assert len(said.splitlines()) == 2, said
    with mounted(image, folder, "--read-only"):
        assert (folder / "sub" / "Ä new file").read_bytes() == b"2" * 5000 + b"3" * 10 + b"2" * 990
        with pytest.raises(OSError, match="Read-only"):
            (folder / "new").write_bytes(b"")


@pytest.mark.peer
@needs_fuse
def test_a_tar_is_mounted_and_ctrl_c_unmounts_it(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        info = tarfile.TarInfo("d/a")
        info.size, info.mtime = 3, 1_700_000_000
        archive.addfile(info, io.BytesIO(b"abc"))
    (tmp_path / "x.tar").write_bytes(stream.getvalue())
    with mounted(tmp_path / "x.tar", tmp_path / "mnt") as process:
        assert (tmp_path / "mnt/d/a").read_bytes() == b"abc"
        assert (tmp_path / "mnt/d/a").stat().st_mtime == 1_700_000_000
        with pytest.raises(OSError, match="Read-only"):
            (tmp_path / "mnt/d/b").write_bytes(b"")
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
        assert not (tmp_path / "mnt").is_mount()


def test_what_cannot_be_mounted_is_told(fata: Fata) -> None:
    (fata.folder / "noise").write_bytes(b"noise..." * 64)
    (fata.folder / "mnt").mkdir()
    told = fata.mistake("mount", "noise", "mnt")
    assert "nothing that can be mounted" in told
    assert "--partition" in told
    assert "there is no folder" in fata.mistake("mount", "noise", "nowhere")
