"""Histories: common ancestors, who changed what last, pictures, heads, watches."""

from __future__ import annotations

import asyncio
import random
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fata.blocking import drive
from fata.irmin import TEXT, Commit, MemoryBackend, Repo, Store, Tree
from fata.irmin.backend.git import GitBackend, init
from fata.irmin.containers import COUNTER
from fata.irmin.errors import Conflict, HeadRejected, NotFound, TooManyLcas, TooManyRetries
from tests.irmin.git import git

pytestmark = pytest.mark.virtual_time


def new_repo() -> Repo[str]:
    return Repo(MemoryBackend(), TEXT, now=lambda: 0)


async def commit_on(store: Store[str], path: str, value: str) -> Commit[str]:
    made = await store.set(path, value, message=f"{path}={value}")
    assert made is not None
    return made


async def with_parents(repo: Repo[str], name: str, *parents: Commit[str]) -> Commit[str]:
    """Make a commit with the parents, on a branch of its own."""
    store = repo.of_branch(name)
    made = await store.set(name, name, parents=tuple(parent.oid for parent in parents), message=name)
    assert made is not None
    return made


async def test_criss_cross_has_two_common_ancestors() -> None:
    repo = new_repo()
    root = await with_parents(repo, "root")
    a, b = await with_parents(repo, "a", root), await with_parents(repo, "b", root)
    left, right = await with_parents(repo, "left", a, b), await with_parents(repo, "right", b, a)
    graph = repo.commits.graph
    assert await graph.lcas(left.oid, right.oid) == sorted([a.oid, b.oid])
    assert await graph.lcas(left.oid, root.oid) == [root.oid]
    assert await graph.lcas(a.oid, a.oid) == [a.oid]
    assert await graph.is_ancestor(root.oid, left.oid)
    assert not await graph.is_ancestor(left.oid, right.oid)
    with pytest.raises(TooManyLcas):
        await graph.lcas(left.oid, right.oid, n=1)
    with pytest.raises(TooManyLcas):
        await graph.lcas(left.oid, right.oid, max_depth=0)


async def test_criss_cross_merges_by_the_merge_of_its_ancestors() -> None:
    repo = new_repo()
    main = await repo.main()
    await main.set_all({"x": "0", "y": "0"})
    side = await main.clone("side")
    await main.set("x", "main")
    await side.set("y", "side")
    old_main, old_side = await main.head.get(), await side.head.get()
    await main.merge_with(old_side)
    await side.merge_with(old_main)
    await main.set("z", "1")
    await side.set("w", "2")
    assert len(await main.lcas(side)) == 2
    merged = await main.merge_with(side)
    assert merged is not None
    assert {path: value async for path, value in merged.tree.items()} == {"x": "main", "y": "side", "z": "1", "w": "2"}


async def test_unrelated_histories_merge_where_they_do_not_meet() -> None:
    repo = new_repo()
    main, other = await repo.main(), repo.of_branch("other")
    await main.set_all({"a": "1", "same": "x"})
    await other.set_all({"b": "2", "same": "x"})
    assert await main.lcas(other) == []
    await main.merge_with(other)
    assert sorted(await main.names()) == ["a", "b", "same"]
    await other.set("a", "another")
    with pytest.raises(Conflict):
        await main.merge_with(other)


async def test_last_modified() -> None:
    store = await new_repo().main()
    first = await commit_on(store, "a/x", "1")
    second = await commit_on(store, "a/y", "1")
    for number in range(50):
        await commit_on(store, f"b/{number % 5}", str(number))
    third = await commit_on(store, "a/x", "2")
    assert await store.last_modified("a/x") == [third]
    assert await store.last_modified("a/y") == [second]
    assert await store.last_modified("a", n=3) == [third, second, first]
    assert await store.last_modified("a/x", n=9) == [third, first]
    assert await store.last_modified("a/y", depth=10) == []
    assert await store.last_modified("nowhere") == []
    cold = await Repo(store.repo.backend, TEXT).main()
    assert [commit.oid for commit in await cold.last_modified("a", n=3)] == [third.oid, second.oid, first.oid]
    removed = await store.remove("a")
    assert await store.last_modified("a/y") == [removed]


async def test_a_moved_tree_is_a_change_of_what_is_in_it() -> None:
    store = await new_repo().main()
    await store.set_all({"a/x": "1", "b/x": "2"})
    moved = await store.set_tree("b", await (await store.get_tree("a")).add("y", "3"))
    assert await store.last_modified("b/x") == [moved]
    assert await store.last_modified("b/y") == [moved]


