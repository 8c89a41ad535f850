"""What is kept of a history: garbage and old commits go, a check looks at what is left, slices carry it over."""

from __future__ import annotations

from pathlib import Path

import pytest

from fata.errors import StateError
from fata.irmin import TEXT, MemoryBackend, Repo
from fata.irmin.backend.git import GitBackend, init
from fata.irmin.errors import CorruptObject
from fata.irmin.slices import export, import_slice
from tests.irmin.git import git
from tests.irmin.test_history import commit_on, new_repo

pytestmark = pytest.mark.virtual_time


async def test_garbage_is_collected_and_the_rest_stays() -> None:
    backend = MemoryBackend()
    repo = Repo(backend, TEXT)
    store = await repo.main()
    await store.set_all({"a/b": "1", "c": "2"})
    lost = repo.of_branch("lost")
    await lost.set("x/y", "garbage")
    kept = {oid async for oid in backend.ids()}
    await repo.branches.remove("lost")
    done = await repo.collect()
    assert done.deleted == 4
    assert {oid async for oid in backend.ids()} < kept
    assert await store.get("a/b") == "1"
    assert [problem async for problem in repo.check()] == []
    assert (await repo.collect()).deleted == 0


@pytest.mark.peer
async def test_old_history_is_forgotten(tmp_path: Path) -> None:
    init(str(tmp_path))
    for backend in (MemoryBackend(), GitBackend(str(tmp_path), prune_age=0)):
        repo = Repo(backend, TEXT)
        store = await repo.main()
        for number in range(60):
            await commit_on(store, "a", str(number))
        head = await store.head.get()
        assert (await repo.collect(depth=2)).deleted > 100
        assert await store.get("a") == "59"
        assert len((await store.history()).commits) == 2
        await commit_on(store, "b", "on top")
        assert (await store.history()).commits[1] == head
        with pytest.raises(StateError):
            await repo.collect(depth=0)
    assert git(tmp_path, "fsck", "--strict") == b""
    assert len(git(tmp_path, "log", "--format=%H", "main").split()) == 3


async def test_a_check_looks_at_the_whole_history() -> None:
    backend = MemoryBackend()
    repo = Repo(backend, TEXT)
    store = await repo.main()
    first, second, _ = [await commit_on(store, "a", str(number)) for number in range(3)]
    value = await (await first.tree.get_tree("a")).find_tree("")
    assert value is not None
    await backend.delete([value.hash()])
    repo = Repo(backend, TEXT)
    assert [(found.what, found.user) for found in [each async for each in repo.check()]] == [
        (value.hash().hex(), first.tree.hash().hex())
    ]
    await backend.delete([first.oid])
    assert [(found.what, found.user) for found in [each async for each in Repo(backend, TEXT).check()]] == [
        (first.hex, second.hex)
    ]


@pytest.mark.peer
async def test_what_git_still_uses_is_no_garbage(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    for number in range(3):
        (tmp_path / "file").write_text(str(number))
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "-qm", str(number))
    git(tmp_path, "reset", "-q", "--hard", "HEAD~1")
    git(tmp_path, "worktree", "add", "-q", "--detach", "aside")
    git(tmp_path / "aside", "commit", "-q", "--allow-empty", "-m", "on a detached head")
    (tmp_path / "staged").write_text("not committed yet")
    git(tmp_path, "add", "staged")
    git(tmp_path, "update-index", "--index-version", "4")
    lost = git(tmp_path, "hash-object", "-w", "--stdin", stdin=b"nobody knows of this").strip()
    repo = Repo(GitBackend(str(tmp_path), prune_age=0), TEXT)
    done = await repo.collect()
    assert (done.deleted, done.young) == (1, 0)
    assert git(tmp_path, "cat-file", "-t", lost, check=False) == b""
    assert git(tmp_path, "show", "HEAD@{1}:file") == b"2"
    assert git(tmp_path / "aside", "log", "-1", "--format=%s") == b"on a detached head\n"
    git(tmp_path, "commit", "-qm", "what was staged")
    assert git(tmp_path, "show", "HEAD:staged") == b"not committed yet"
    assert git(tmp_path, "fsck", "--strict", "--no-dangling") == b""


async def test_young_garbage_stays_and_is_counted(tmp_path: Path) -> None:
    init(str(tmp_path))
    repo = Repo(GitBackend(str(tmp_path)), TEXT)
    store = await repo.main()
    for number in range(5):
        await commit_on(store, "a", str(number))
    assert await repo.collect(depth=2) == (6, 0, 9)
    assert len((await store.history()).commits) == 2, "cut where git takes it to be cut, though older commits are there"
    assert await repo.collect(depth=2) == (6, 0, 9)


async def test_slices_carry_a_history_over() -> None:
    repo = new_repo()
    store = await repo.main()
    first = await commit_on(store, "a/x", "1")
    for number in range(5):
        await commit_on(store, f"a/{number}", "2")
    other = Repo(MemoryBackend(), TEXT)
    whole = [each async for each in export(repo)]
    assert await import_slice(other, export(repo)) == len(whole)
    await other.branches.set("main", await other.commit((await store.head.get()).oid))
    assert [problem async for problem in other.check()] == []
    assert await (await other.main()).get("a/4") == "2"
    since = [oid async for oid, _ in export(repo, min=[first])]
    assert len(since) == len(whole) - 4
    only = [found[0] async for _, found in export(repo, full=False, depth=2)]
    assert only == [b"commit", b"commit"]
    with pytest.raises(CorruptObject):
        await import_slice(other, [(bytes(20), (b"blob", b"x"))])
