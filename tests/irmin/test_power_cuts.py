"""What the git directory forces to disk, in which order, and how often it waits."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fata.blocking import drive
from fata.errors import Unavailable
from fata.irmin import BYTES, Repo, Store
from fata.irmin.backend.contract import RefChange
from fata.irmin.backend.git import Durability, GitBackend, init
from fata.irmin.backend.git.directory import HOT
from fata.irmin.backend.git.growing import FAN
from tests.irmin.git import assert_sound, git
from tests.irmin.recorder import Recorder

pytestmark = pytest.mark.peer

TASKS = 16


def opened(directory: Path, durability: Durability) -> Repo[bytes]:
    init(str(directory))
    return Repo(GitBackend(str(directory), durability=durability), BYTES)


def test_a_commit_is_on_the_disk_when_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = opened(tmp_path, Durability.SYNC)
    store = drive(repo.main())
    recorder = Recorder(tmp_path, monkeypatch)
    for number in range(HOT + 6 * FAN):  # loose objects, packs, packs that are joined, and such as are written again
        drive(store.set(f"dir/{number}", b"%d" % number))
        assert not recorder.at_risk("/refs/")
        drive(repo.backend.flush())  # else packs are joined while the next commit is made
    drive(repo.of_branch("a/branch/below/others").set("file", b"1"))
    assert not recorder.at_risk("/refs/")
    waits = [step for step in recorder.steps if step.what.startswith("force")]
    assert waits, "the recorder sees what is forced"
    assert recorder.rewrites > 9 * FAN
    assert not recorder.rewritten, "what is written again may come back under its former name"
    drive(repo.close())
    assert len(recorder.removed) == 6 * FAN
    assert recorder.replaced_in_time()
    assert_sound(tmp_path)


def test_without_a_wait_nothing_is_forced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = opened(tmp_path, Durability.NONE)
    store = drive(repo.main())
    recorder = Recorder(tmp_path, monkeypatch)
    monkeypatch.setattr(recorder, "when_named", lambda _: None)
    for number in range(HOT + 2 * FAN):
        drive(store.set(f"dir/{number}", b"%d" % number))
    drive(repo.close())
    assert not [step for step in recorder.steps if step.what.startswith("force")]


def test_a_batch_is_on_the_disk_when_it_is_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = opened(tmp_path, Durability.BATCH)
    store = drive(repo.main())
    recorder = Recorder(tmp_path, monkeypatch)
    monkeypatch.setattr(recorder, "when_named", lambda _: None)
    for number in range(HOT + 6 * FAN):
        drive(store.set(f"dir/{number}", b"%d" % number))
        assert recorder.at_risk("/refs/")
        assert recorder.at_risk("/objects/")
        drive(repo.backend.flush())
        assert not recorder.at_risk("/")
    drive(repo.close())
    assert recorder.rewrites > 9 * FAN
    assert not [name for name in recorder.rewritten if "/objects/" in name]
    assert len(recorder.removed) == 6 * FAN
    assert recorder.replaced_in_time()
    assert_sound(tmp_path)


async def commits(store: Store[bytes], count: int) -> None:
    for number in range(count):
        await store.set(f"dir/{store.branch}-{number}", b"%d" % number, retries=1000)


def test_commits_at_once_share_their_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = opened(tmp_path, Durability.SYNC)
    heard: list[RefChange] = []

    async def work() -> Recorder:
        main = await repo.main()
        await main.set("file", b"1")
        stores = [await main.clone(f"branch-{number}") for number in range(TASKS)]
        repo.backend.listen(heard.append)
        recorder = Recorder(tmp_path, monkeypatch)
        await asyncio.gather(*(commits(store, 5) for store in stores))
        await repo.close()
        return recorder

    recorder = asyncio.run(work())
    names = [step.path for step in recorder.steps if step == ("force directory", f"{tmp_path}/refs/heads")]
    assert len(names) <= 10, "a wait for each of about five groups, not for each of 80 commits"
    for number in range(TASKS):
        assert len(git(tmp_path, "log", "--format=%H", f"branch-{number}").split()) == 6
        mine = [change for change in heard if change.name == f"refs/heads/branch-{number}"]
        assert len(mine) == 5
        assert [change.new for change in mine[:-1]] == [change.old for change in mine[1:]]
    assert_sound(tmp_path)


def test_commits_at_once_on_one_branch_are_all_made(tmp_path: Path) -> None:
    repo = opened(tmp_path, Durability.SYNC)

    async def work() -> None:
        main = await repo.main()
        await asyncio.gather(*(task(main, name) for name in "abcd"))
        await repo.close()

    async def task(main: Store[bytes], name: str) -> None:
        for number in range(8):
            await main.set(f"{name}/{number}", b"x", retries=1000)

    asyncio.run(work())
    assert len(git(tmp_path, "log", "--format=%H", "main").split()) == 32
    assert len(git(tmp_path, "ls-tree", "-r", "--name-only", "main").split()) == 32
    assert_sound(tmp_path)


def test_a_cancelled_commit_is_made_or_not(tmp_path: Path) -> None:
    repo = opened(tmp_path, Durability.SYNC)
    heard: list[RefChange] = []

    async def work() -> None:
        store = await repo.main()
        repo.backend.listen(heard.append)
        for number in range(20):
            task = asyncio.create_task(store.set("file", b"%d" % number))
            for _ in range(number % 5):
                await asyncio.sleep(0)
            task.cancel()
            told = len(heard)
            await asyncio.gather(task, return_exceptions=True)
            assert await store.find("file") == (b"%d" % number if len(heard) > told else await store.find("file"))
        await repo.close()

    asyncio.run(work())
    oids = [change.new.hex() for change in heard if change.new]
    assert oids == git(tmp_path, "log", "--reverse", "--format=%H", "main", check=False).decode().split()


def test_references_above_and_below_each_other_are_refused_in_one_group(tmp_path: Path) -> None:
    repo = opened(tmp_path, Durability.SYNC)

    async def work() -> list[object]:
        main = await repo.main()
        await main.set("file", b"1")
        head = await main.head.get()
        assert head is not None
        ways = (repo.backend.commit({}, (RefChange(f"refs/heads/{name}", None, head.oid),)) for name in ("a", "a/b"))
        found = await asyncio.gather(*ways, return_exceptions=True)
        await repo.close()
        return list(found)

    assert asyncio.run(work()) == [True, False]
    assert git(tmp_path, "for-each-ref", "--format=%(refname)").split() == [b"refs/heads/a", b"refs/heads/main"]


@pytest.mark.parametrize("durability", Durability)
def test_a_packed_reference_with_an_empty_directory_in_its_place(tmp_path: Path, durability: Durability) -> None:
    repo = opened(tmp_path, durability)
    store = drive(repo.main())
    for number in range(40):  # by then files are exchanged, not renamed, where that is possible
        drive(store.set("file", b"%d" % number))
        if number == 35:
            git(tmp_path, "pack-refs", "--all", "--prune")
            (tmp_path / "refs/heads/main/empty").mkdir(parents=True)
    drive(repo.close())
    assert not list(tmp_path.rglob("*.lock"))
    assert len(git(tmp_path, "log", "--format=%H", "main").split()) == 40
    assert_sound(tmp_path)


def fill(monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    """Let a disk be full after so many writes."""
    left = iter(range(writes))

    def filling(write: Callable[..., int]) -> Callable[..., int]:
        def fills(*arguments: Any) -> int:
            if next(left, None) is None:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return write(*arguments)

        return fills

    monkeypatch.setattr(os, "writev", filling(os.writev))
    monkeypatch.setattr(os, "pwrite", filling(os.pwrite))


@pytest.mark.parametrize("durability", Durability)
def test_a_disk_that_is_full_is_told_and_nothing_is_left_lying_about(
    tmp_path: Path, durability: Durability, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = opened(tmp_path, durability)
    store = drive(repo.main())
    for number in range(HOT + FAN + 3):
        drive(store.set("file", b"%d" % number))
        drive(repo.backend.flush())
        with monkeypatch.context() as full:
            fill(full, number % 3)
            with pytest.raises(Unavailable, match="No space left"):
                drive(store.set("file", b"never"))
    drive(repo.close())
    assert [path.name for path in tmp_path.rglob("*") if "tmp_obj" in path.name or path.suffix == ".lock"] == []
    packs, indexes = tmp_path.rglob("*.pack"), tmp_path.rglob("*.idx")
    assert sorted(path.stem for path in packs) == sorted(path.stem for path in indexes)
    assert drive(store.find("file")) == b"%d" % (HOT + FAN + 2)
    assert_sound(tmp_path)
