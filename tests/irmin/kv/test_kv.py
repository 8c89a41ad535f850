"""What a store with a history adds to the contract of KvTx, which the conformance suite tests."""

# ruff: noqa: PT012 -- a conflict is raised by the end of a batch, so that the whole batch must be expected to raise

from __future__ import annotations

from pathlib import Path

import pytest

from fata.device.kv import BatchConflict, InvalidKey, Kind
from fata.irmin import BYTES, MemoryBackend, Repo
from fata.irmin.kv import BranchKv, CommitKv, open_git_kv
from tests.irmin.sync.servers import git

pytestmark = pytest.mark.virtual_time


def branch() -> BranchKv:
    return BranchKv(Repo(MemoryBackend(), BYTES, now=lambda: 1_700_000_000).of_branch("main"))


async def test_one_batch_is_one_commit() -> None:
    kv = branch()
    await kv.set("a", b"1")
    first = await kv.store.commit()
    async with kv.batch("two at once") as batch:
        await batch.set("b", b"2")
        await batch.set("c/d", b"3")
    head = await kv.store.commit()
    assert head is not None
    assert first is not None
    assert (head.parents, head.info.message) == ((first.oid,), "two at once")
    async with kv.batch():
        pass
    assert await kv.store.commit() == head, "nothing to commit"
    assert first.info.message == "set a"


async def test_an_earlier_commit_can_still_be_read() -> None:
    kv = branch()
    await kv.set("a", b"1")
    head = await kv.store.commit()
    assert head is not None
    await kv.remove("a")
    before = CommitKv(kv.store.repo, head)
    assert await before.get("a") == b"1"
    assert await before.last_modified("a") == 1_700_000_000
    assert await kv.exists("a") is None


async def test_a_batch_meets_a_merge() -> None:
    kv = branch()
    await kv.set("a", b"1")
    other = BranchKv(await kv.store.clone("other"))
    await other.set("b", b"2")
    with pytest.raises(BatchConflict):
        async with kv.batch() as batch:
            assert await batch.exists("b") is None
            await kv.store.merge_with(other.store)
            await batch.set("c", b"3")
    assert await kv.list("") == [("a", Kind.VALUE), ("b", Kind.VALUE)]


async def test_a_key_that_is_too_deep() -> None:
    with pytest.raises(InvalidKey, match="3000 steps"):
        await branch().set("/".join(["x"] * 3000), b"")


@pytest.mark.peer
async def test_git_sees_it_and_submodules_are_not_seen(tmp_path: Path) -> None:
    kv = await open_git_kv(str(tmp_path / "x.git"), "main", "Ann <a@b>")
    await kv.set("a/b", b"1")
    head = await kv.store.commit()
    assert head is not None
    assert git(tmp_path / "x.git", "show", "main:a/b") == "1"
    tree = git(tmp_path / "x.git", "mktree", "--missing", stdin=f"160000 commit {head.hex}\tsub\n".encode())
    commit = git(tmp_path / "x.git", "commit-tree", "-m", "x", tree)
    git(tmp_path / "x.git", "update-ref", "refs/heads/main", commit)
    assert await kv.list("") == []
    assert await kv.exists("sub") is None
    await kv.close()
