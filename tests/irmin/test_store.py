"""A store in memory: what a user does first."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fata.irmin import TEXT, MemoryBackend, Repo
from fata.irmin.errors import Conflict, InvalidPath, NotFound, TestFailed
from fata.irmin.path import steps
from tests.irmin.git import ENVIRONMENT, git

pytestmark = pytest.mark.virtual_time


def repo() -> Repo[str]:
    return Repo(MemoryBackend(), TEXT, now=lambda: 1_700_000_000)


async def test_values_are_found_where_they_were_put() -> None:
    store = await repo().main()
    assert await store.find("a/b") is None
    first = await store.set("a/b", "one", message="first", author="Ann <ann@example.org>")
    await store.set_all({"a/c": "two", "d": "three"})
    assert await store.get("a/b") == "one"
    assert await store.names() == ["a", "d"]
    assert await store.names("a") == ["b", "c"]
    assert await store.kind("a") == "node"
    assert await store.kind("d") == "contents"
    assert first is not None
    assert first.info.message == "first"
    assert first.info.author == "Ann <ann@example.org>"
    with pytest.raises(NotFound):
        await store.get("a/x")


async def test_a_write_that_changes_nothing_makes_no_commit() -> None:
    store = await repo().main()
    assert await store.set("a", "1") is not None
    assert await store.set("a", "1") is None
    assert await store.set("a", "1", allow_empty=True) is not None
    assert await store.remove("b") is None


async def test_removing_the_last_name_removes_the_directory() -> None:
    store = await repo().main()
    await store.set_all({"a/b/c": "1", "d": "2"})
    await store.remove("a/b/c")
    assert await store.names() == ["d"]


async def test_merging_a_branch() -> None:
    world = repo()
    store = await world.main()
    await store.set("en", "hello")
    draft = await store.clone("draft")
    await draft.set("fr/x", "bonjour")
    await store.set("de", "hallo")
    ours, theirs = await store.head.get(), await draft.head.get()
    merge = await store.merge_with("draft", message="merge")
    assert merge is not None
    assert merge.parents == (ours.oid, theirs.oid), "the first parent is the branch's own, as with git"
    assert await store.names() == ["de", "en", "fr"]
    assert await store.merge_with("draft") is None
    assert await draft.merge_with(store) == merge, "a fast-forward"
    assert await world.branches.list() == ["draft", "main"]


async def test_a_conflict_names_path_and_sides() -> None:
    store = await repo().main()
    await store.set("a/x", "0")
    draft = await store.clone("draft")
    await draft.set("a/x", "theirs")
    head = await store.set("a/x", "ours")
    with pytest.raises(Conflict) as caught:
        await store.merge_with(draft)
    assert (caught.value.path, caught.value.ours, caught.value.theirs) == (("a", "x"), "ours", "theirs")
    assert await store.commit() == head


async def test_test_and_set() -> None:
    store = await repo().main()
    await store.test_and_set("a", None, "1")
    with pytest.raises(TestFailed) as caught:
        await store.test_and_set("a", None, "2")
    assert caught.value.found == "1"
    await store.test_and_set("a", "1", None)
    assert await store.mem("a") is False


@pytest.mark.parametrize("path", ["a//b", "/a", "a/", "../a", "a/.", "a/../b", "a\0b", ("a/b",), ("",), "a/.git/x"])
async def test_a_bad_path_is_refused(path: str | tuple[str, ...]) -> None:
    store = await repo().main()
    with pytest.raises(InvalidPath):
        await store.set(path, "1")
    with pytest.raises(InvalidPath):
        await store.find(path)


@pytest.mark.peer
def test_names_that_git_takes_for_its_own_directory(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare")
    blob = git(tmp_path, "hash-object", "-w", "--stdin").strip()
    stems = (
        ".git",
        ".GIT",
        ".gIt",
        "git~1",
        "GIT~1",
        "git~2",
        ".gitx",
        "xgit",
        ".git~1",
        "\u200c.g\u200dit",
        ".g\ufeffit",
    )
    tails = ("", ".", " ", ". .", "\\x", ":x", ".x", "x", "\u200f", "\u2010")
    refused = 0
    for name in (stem + tail for stem in stems for tail in tails):
        tree = git(tmp_path, "mktree", "-z", stdin=b"100644 blob %b\t%b\0" % (blob, name.encode())).strip()
        try:
            steps(name)
        except InvalidPath:
            refused += 1
            assert not is_sound(tmp_path, tree), name
        else:
            assert is_sound(tmp_path, tree), name
        (tmp_path / "objects" / tree[:2].decode() / tree[2:].decode()).unlink()
    assert refused > 30


def is_sound(repository: Path, tree: bytes) -> bool:
    """Say whether git's strict check has nothing against a tree."""
    done = subprocess.run(
        ["git", "-C", repository, "fsck", "--strict", tree], capture_output=True, env=ENVIRONMENT, check=False
    )
    return done.returncode == 0


async def test_the_root_holds_no_contents() -> None:
    store = await repo().main()
    with pytest.raises(InvalidPath, match="root"):
        await store.set("", "1")


async def test_nothing_is_beneath_a_file() -> None:
    store = await repo().main()
    await store.set_all({"a": "file", "b/a": "deeper"})
    for found in (store, await store.tree()):
        assert await found.find("a") == "file"
        assert await found.find("a/a") is None
        assert await found.find("b") is None
        assert await found.find("b/a/a") is None
        assert await found.find("") is None


async def test_a_write_to_a_head_that_others_moved() -> None:
    """A store builds on the commit that it made last; where that is not the head any more nobody notices."""
    world = repo()
    ours, theirs = world.of_branch("main"), world.of_branch("main")
    await ours.set("a", "1")
    await theirs.set("a", "2")
    assert await ours.set("a", "2") is None, "nothing to change, though there is in what it made"
    assert await ours.set("a", "1") is not None, "something to change, though there is not in what it made"
    await theirs.set("b", "1")
    await ours.set("c", "1", retries=0)
    assert await ours.names() == ["a", "b", "c"]
    await world.branches.remove("main")
    await ours.set("d", "1")
    assert await theirs.names() == ["d"]