@pytest.mark.peer
def test_what_git_says_of_random_histories(tmp_path: Path) -> None:
    """Common ancestors by `git merge-base --all`, last changes by `git log -1 -- path`, in a history full of merges."""
    init(str(tmp_path))
    rng = random.Random(7)
    clock = iter(range(1, 10_000))
    repo = Repo(GitBackend(str(tmp_path)), TEXT, now=lambda: next(clock))
    branches = [repo.of_branch(f"b{number}") for number in range(4)]
    drive(branches[0].set("base", "0"))
    for branch in branches[1:]:
        drive(branches[0].clone(branch.branch or ""))
    for step in range(120):
        store, other = rng.sample(branches, 2)
        if rng.random() < 0.35:
            try:
                drive(store.merge_with(other))
            except Conflict:
                drive(store.head.set(drive(other.head.get())))
        else:
            drive(store.set(f"{store.branch}/f{rng.randrange(4)}", str(step)))
    drive(branches[0].set("last", "x"))
    git(tmp_path, "commit-graph", "write", "--reachable")
    assert len(GitBackend(str(tmp_path)).links()) > 50
    drive(branches[1].set("beyond the graph", "x"))
    cold = Repo(GitBackend(str(tmp_path)), TEXT)
    for name, store in (("b0", branches[0]), ("b1", cold.of_branch("b1"))):
        for side in ("b2", "b3"):
            theirs = git(tmp_path, "merge-base", "--all", name, side).decode().split()
            assert sorted(theirs) == [commit.hex for commit in drive(store.lcas(side))]
        for path in ("base", "b2/f1", "b3", "b0/f0"):
            theirs = git(tmp_path, "log", "-1", "--format=%H", name, "--", path).decode().split()
            assert [commit.hex for commit in drive(store.last_modified(path))] == theirs, path


@pytest.mark.peer
def test_git_s_commit_graph_is_read_and_not_trusted_when_damaged(tmp_path: Path) -> None:
    init(str(tmp_path))
    repo = Repo(GitBackend(str(tmp_path)), TEXT)
    store = drive(repo.main())
    first = drive(store.set("a", "1"))
    assert first is not None
    sides = [drive(store.clone(f"side{number}")) for number in range(3)]
    ends = [drive(side.set(f"s{number}", "x")) for number, side in enumerate(sides)]
    drive(store.set("octopus", "8", parents=tuple(end.oid for end in ends if end)))
    git(tmp_path, "commit-graph", "write", "--reachable")
    links = {oid: parents for oid, parents, *_ in GitBackend(str(tmp_path)).links()}
    head = drive(store.head.get())
    assert links[head.oid] == head.parents
    assert links[first.oid] == ()
    file = tmp_path / "objects/info/commit-graph"
    octets = file.read_bytes()
    file.chmod(0o644)
    for at in range(0, len(octets), 7):
        file.write_bytes(octets[:at] + bytes((octets[at] ^ 1,)) + octets[at + 1 :])
        assert GitBackend(str(tmp_path)).links() == []
    file.write_bytes(octets[:100])
    assert drive(Repo(GitBackend(str(tmp_path)), TEXT).of_branch("main").lcas("side1")) == [ends[1]]


@pytest.mark.peer
def test_git_s_filters_of_changed_paths_say_the_same(tmp_path: Path) -> None:
    init(str(tmp_path))
    rng = random.Random(8)
    store = drive(Repo(GitBackend(str(tmp_path)), TEXT).main())
    names = ["a", "b/c", "b/d/e", "b/d/f", "ü/x", "long " * 20, "rare"]
    drive(store.set("rare", "1"))
    for number in range(60):
        name = rng.choice(names[:-1])
        drive(store.set_all({name: str(number), rng.choice(names[:-1]): str(number)}, message=str(number)))
        if number % 20 == 19:
            side = drive(store.clone(f"side{number}"))
            drive(side.set(f"side/{number}", "x"))
            drive(store.set("a", f"a {number}"))
            drive(store.merge_with(side))
    git(tmp_path, "commit-graph", "write", "--reachable", "--changed-paths")
    backend = GitBackend(str(tmp_path))
    assert sum(changed is not None for *_, changed in backend.links()) > 60
    cold = Repo(backend, TEXT).of_branch("main")
    for name in (*names, "b", "b/d", "nowhere"):
        said = git(tmp_path, "log", "-1", "--format=%H", "main", "--", name).decode().split()
        for _ in range(2):  # what the first question found out is used by the second
            assert [commit.hex for commit in drive(cold.last_modified(name))] == said
    again = drive(store.set("rare", "2"))
    assert drive(cold.last_modified("rare")) == [again]
    assert len(drive(cold.last_modified("rare", n=5))) == 2


async def test_a_history_is_a_graph() -> None:
    repo = new_repo()
    store = await repo.main()
    first = await commit_on(store, "a", "1")
    side = await store.clone("side")
    second = await commit_on(store, "a", "2")
    third = await commit_on(side, "b", '"quoted" <&>')
    merge = await store.merge_with(side, message="merge")
    assert merge is not None
    whole = await store.history()
    assert whole.commits[0] == merge
    assert whole.commits[-1] == first
    assert set(whole.parents[merge]) == {second, third}
    assert (await store.history(depth=1)).commits == [merge]
    assert set((await store.history(oldest=[second])).commits) == {merge, second, third}
    dot, svg = await repo.picture(), await repo.picture("svg")
    assert f'"{merge.hex}" -> "{third.hex}"' in dot
    ElementTree.fromstring(svg)


