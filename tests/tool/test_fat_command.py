"""`fata fat` as a user calls it, judged by fsck.fat."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pexpect  # type: ignore[import-untyped]
import pytest

from tests.tool.conftest import Fata

pytestmark = [pytest.mark.slow, pytest.mark.peer]

TREE = {"index.html": b"<p>", "css/A long name.css": b"p {}" * 5000, "empty": b"", "deep/er/still/x": b"1"}


@pytest.fixture
def image(fata: Fata) -> str:
    """An image with TREE in it, made by `create --from`."""
    for path, content in TREE.items():
        (fata.folder / "site" / path).parent.mkdir(parents=True, exist_ok=True)
        (fata.folder / "site" / path).write_bytes(content)
        os.utime(fata.folder / "site" / path, (1_700_000_000, 1_700_000_000))
    done = fata("fat", "create", "disk.img", "--size", "4M", "--from", "site", "--label", "site")
    assert (done.returncode, done.stdout) == (0, "")
    return "disk.img"


def told(fata: Fata, *words: str) -> Any:
    """Return what a command says in JSON."""
    done = fata("fat", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def judged(fata: Fata, image: str) -> None:
    """Have fsck.fat look at an image: nothing to say but its version and its summary."""
    fsck = shutil.which("fsck.fat", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    done = subprocess.run([str(fsck), "-n", image], cwd=fata.folder, capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 2), done.stdout


def test_what_a_folder_holds_comes_out_again(fata: Fata, image: str) -> None:
    judged(fata, image)
    assert told(fata, "extract", image, "--to", "out")["written"]
    for path, content in TREE.items():
        assert (fata.folder / "out" / path).read_bytes() == content
        assert (fata.folder / "out" / path).stat().st_mtime == 1_700_000_000
    assert fata("fat", "cat", image, "INDEX.HTML", "deep/er/still/x").stdout == "<p>1"
    fata("fat", "extract", image, "deep/er", "--to", "part")
    assert (fata.folder / "part/er/still/x").read_bytes() == b"1"


def test_files_are_added_listed_moved_and_removed(fata: Fata, image: str) -> None:
    (fata.folder / "large").write_bytes(b"x" * 1_500_000)
    assert told(fata, "add", image, "large", "site", "--to", "new/place") == {"image": image, "files": 5}
    assert told(fata, "mkdir", image, "a/b", "-p") == {"made": ["a/b"]}
    assert told(fata, "mv", image, "new/place/large", "a/b")["destination"] == "a/b/large"
    assert told(fata, "mv", image, "index.html", "INDEX.html")["destination"] == "INDEX.html"
    told(fata, "rm", image, "empty", "new/place/site/empty")
    told(fata, "rm", image, "-r", "new")
    paths = {entry["path"]: entry for entry in told(fata, "list", image, "-r")}
    assert set(paths) == {
        "INDEX.html", "a", "a/b", "a/b/large", "css", "css/A long name.css", "deep", "deep/er", "deep/er/still",
        "deep/er/still/x",
    }  # fmt: skip
    assert (paths["a/b/large"]["size"], paths["a"]["kind"]) == (1_500_000, "directory")
    assert "1,500,000" in fata("fat", "list", image, "a/b").stdout
    judged(fata, image)


def test_an_image_says_what_it_is(fata: Fata, image: str) -> None:
    data = told(fata, "info", image)
    assert (data["type"], data["label"], data["size"], data["bad_clusters"]) == ("FAT12", "SITE", 4 << 20, 0)
    assert "FAT12" in fata("fat", "info", image).stdout


@pytest.mark.parametrize(
    "words",
    [
        ("--size", "1440K"),
        ("--size", "16M", "--type", "16", "--sector-size", "1024"),
        ("--size", "40M", "--type", "32", "--cluster-size", "512"),
        ("--from", "site"),
    ],
)
def test_images_of_all_kinds(fata: Fata, image: str, words: tuple[str, ...]) -> None:
    told(fata, "create", "other.img", *words)
    judged(fata, "other.img")
    assert told(fata, "check", "other.img")["faults"] == []


def test_faults_are_found_and_mended(fata: Fata, image: str) -> None:
    octets = bytearray((fata.folder / image).read_bytes())
    octets[512 + 300 : 512 + 310] = b"\xff" * 10
    (fata.folder / image).write_bytes(octets)
    done = fata("fat", "check", image)
    assert done.returncode == 1
    assert "lost clusters" in done.stdout
    assert "copies of the FAT differ" in done.stdout
    assert [fault["fault"] for fault in told(fata, "repair", image)["faults"]]
    assert fata("fat", "check", image).returncode == 0
    judged(fata, image)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("create", "disk.img", "--size", "1M"), "is there already"),
        (("create", "new.img"), "has no size"),
        (("create", "new.img", "--size", "much"), "is no size"),
        (("create", "new.img", "--size", "1M", "--type", "32"), "cannot be FAT32"),
        (("create", "new.img", "--size", "1M", "--label", "much too long"), "is no label"),
        (("create", "new.img", "--from", "nowhere"), "no folder"),
        (("add", "disk.img", "nothing"), "there is no nothing"),
        (("list", "none.img"), "none.img"),
        (("rm", "disk.img", "/"), "the root cannot be removed"),
    ],
)
def test_a_mistake_is_told_with_a_remedy(fata: Fata, image: str, words: tuple[str, ...], reason: str) -> None:
    done = fata("fat", *words)
    assert done.returncode in (1, 2)
    assert reason in done.stderr
    assert not (fata.folder / "new.img").exists()


def test_what_does_not_fit_leaves_no_image(fata: Fata, image: str) -> None:
    (fata.folder / "site" / "large").write_bytes(bytes(2_000_000))
    done = fata("fat", "create", "new.img", "--size", "1M", "--from", "site")
    assert done.returncode == 2
    assert "no space" in done.stderr
    assert "Say a larger --size" in done.stderr
    assert [path.name for path in fata.folder.iterdir() if "new.img" in path.name] == []


def test_a_root_is_as_large_as_what_goes_into_it(fata: Fata) -> None:
    (fata.folder / "many").mkdir()
    for number in range(700):
        (fata.folder / "many" / f"a name of some length {number}").write_bytes(b"")
    for words in ((), ("--size", "2M")):
        assert fata("fat", "create", "many.img", "--from", "many", "--force", *words).returncode == 0
        judged(fata, "many.img")
        assert len(told(fata, "list", "many.img")) == 700


def test_a_directory_that_is_full_is_told_from_a_volume_that_is(fata: Fata) -> None:
    fata("fat", "create", "small.img", "--size", "1M")
    (fata.folder / "many").mkdir()
    for number in range(300):
        (fata.folder / "many" / f"a name {number}").write_bytes(b"")
    done = fata("fat", "add", "small.img", *(f"many/a name {number}" for number in range(300)))
    assert "its directory has no room for another name" in done.stderr
    assert fata("fat", "add", "small.img", "many", "--to", "deeper").returncode == 0


def test_a_file_that_fat_cannot_hold_is_refused_before_it_is_copied(fata: Fata, image: str) -> None:
    with (fata.folder / "huge").open("wb") as file:
        file.truncate(1 << 32)
    done = fata("fat", "add", image, "site", "huge", "--to", "new")
    assert "'new/huge': a file on FAT has at most 4,294,967,295 octets" in done.stderr
    assert [entry["path"] for entry in told(fata, "list", image) if entry["path"] == "new"] == []


def test_names_in_an_image_give_a_terminal_no_orders(fata: Fata, image: str) -> None:
    octets = (fata.folder / image).read_bytes()
    (fata.folder / image).write_bytes(octets.replace(b"EMPTY      ", b"E\x1b[31mY   "))
    for words in (("list", image), ("check", image), ("info", image)):
        assert "\x1b" not in fata("fat", *words).stdout


def test_a_bar_shows_how_far_it_is(fata: Fata, image: str) -> None:
    words = ["-m", "fata.tool.main", "fat", "create", "other.img", "--size", "8M", "--from", "site"]
    settings = {**os.environ, "TERM": "xterm", "NO_COLOR": ""}
    terminal = pexpect.spawn(sys.executable, words, cwd=str(fata.folder), env=settings, timeout=30)
    terminal.expect("copying")
    terminal.expect(r"made other\.img")
    terminal.expect(pexpect.EOF)


def test_what_is_no_volume_is_told(fata: Fata) -> None:
    (fata.folder / "zeros.img").write_bytes(bytes(1 << 20))
    told = fata.mistake("fat", "list", "zeros.img")
    assert told.startswith("error: zeros.img: no FAT volume: ")
    assert "55aa" in told
    assert "--partition" in told


@pytest.mark.parametrize(
    ("name", "reason"), [("no/new.img", "no folder no"), (".", "is a folder"), ("/dev/null", "is no file")]
)
def test_what_is_no_place_for_an_image_is_left_alone(fata: Fata, name: str, reason: str) -> None:
    assert reason in fata.mistake("fat", "create", name, "--size", "1M", "--force")
    assert Path("/dev/null").is_char_device()


def test_a_partition_is_formatted_and_used_as_an_image_is(fata: Fata, tmp_path: Path) -> None:
    fata("disk", "partition", "disk.img", "2M:efi", "2M:linux", "--size", "8M")
    fata("btree", "format", "disk.img", "--partition", "2")
    (tmp_path / "a").write_text("1")
    one = ("disk.img", "--partition", "1")
    assert fata("fat", "create", *one).returncode == 0
    assert "holds a FAT volume already" in fata.mistake("fat", "create", *one)
    assert "holds a B-tree already" in fata.mistake("fat", "create", "disk.img", "--partition", "2")
    assert "has its size" in fata.mistake("fat", "create", *one, "--size", "1M", "--force")
    assert fata("fat", "add", *one, "a", "--to", "d").returncode == 0
    assert fata("fat", "mv", *one, "d/a", "b").returncode == 0
    assert fata("fat", "cat", *one, "b").stdout == "1"
    assert [entry["path"] for entry in told(fata, "list", *one, "-r")] == ["b", "d"]
    assert told(fata, "check", *one)["faults"] == []
    assert fata("fat", "extract", *one, "--to", "out").returncode == 0
    assert (tmp_path / "out" / "b").read_text() == "1"
    assert "no FAT volume" in fata.mistake("fat", "list", "disk.img")
    rows = json.loads(fata("disk", "info", "disk.img", "--json").stdout)["partitions"]
    assert [row["contents"] for row in rows] == ["FAT", "B-tree"]
    start = rows[0]["first"] * 512
    (tmp_path / "volume.img").write_bytes((tmp_path / "disk.img").read_bytes()[start : start + (2 << 20)])
    judged(fata, "volume.img")


def test_a_directory_where_a_file_is_needed_is_told_in_the_words_of_files(fata: Fata, image: str) -> None:
    assert "'css' is a directory" in fata.mistake("fat", "cat", image, "css")
    assert "'index.html' is a file" in fata.mistake("fat", "list", image, "index.html")


def test_octets_go_to_standard_output_unchanged(fata: Fata, image: str, tmp_path: Path) -> None:
    assert len(fata("fat", "cat", image, "css/A long name.css").stdout) == 20_000
