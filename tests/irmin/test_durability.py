"""What the git directory promises of files: what is written when, and that packs stay few."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from fata.blocking import drive
from fata.irmin import BYTES, Repo
from fata.irmin.backend.git import Durability, GitBackend, init
from fata.irmin.backend.git.directory import HOT
from fata.irmin.backend.git.growing import FAN
from fata.irmin.backend.git.persistence import Persistence
from tests.irmin.git import assert_sound, git

pytestmark = pytest.mark.peer

COMMITS = 400


def test_a_writer_that_goes_on_leaves_few_files(tmp_path: Path) -> None:
    init(str(tmp_path))
    backend = GitBackend(str(tmp_path))
    store = drive(Repo(backend, BYTES).main())
    for number in range(COMMITS):
        drive(store.set(f"dir/{number % 50}", b"%d" % number))
    assert len(list(tmp_path.glob("objects/pack/*.pack"))) <= 3 * FAN
    drive(backend.close())
    packs = list(tmp_path.glob("objects/pack/*.pack"))
    assert 1 < len(packs) <= 2 * FAN
    assert len(list(tmp_path.glob("objects/pack/*.idx"))) == len(packs)
    assert_sound(tmp_path)
    assert len(git(tmp_path, "log", "--format=%H", "main").split()) == COMMITS
    again = drive(Repo(GitBackend(str(tmp_path)), BYTES).main())
    assert drive(again.get("dir/49")) == b"399"
    assert len(drive(again.history()).commits) == COMMITS


def test_a_writer_goes_on_while_git_collects_garbage(tmp_path: Path) -> None:
    init(str(tmp_path))
    backend = GitBackend(str(tmp_path))
    store = drive(Repo(backend, BYTES).main())
    for number in range(150):
        drive(store.set(f"dir/{number % 50}", b"%d" % number))
        if number % 40 == 39:
            git(tmp_path, "gc", "-q", "--prune=now")
    drive(backend.close())
    assert_sound(tmp_path)
    assert drive(drive(Repo(GitBackend(str(tmp_path)), BYTES).main()).get("dir/49")) == b"149"


def test_git_packs_while_a_commit_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """git notes packs by their names and removes them at its end: one without an index it has not looked into."""
    init(str(tmp_path))
    backend = GitBackend(str(tmp_path), durability=Durability.SYNC)
    store = drive(Repo(backend, BYTES).main())
    for number in range(HOT + 2):
        drive(store.set(f"dir/{number}", b"%d" % number))
    force, forced = Persistence.force, 0

    def packing(persistence: Persistence, paths: Iterable[str]) -> None:
        nonlocal forced
        forced += 1
        git(tmp_path, "repack", "-A", "-d", "-q")
        force(persistence, paths)
        git(tmp_path, "repack", "-A", "-d", "-q")

    monkeypatch.setattr(Persistence, "force", packing)
    for number in range(3):
        drive(store.set(f"more/{number}", b"%d" % number))
    assert forced >= 3
    assert_sound(tmp_path)
    assert len(git(tmp_path, "log", "--format=%H", "main").split()) == HOT + 5
    drive(backend.close())


@pytest.mark.parametrize("packed", [False, True])
def test_an_old_object_that_is_used_again_is_young(tmp_path: Path, packed: bool) -> None:
    init(str(tmp_path))
    store = drive(Repo(GitBackend(str(tmp_path)), BYTES).main())
    drive(store.set("a", b"1"))
    git(tmp_path, "hash-object", "-w", "--stdin", stdin=b"old")
    if packed:
        git(tmp_path, "update-ref", "refs/tags/old", git(tmp_path, "hash-object", "--stdin", stdin=b"old").strip())
        git(tmp_path, "gc", "-q", "--prune=now")
        git(tmp_path, "update-ref", "-d", "refs/tags/old")
    for path in tmp_path.glob("objects/**/*"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    store = drive(Repo(GitBackend(str(tmp_path)), BYTES).main())
    assert drive(store.get("a")) == b"1", "so that packs are looked at"
    drive(store.set("b", b"old"))
    young = [path for path in tmp_path.glob("objects/**/*") if path.is_file() and path.stat().st_mtime > 1_700_000_000]
    named = git(tmp_path, "hash-object", "--stdin", stdin=b"old").decode().strip()
    assert any(path.suffix == ".pack" if packed else path.name == named[2:] for path in young)


def test_an_object_that_git_has_collected_meanwhile_is_written_again(tmp_path: Path) -> None:
    init(str(tmp_path))
    old = Repo(GitBackend(str(tmp_path)), BYTES).of_branch("old")
    drive(old.set("a", b"used again"))
    git(tmp_path, "gc", "-q")
    store = drive(Repo(GitBackend(str(tmp_path)), BYTES).main())
    drive(store.set("b", b"so that packs are looked at"))
    assert drive(store.repo.of_branch("old").get("a")) == b"used again"
    git(tmp_path, "update-ref", "-d", "refs/heads/old")
    git(tmp_path, "gc", "-q", "--prune=now")
    drive(store.set("c", b"used again"))
    assert_sound(tmp_path)


def test_one_commit_leaves_loose_objects(tmp_path: Path) -> None:
    init(str(tmp_path))
    drive(drive(Repo(GitBackend(str(tmp_path)), BYTES).main()).set("a/b", b"1"))
    assert list(tmp_path.glob("objects/pack/*")) == []
    assert len(list(tmp_path.glob("objects/??/*"))) == 4


def test_a_pack_that_a_killed_writer_left_half_is_no_harm(tmp_path: Path) -> None:
    init(str(tmp_path))
    store = drive(Repo(GitBackend(str(tmp_path)), BYTES).main())
    drive(store.set("a", b"1"))
    (tmp_path / f"objects/pack/pack-{'0' * 40}.pack").write_bytes(b"PACK\0\0\0\x02")
    (tmp_path / "objects/pack/tmp_obj_1").write_bytes(b"half")
    (tmp_path / "objects/00").mkdir(exist_ok=True)
    (tmp_path / "objects/00/tmp_obj_2").write_bytes(b"half")
    assert_sound(tmp_path)
    assert drive(drive(Repo(GitBackend(str(tmp_path)), BYTES).main()).get("a")) == b"1"