@pytest.mark.peer
def test_graphviz_reads_the_picture(tmp_path: Path) -> None:
    repo = new_repo()
    store = drive(repo.main())
    drive(store.set("a", "1", message='say "hello" \\ or\nnot'))
    dot = drive(repo.picture())
    done = subprocess.run(["dot", "-Tsvg"], input=dot.encode(), capture_output=True, check=True)
    assert b"say" in done.stdout


@pytest.mark.parametrize("nonce", range(6))
async def test_three_common_ancestors_of_which_two_share_more(nonce: int) -> None:
    """Whatever order their ids give: what two of them have in common counts once."""
    repo = Repo(MemoryBackend(), COUNTER, now=lambda: 0)
    root, shared = repo.of_branch("root"), repo.of_branch("shared")
    await root.set("n", 0, message=f"{nonce}")
    await shared.merge_with(root)
    await shared.set("n", 10)
    for name, start, value in (("a", root, 1), ("b", shared, 110), ("c", shared, 1010)):
        store = await start.clone(name)
        await store.set("n", value, message=name)
    left, right = await repo.of_branch("a").clone("left"), await repo.of_branch("c").clone("right")
    for store, others in ((left, "bc"), (right, "ba")):
        for other in others:
            await store.merge_with(other, message=f"{store.branch} {other}")
        assert await store.get("n") == 1111
        await store.set("n", 1112, message=store.branch or "")
    assert len(await left.lcas(right)) == 3
    await left.merge_with(right)
    assert await left.get("n") == 1113


async def test_heads_are_moved_by_hand() -> None:
    repo = new_repo()
    store = await repo.main()
    with pytest.raises(NotFound):
        await store.head.get()
    first, second = await commit_on(store, "a", "1"), await commit_on(store, "a", "2")
    await store.head.set(first)
    assert await store.get("a") == "1"
    await store.head.fast_forward(second)
    with pytest.raises(HeadRejected, match="no change"):
        await store.head.fast_forward(second)
    with pytest.raises(HeadRejected, match="no fast-forward"):
        await store.head.fast_forward(first)
    assert not await store.head.test_and_set(first, second)
    detached = repo.of_commit(first)
    await commit_on(detached, "b", "detached")
    assert await detached.names() == ["a", "b"]
    assert await store.names() == ["a"]
    empty = repo.empty()
    await commit_on(empty, "c", "fresh")
    assert (await empty.head.get()).parents == ()
    assert await store.head.list() == [second]


async def test_a_writer_that_is_always_too_slow_is_told() -> None:
    store = await new_repo().main()
    await commit_on(store, "a", "0")

    async def change(tree: object) -> object:
        await store.set("b", str(random.random()))
        return await tree.add("a", "1")  # type: ignore[attr-defined]

    with pytest.raises(TooManyRetries, match="3 tries"):
        await store.change(change, retries=2)  # type: ignore[arg-type]


async def test_strategies_of_a_change_that_was_overtaken() -> None:
    async def overtaken(strategy: str) -> str:
        store = await new_repo().main()
        await store.set_all({"d/a": "0", "d/b": "0"})
        once: list[object] = []

        async def change(tree: object) -> object:
            if not once:
                once.append(await store.set("d/b", "theirs"))
            return await tree.add("a", "ours")  # type: ignore[attr-defined]

        await store.with_tree("d", change, strategy)  # type: ignore[arg-type]
        return await store.get("d/a") + " " + await store.get("d/b")

    assert await overtaken("set") == "ours 0"
    assert await overtaken("test_and_set") == "ours theirs"
    assert await overtaken("merge") == "ours theirs"


async def test_a_tree_that_was_overtaken_is_merged_without_asking_again() -> None:
    store = await new_repo().main()
    await store.set_all({"d/a": "0", "d/b": "0"})
    asked = 0

    async def change(tree: Tree[str]) -> Tree[str]:
        nonlocal asked
        asked += 1
        await store.set("d/a", "theirs")
        return await tree.add("a", "ours")

    with pytest.raises(Conflict) as caught:
        await store.with_tree("d", change, "merge")
    assert (caught.value.path, caught.value.ours, caught.value.theirs) == (("d", "a"), "theirs", "ours")
    assert (asked, await store.get("d/a")) == (1, "theirs")


async def test_a_watch_hears_of_each_change_in_order() -> None:
    repo = new_repo()
    store = await repo.main()
    async with store.watch() as changes, repo.branches.watch_all() as everything, store.watch("a/x") as path:
        first = await commit_on(store, "a/x", "1")
        await commit_on(repo.of_branch("other"), "a", "1")
        second = await commit_on(store, "b", "2")
        third = await commit_on(store, "a/x", "3")
        assert [(await anext(changes)).new for _ in range(3)] == [first, second, third]
        assert [(await anext(everything)).branch for _ in range(4)] == ["main", "other", "main", "main"]
        told = [await anext(path) for _ in range(2)]
        assert [change.new for change in told] == [first, third]
        assert told[1].new_tree is not None
        assert await told[1].new_tree.find("") == "3"
        waiting = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(1)
        assert not waiting.done()
        await repo.branches.remove("main")
        assert (await waiting).new is None
