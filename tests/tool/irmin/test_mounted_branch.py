"""A branch of a git repository as files of the host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fata.blocking import drive
from fata.device.kv import AlreadyPresent, DictionaryExpected, NotFound, ValueExpected
from fata.irmin import BYTES, MemoryBackend, Repo
from fata.irmin.kv import BranchKv
from fata.store.fat.volume import DirectoryNotEmpty
from fata.tool.mounted_branch import BranchTree
from tests.irmin.sync.servers import bare, git
from tests.mounts import mounted, needs_fuse


@pytest.mark.peer
@needs_fuse
def test_closing_a_file_is_a_commit_and_git_sees_it(tmp_path: Path) -> None:
    repository, folder = bare(tmp_path / "x.git"), tmp_path / "mnt"
    git(tmp_path, "clone", "--quiet", str(repository), "work")
    work = tmp_path / "work"
    (work / "a").write_text("one\n")
    git(work, "add", ".")
    git(work, "commit", "--quiet", "-m", "first")
    git(work, "push", "--quiet", "origin", "HEAD:main")
    with mounted(repository, folder):
        assert (folder / "a").read_text() == "one\n"
        (folder / "d").mkdir()
        assert os.listdir(folder / "d") == []
        (folder / "d" / "b").write_text("two\n")
        assert git(repository, "show", "main:d/b") == "two"
        with (folder / "a").open("r+") as file:
            file.seek(4)
            file.write("more\n")
            file.flush()
            os.fsync(file.fileno())
            assert git(repository, "show", "main:a") == "one\nmore"
        (folder / "a").rename(folder / "d" / "c")
        (folder / "d" / "b").unlink()
        git(work, "pull", "--quiet", "origin", "main")
        assert [path.name for path in (work / "d").iterdir()] == ["c"]
        (work / "e").write_text("by git\n")
        git(work, "add", ".")
        git(work, "commit", "--quiet", "-m", "by git")
        git(work, "push", "--quiet", "origin", "HEAD:main")
        assert (folder / "e").read_text() == "by git\n", "what git does is seen"
        with pytest.raises(OSError, match="not empty"):
            (folder / "d").rmdir()
    git(repository, "fsck", "--strict")
    with mounted(repository, folder, "--read-only", "--branch", "main"):
        with pytest.raises(OSError, match="Read-only"):
            (folder / "new").write_text("")
        assert (folder / "d" / "c").read_text() == "one\nmore\n"


def tree() -> BranchTree:
    return BranchTree(BranchKv(Repo(MemoryBackend(), BYTES).of_branch("main")), read_only=False)


def test_directories_stay_for_whoever_works_with_files() -> None:
    files = tree()
    with pytest.raises(NotFound):
        drive(files.store("d/a", b""))
    drive(files.mkdir("d"))
    with pytest.raises(AlreadyPresent):
        drive(files.mkdir("d"))
    drive(files.store("d/a", b"1"))
    assert drive(files.names("d")) == ["a"]
    assert drive(files.entry("d/a")).size == 1
    drive(files.closed("d/a"))
    with pytest.raises(DictionaryExpected):
        drive(files.mkdir("d/a/b"))
    with pytest.raises(DirectoryNotEmpty):
        drive(files.rmdir("d"))
    with pytest.raises(DictionaryExpected):
        drive(files.rmdir("d/a"))
    with pytest.raises(ValueExpected):
        drive(files.remove("d"))
    drive(files.rename("d", "e"))
    drive(files.remove("e/a"))
    assert drive(files.names("")) == ["e"], "it is empty now, and there"
    drive(files.rmdir("e"))
    assert drive(files.names("")) == []


def test_what_is_written_is_one_commit_when_it_is_flushed() -> None:
    files = tree()
    drive(files.store("a", b""))
    drive(files.write("a", 3, b"xyz"))
    drive(files.truncate("a", 5))
    drive(files.store("b", b"2"))
    assert drive(files.read("a", 2, 9)) == b"\0xy"
    drive(files.flush())
    kv = files._kv
    assert drive(kv.get("a")) == b"\0\0\0xy"
    head = drive(kv.store.commit())
    assert head is not None
    assert (head.parents, head.info.message) == ((), "write a, b")
