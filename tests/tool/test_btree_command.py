"""`fata btree`, run as its user runs it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fata.errors import ConfigError, FataError
from fata.store.btree.errors import NotAStore
from fata.tool.commands.btree import command


@pytest.fixture
def image(tmp_path: Path) -> str:
    """An image of zeros."""
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(1 << 20))
    return str(path)


def run(*words: str, data: bytes | None = None) -> Result:
    """Run a command that succeeds."""
    done = CliRunner().invoke(command, words, input=data, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


def refused(*words: str) -> FataError:
    """Run a command that fails with an error of ours."""
    done = CliRunner().invoke(command, words)
    assert isinstance(done.exception, FataError), done.output
    return done.exception


def test_put_formats_an_empty_image(image: str) -> None:
    run("put", image, "greeting", "hello")
    assert run("get", image, "greeting").output == "hello"
    run("put", image, "--hex", "00ff", "80")
    assert run("get", image, "--hex", "00ff").output == "80\n"
    run("put", image, "large", "-", data=bytes(100_000))
    assert run("get", image, "large").stdout_bytes == bytes(100_000)
    assert run("list", image).output.split() == ["1", "\\x00\\\\xff", "5", "greeting", "100000", "large"]
    assert run("list", image, "--prefix", "gr", "--json").output.strip().startswith("[")
    run("delete", image, "large")
    assert isinstance(refused("get", image, "large"), ConfigError)
    assert isinstance(refused("delete", image, "greeting", "large"), ConfigError)
    assert run("get", image, "greeting").output == "hello"


def test_format_info_and_fsck(tmp_path: Path) -> None:
    image = str(tmp_path / "new.img")
    run("format", image, "--size", "2M", "--node-size", "8192", "--log", "64K")
    run("put", image, "a", "1")
    found = json.loads(run("info", image, "--json").output)
    assert (found["node_size"], found["keys"], found["pages"]) == (8192, 1, 256)
    assert "node_size" in run("info", image).output
    assert "sound; 1 keys" in run("fsck", image).output
    assert json.loads(run("fsck", image, "--json").output)["sound"]
    refused("format", image)
    run("format", image, "--force")
    assert run("list", image).output == ""
    assert isinstance(refused("format", image, "--size", "1M"), ConfigError)


def test_dump_and_load(image: str, tmp_path: Path) -> None:
    for number in range(30):
        run("put", image, f"key{number}", "v" * number)
    text = run("dump", image).output
    assert text.startswith("VERSION=3\nformat=bytevalue\n")
    assert text.endswith("DATA=END\n")
    other = tmp_path / "other.img"
    other.write_bytes(bytes(1 << 20))
    run("load", str(other), data=text.encode())
    assert run("dump", str(other)).output == text
    printed = b"VERSION=3\nformat=print\nHEADER=END\n a\\5cb\\\\\n x y\nDATA=END\n"
    run("load", str(other), data=printed)
    assert run("get", str(other), "a\\b\\").output == "x y"
    for wrong in (b"HEADER=END\n 0\n 00\n", b"HEADER=END\n00\n00\n", b"HEADER=END\n 00\n"):
        (tmp_path / "wrong").write_bytes(wrong)
        assert isinstance(refused("load", str(other), str(tmp_path / "wrong")), ConfigError)


def test_what_is_no_dump_is_told(image: str, tmp_path: Path) -> None:
    (tmp_path / "junk").write_text("junk\n")
    assert "HEADER=END" in str(refused("load", image, str(tmp_path / "junk")))
    assert run("list", image).output == ""


@pytest.mark.parametrize("words", [("--size", "16K"), ("--size", "x"), ("--size", "1M", "--log", "1G")])
def test_an_image_that_cannot_be_formatted_is_not_made(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert isinstance(refused("format", str(tmp_path / "new.img"), *words), ConfigError)
    assert not (tmp_path / "new.img").exists()
    run("format", str(tmp_path / "new.img"), "--size", "1M")
    assert "already" in str(refused("format", str(tmp_path / "new.img")))
    run("format", str(tmp_path / "new.img"), "--force")


def test_a_broken_store_is_told_and_salvaged(image: str, tmp_path: Path) -> None:
    for number in range(60):
        run("put", image, f"{number:02}", "v" * 300)
    broken = bytearray(Path(image).read_bytes())
    where = next(at for at in range(0, len(broken), 4096) if broken[at + 6 : at + 8] == b"\2\1")
    for at in range(where, len(broken), 4096):
        if broken[at + 6] == 2:
            broken[at + 50] ^= 1
    Path(image).write_bytes(broken)
    done = CliRunner().invoke(command, ["fsck", image])
    assert done.exit_code == 1
    assert "inner node at" in done.output
    run("fsck", image, "--salvage", str(tmp_path / "saved"))
    other = tmp_path / "other.img"
    other.write_bytes(bytes(1 << 20))
    run("load", str(other), str(tmp_path / "saved"))
    assert len(run("list", str(other)).output.splitlines()) == 60


def test_what_is_no_store(image: str) -> None:
    assert isinstance(refused("get", image, "a"), NotAStore)
    assert isinstance(refused("fsck", image), NotAStore)
    assert isinstance(refused("put", image, "--hex", "0", "0"), ConfigError)
    Path(image).write_bytes(b"x" * (1 << 20))
    assert isinstance(refused("put", image, "a", "b"), NotAStore)


@pytest.mark.peer
def test_lmdb_reads_what_we_dump_and_we_read_what_it_dumps(image: str, tmp_path: Path) -> None:
    for number in range(20):
        run("put", image, "--hex", f"{number:02x}5c", bytes([number] * number).hex())
    text = run("dump", image).output
    peer = tmp_path / "lmdb"
    peer.mkdir()
    subprocess.run(["mdb_load", str(peer)], input=text.encode(), check=True, timeout=30)
    for options in ([], ["-p"]):
        dumped = subprocess.run(["mdb_dump", *options, str(peer)], capture_output=True, check=True, timeout=30).stdout
        other = tmp_path / f"other{len(options)}.img"
        other.write_bytes(bytes(1 << 20))
        run("load", str(other), data=dumped)
        assert run("dump", str(other)).output == text
