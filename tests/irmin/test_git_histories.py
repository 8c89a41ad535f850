"""Histories that git made are read, changed and given back as they were; histories that we make satisfy git."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from fata.irmin import BYTES, LINES, Repo, Store
from fata.irmin.backend.git import Durability, GitBackend, init
from fata.irmin.errors import Conflict
from tests.irmin.git import assert_sound, git

pytestmark = [pytest.mark.virtual_time, pytest.mark.peer]

STEPS = int(os.environ.get("FATA_IRMIN_STEPS", "400"))  # 10,000 in the nightly run


def open_repo(path: Path) -> Repo[bytes]:
    return Repo(GitBackend(str(path)), BYTES, author="Ann <ann@example.org>")


async def random_step(rng: random.Random, repo: Repo[bytes], store: Store[bytes]) -> None:
    """Do one thing that a user might do."""
    names = ["a", "b", "a.b", "a-b", "ä", "x y"]
    path = tuple(rng.choice(names) for _ in range(rng.randrange(1, 4)))
    match rng.randrange(8):
        case 0:
            await store.remove(path)
        case 1:
            await store.set_all([(tuple(rng.choice(names) for _ in range(3)), b"%d" % number) for number in range(5)])
        case 2:
            await repo.branches.remove("side")
            await store.clone("side")
        case 3 | 4:
            await repo.of_branch("side").set(path, b"side %d" % rng.randrange(9), message="on the side")
        case 5:
            try:
                if await repo.branches.mem("side"):
                    await store.merge_with("side", message="merge")
            except Conflict:
                await repo.branches.remove("side")
        case _:
            await store.set(path, b"value %d" % rng.randrange(99), message="set")


async def test_random_histories_satisfy_git(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    init(str(bare))
    rng = random.Random(11)
    repo = open_repo(bare)
    store = await repo.main()
    for number in range(STEPS):
        await random_step(rng, repo, store)
        if number % 97 == 50:
            git(bare, "gc" if number % 2 else "repack", "-q")
    await repo.backend.flush()  # by then no packs are being joined
    assert_sound(bare)
    assert [problem async for problem in repo.check()] == []
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(bare), str(clone))
    assert_sound(clone)
    (clone / "new").write_bytes(b"by git")
    git(clone, "add", "new")
    git(clone, "commit", "-q", "-m", "by git")
    git(clone, "push", "-q", "origin", "main")
    assert_sound(bare)
    assert await store.get("new") == b"by git"
    ours = await store.set("newer", b"by us")
    assert ours is not None
    git(clone, "pull", "-q")
    assert (clone / "newer").read_bytes() == b"by us"
    assert git(clone, "rev-parse", "HEAD").decode().strip() == ours.hex


def rich_history(path: Path) -> None:
    """Make a history with all that git has: merges, an octopus, modes, a link, a submodule, odd names, tags."""
    git(path, "init", "-q")
    (path / "dir").mkdir()
    (path / "dir" / "run").write_text("#!/bin/sh\n")
    (path / "dir" / "run").chmod(0o755)
    (path / "link").symlink_to("dir/run")
    with open(os.fsencode(path) + b"/\xff\xfe name", "wb") as odd:
        odd.write(b"odd")
    git(path, "add", "-A")
    git(path, "update-index", "--add", "--cacheinfo", f"160000,{'12' * 20},sub")
    git(path, "commit", "-q", "-m", "first")
    for branch in ("one", "two", "three"):
        git(path, "checkout", "-q", "-b", branch, "main")
        (path / branch).write_text(branch)
        git(path, "add", branch)
        git(path, "commit", "-q", "-m", branch)
    git(path, "checkout", "-q", "main")
    git(path, "merge", "-q", "-m", "octopus", "one", "two", "three")
    empty = git(path, "mktree").decode().strip()
    top = git(path, "ls-tree", "-z", "HEAD") + b"040000 tree " + empty.encode() + b"\tempty\0"
    tree = git(path, "mktree", "-z", "--missing", stdin=top).decode().strip()
    made = git(path, "commit-tree", tree, "-p", "HEAD", "-m", "with an empty tree").decode().strip()
    git(path, "update-ref", "refs/heads/main", made)
    git(path, "tag", "-a", "v1", "-m", "tagged")
    git(path, "tag", "light")
    git(path, "pack-refs", "--all")


async def test_a_history_with_everything_survives(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    rich_history(work)
    bare = tmp_path / "bare"
    git(tmp_path, "clone", "-q", "--bare", str(work), str(bare))
    before = git(bare, "ls-tree", "-r", "-t", "-z", "main")
    repo = open_repo(bare)
    store = await repo.main()
    assert await store.get("\udcff\udcfe name") == b"odd"
    assert await store.find_all("link") == (b"dir/run", "120000")
    assert await store.find_all("dir/run") == (b"#!/bin/sh\n", "100755")
    assert await store.kind("empty") == "node"
    head = await store.head.get()
    octopus = await repo.commit(head.parents[0])
    assert len(octopus.parents) == 3
    assert head.info.message == "with an empty tree"
    await store.set("dir/run", b"#!/bin/sh\nexit\n")
    await store.set("dir/new", b"new")
    await store.remove("dir/new")
    await store.set("dir/run", b"#!/bin/sh\n")
    assert git(bare, "ls-tree", "-r", "-t", "-z", "main") == before
    assert_sound(bare)
    assert [problem async for problem in repo.check()] == []
    assert set(await repo.backend.refs("refs/tags/")) == {"refs/tags/light", "refs/tags/v1"}
    git(work, "fetch", "-q", str(bare), "main:refs/heads/ours")
    assert_sound(work)


@pytest.mark.parametrize("ours", ["644", "755"])
@pytest.mark.parametrize("theirs", ["644", "755"])
async def test_modes_merge_as_git_merges_them(tmp_path: Path, ours: str, theirs: str) -> None:
    git(tmp_path, "init", "-q")
    script = tmp_path / "run"
    script.write_text("a\nb\nc\nd\ne\n")
    git(tmp_path, "add", "run")
    git(tmp_path, "commit", "-q", "-m", "base")
    git(tmp_path, "branch", "side")
    for branch, mode, text in (("main", ours, "A\nb\nc\nd\ne\n"), ("side", theirs, "a\nb\nc\nd\nE\n")):
        git(tmp_path, "checkout", "-q", branch)
        script.write_text(text)
        script.chmod(int(mode, 8))
        git(tmp_path, "commit", "-q", "-a", "-m", branch)
    git(tmp_path, "checkout", "-q", "--detach", "main")
    git(tmp_path, "merge", "-q", "-m", "by git", "side")
    merged = Repo(GitBackend(str(tmp_path)), LINES).of_branch("main")
    await merged.merge_with("side", message="by us")
    assert git(tmp_path, "rev-parse", "main^{tree}") == git(tmp_path, "rev-parse", "HEAD^{tree}")
    assert (await merged.get_all("run"))[1] == ("100755" if "755" in (ours, theirs) else "100644")


async def test_what_git_packs_and_removes_meanwhile_is_found(tmp_path: Path) -> None:
    init(str(tmp_path))
    repo = open_repo(tmp_path)
    store = await repo.main()
    for number in range(30):
        await store.set(f"dir/{number}", b"%d" % number)
        if number % 10 == 9:
            git(tmp_path, "gc", "-q", "--prune=now")
            git(tmp_path, "pack-refs", "--all", "--prune")
    fresh = await open_repo(tmp_path).main()
    assert [await fresh.get(f"dir/{number}") for number in range(30)] == [b"%d" % number for number in range(30)]
    await repo.branches.remove("main")
    assert git(tmp_path, "for-each-ref") == b""


@pytest.mark.parametrize("durability", Durability)
async def test_branches_of_ours_are_git_s(tmp_path: Path, durability: Durability) -> None:
    init(str(tmp_path), bare=False)
    repo = Repo(GitBackend(str(tmp_path), durability=durability), BYTES)
    store = await repo.main()
    await store.set("a", b"1")
    await store.clone("feature/x")
    git(tmp_path, "branch", "feature/y", "main")
    git(tmp_path, "symbolic-ref", "refs/heads/alias", "refs/heads/feature/y")
    assert await repo.branches.list() == ["alias", "feature/x", "feature/y", "main"]
    await repo.of_branch("alias").set("b", b"2")
    assert git(tmp_path, "show", "feature/y:b") == b"2"
    git(tmp_path, "branch", "-D", "-q", "alias", "feature/x", check=False)
    assert_sound(tmp_path)
