"""Trees: values that are read as far as somebody looks, changed without harm to others, walked, compared, proved."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from fata.irmin import BYTES, TEXT, MemoryBackend, Repo, Tree
from fata.irmin.concrete import Value
from fata.irmin.errors import BadProof, Conflict, InvalidPath, MissingObject, WrongKind
from fata.irmin.node import Node
from fata.irmin.proof import Proof, partial_tree, produce, verify
from fata.irmin.repo import HashName
from fata.irmin.walk import Depth
from fata.sim.suspending_backend import SuspendingBackend
from tests.irmin.git import git

pytestmark = pytest.mark.virtual_time

FILES = {"a/b/c": "1", "a/b/d": "2", "a/e": "3", "f": "4"}
HASHES: tuple[HashName, ...] = ("sha1", "sha256", "blake2b")


async def made(files: dict[str, str] | None = None, name: HashName = "sha1") -> tuple[Repo[str], Tree[str]]:
    """Return a stored tree, of which nothing is in memory, in a repository that has to read it."""
    backend = MemoryBackend()
    store = await Repo(backend, TEXT, hash=name).main()
    await store.set_all(FILES if files is None else files)
    repo = Repo(SuspendingBackend(backend), TEXT, hash=name)
    return repo, await (await repo.main()).tree()


async def flat(tree: Tree[str]) -> dict[str, str]:
    return {path: value async for path, value in tree.items()}


async def test_a_change_makes_another_tree() -> None:
    _, tree = await made()
    changed = await tree.add("a/b/c", "new")
    changed = await changed.remove("a/e")
    changed = await changed.update("f", lambda old: f"{old}{old}")
    assert await flat(tree) == FILES
    assert await flat(changed) == {"a/b/c": "new", "a/b/d": "2", "f": "44"}
    assert await flat(await changed.remove("a/b")) == {"f": "44"}
    assert (await changed.remove("")).is_empty()
    back = await (await (await changed.add("a/b/c", "1")).add("a/e", "3")).add("f", "4")
    assert back.hash() == tree.hash()


async def test_files_and_directories_take_each_other_s_place() -> None:
    _, tree = await made()
    assert await flat(await tree.add("a", "file")) == {"a": "file", "f": "4"}
    assert await flat(await tree.add("f/g", "x")) == {**{k: v for k, v in FILES.items() if k != "f"}, "f/g": "x"}
    many = await tree.add_all([("f/g", "x"), ("f", "y"), ("f/h", "z"), ("a/b", "w")])
    assert await flat(many) == {"a/b": "w", "a/e": "3", "f/h": "z"}
    with pytest.raises(InvalidPath):
        await tree.add_all([("", "x")])
    with pytest.raises(WrongKind):
        await (await tree.get_tree("f")).add("x", "y")


async def test_trees_within_trees() -> None:
    _, tree = await made()
    inner = await tree.get_tree("a/b")
    moved = await (await tree.remove("a")).add_tree("x/y", inner)
    assert await flat(moved) == {"f": "4", "x/y/c": "1", "x/y/d": "2"}
    assert [name for name, _ in await tree.list("a")] == ["b", "e"]
    assert await tree.names("a", offset=1, length=1) == ["e"]
    assert await tree.length("a") == 2
    assert [(name, await below.kind("")) async for name, below in tree.seq("a")] == [("b", "node"), ("e", "contents")]
    assert await tree.kind("a") == "node"
    assert await (await tree.get_tree("f")).find("") == "4"


async def test_walking() -> None:
    _, tree = await made()
    assert ["/".join(path) async for path, _ in tree.walk()] == ["", "a", "a/b", "a/b/c", "a/b/d", "a/e", "f"]

    async def depths(depth: Depth) -> list[str]:
        return ["/".join(path) async for path, _ in tree.walk(depth=depth)]

    assert await depths(Depth("eq", 1)) == ["a", "f"]
    assert await depths(Depth("lt", 2)) == ["", "a", "f"]
    assert await depths(Depth("gt", 2)) == ["a/b/c", "a/b/d"]
    assert await depths(Depth("ge", 3)) == ["a/b/c", "a/b/d"]
    assert await depths(Depth("le", 0)) == [""]
    assert sorted([path async for path, _ in tree.items(order="random")]) == sorted(FILES)
    told = await tree.fold(
        "",
        pre=lambda path, _, seen: f"{seen}<{'/'.join(path)}",
        contents=lambda _path, value, seen: seen + value,
        post=lambda _path, _tree, seen: f"{seen}>",
    )
    assert told == "<<a<a/b12>3>4>"
    stats = await tree.stats()
    assert (stats.nodes, stats.leafs, stats.depth, stats.width) == (3, 4, 3, 2)


async def test_what_is_not_in_memory_is_skipped_on_demand() -> None:
    repo, tree = await made()
    lazy = Tree(repo.objects, Node(tree.hash()))
    repo.objects.cache.clear()
    assert (await lazy.stats(force=False)).skips == 1
    assert (await lazy.stats()).skips == 0
    same = await tree.add_tree("twin", await tree.get_tree("a"))
    assert len([path async for path, _ in same.walk(uniq=True)]) == 7


async def test_differences() -> None:
    _, tree = await made()
    other = await (await (await tree.add("a/b/c", "x")).remove("f")).add("f/g", "y")
    found = [each async for each in tree.diff(other)]
    assert found == [("a/b/c", "1", "x"), ("f", "4", None), ("f/g", None, "y")]
    assert [each async for each in tree.diff(tree)] == []


async def test_merging_trees() -> None:
    _, base = await made()
    ours, theirs = await base.add("a/b/c", "x"), await (await base.remove("a/e")).add("n/m", "new")
    assert await flat(await ours.merge(base, theirs)) == {"a/b/c": "x", "a/b/d": "2", "f": "4", "n/m": "new"}
    with pytest.raises(Conflict) as caught:
        await ours.merge(base, await base.remove("a/b"))
    assert caught.value.path == ("a", "b", "c") or caught.value.path == ("a", "b")


async def test_concrete_trees() -> None:
    repo, tree = await made()
    concrete = await tree.to_concrete()
    assert concrete == {
        "a": {"b": {"c": Value("1"), "d": Value("2")}, "e": Value("3")},
        "f": Value("4"),
    }
    assert (await repo.tree_of(concrete)).hash() == tree.hash()
    assert (await repo.tree_of({"x": {}})).is_empty()
    with pytest.raises(WrongKind):
        await repo.tree_of({"x": "bare"})


async def rename(tree: Tree[str]) -> tuple[Tree[str], str]:
    """Move what is at w/k17, if there is such a thing, and say what it is."""
    value = await tree.get("w/k17")
    return await (await tree.remove("w/k17")).add("moved", value), value


@pytest.mark.parametrize("name", HASHES)
async def test_a_proof_convinces_somebody_who_has_no_tree(name: HashName) -> None:
    files = {f"w/k{number}": str(number) for number in range(2000)} | {f"other/{n}": "x" for n in range(100)}
    repo, tree = await made(files, name)
    proof, value = await produce(tree, rename)
    octets = proof.serialize()
    assert value == "17"
    if name != "sha1":  # git's trees have to be shown whole
        assert len(octets) < 12_000
    stranger = Repo(MemoryBackend(), TEXT, hash=name)
    after, again = await verify(Proof.parse(octets), rename, stranger.objects)
    assert again == "17"
    assert after.hash() == proof.after
    part = partial_tree(proof, stranger.objects)
    assert await part.get("w/k17") == "17"
    with pytest.raises(MissingObject):
        await part.get("other/1")

    async def something_else(tree: Tree[str]) -> tuple[Tree[str], None]:
        return await tree.add("w/k18", "no"), None

    with pytest.raises(BadProof):
        await verify(proof, something_else, stranger.objects)
    del repo


async def test_a_proof_of_another_tree_is_refused() -> None:
    repo, tree = await made({"w/k17": "17"}, "blake2b")
    stranger = Repo(MemoryBackend(), TEXT, hash="blake2b")
    proof, _ = await repo.produce_proof(tree, rename)
    after, value = await stranger.verify_proof(proof, tree.hash(), rename)
    assert (after.hash(), value) == (proof.after, "17")
    with pytest.raises(BadProof, match="not of"):
        await stranger.verify_proof(proof, after.hash(), rename)


@pytest.mark.parametrize("name", HASHES)
async def test_a_forged_proof_convinces_nobody(name: HashName) -> None:
    _, tree = await made({"w/k17": "17", "w/k18": "18"}, name)
    proof, _ = await produce(tree, rename)
    stranger = Repo(MemoryBackend(), TEXT, hash=name).objects
    for number, (kind, body) in enumerate(proof.objects):
        forged = list(proof.objects)
        forged[number] = (kind, body.replace(b"1", b"2"))
        if forged != list(proof.objects):
            with pytest.raises(BadProof):
                await verify(proof._replace(objects=tuple(forged)), rename, stranger)
    octets = proof.serialize()
    for end in range(len(octets)):
        try:
            shorter = Proof.parse(octets[:end])
        except BadProof:
            continue
        with pytest.raises(BadProof):
            await verify(shorter, rename, stranger)


@pytest.mark.parametrize("name", HASHES)
async def test_equal_directories_have_equal_ids_however_they_came_to_be(name: HashName) -> None:
    rng = random.Random(3)
    backend = MemoryBackend()
    model: dict[str, str] = {}
    for step in range(25):
        store = await Repo(SuspendingBackend(backend) if step % 2 else backend, TEXT, hash=name).main()
        tree = await store.tree()
        if rng.random() < 0.65:
            items = {f"w/{rng.randrange(900)}": str(step) for _ in range(rng.randrange(1, 300))}
            model |= items
            tree = await tree.add_all(items)
        for path in rng.sample(sorted(model), int(len(model) * rng.choice([0, 0.1, 0.5, 1.0]))):
            del model[path]
            tree = await tree.remove(path)
        await store.set_tree("", tree, allow_empty=True)
        assert (await Repo(MemoryBackend(), TEXT, hash=name).tree().add_all(model)).hash() == tree.hash()
        assert await flat(await (await Repo(backend, TEXT, hash=name).main()).tree()) == model
    repo = Repo(backend, TEXT, hash=name)
    assert [problem async for problem in repo.check()] == []


async def test_a_change_in_a_wide_directory_is_small() -> None:
    backend = MemoryBackend()
    store = await Repo(backend, TEXT, hash="blake2b").main()
    await store.set_all((f"k{number}", str(number)) for number in range(20_000))
    before = {oid async for oid in backend.ids()}
    first = await store.tree()
    await store.set("k777", "new")
    new = [backend.peek(oid) async for oid in backend.ids() if oid not in before]
    assert sum(len(found[1]) for found in new if found) < 12_000
    await store.set_all({f"dir/{number}/x": "deep" for number in range(300)})
    for _ in range(2):
        assert await store.get("dir/7/x") == "deep"
        assert await store.find("dir/7/y") is None
        assert await store.find("k778") == "778"
    await store.remove("dir")
    second = await store.tree()
    assert [each async for each in first.diff(second)] == [("k777", "777", "new")]
    merged = await (await first.add("k5", "five")).merge(first, second)
    assert await merged.find("k777") == "new"
    assert await merged.find("k5") == "five"


@pytest.mark.peer
async def test_ten_thousand_random_trees_have_git_s_ids(tmp_path: Path) -> None:
    """Each tree is hashed by git itself: `git mktree --batch`."""
    count = int(os.environ.get("FATA_IRMIN_TREES", "1000"))  # 10,000 in the nightly run
    rng = random.Random(4)
    git(tmp_path, "init", "-q", "--bare")
    backend = MemoryBackend()
    repo = Repo(backend, BYTES)
    alphabet = [b"a", b"b", b".", b"-", b"0", b"\xff", b" ", "é".encode(), b"A", b"~"]
    ours, asked = [], []
    empty_directory = await repo.tree().add("x", b"x")
    for _ in range(count):
        names = {b"".join(rng.choices(alphabet, k=rng.randrange(1, 5))) for _ in range(rng.randrange(1, 12))}
        tree = repo.tree()
        for name in names - {b".", b".."}:
            shown = (name.decode("utf-8", "surrogateescape"),)
            if rng.random() < 0.3:
                tree = await tree.add_tree(shown, empty_directory)
            else:
                tree = await tree.add(shown, bytes((rng.randrange(9),)), rng.choice([b"100644", b"100755", b"120000"]))
        ours.append(tree.hash().hex())
        lines = []
        for name, (mode, oid) in repo.objects.ids(tree.root).items() if type(tree.root) is Node else ():
            kind = b"tree" if mode == b"40000" else b"blob"
            lines.append(b"%b %b %b\t%b\0" % (mode.rjust(6, b"0"), kind, oid.hex().encode(), name))
        rng.shuffle(lines)
        asked.append(b"".join(lines) + b"\0")
    theirs = git(tmp_path, "mktree", "-z", "--missing", "--batch", stdin=b"".join(asked))
    assert theirs.decode().split() == ours
