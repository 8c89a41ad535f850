"""Damaged and hostile repositories: a typed error, and nothing else is harmed."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from fata.disk.git import pack_index
from fata.disk.git.objects import BLOB, COMMIT, TREE, object_id, serialize_loose
from fata.disk.git.pack import HEADER, MAGIC
from fata.errors import StateError, Unavailable
from fata.irmin import BYTES, TEXT, MemoryBackend, Repo
from fata.irmin.backend.contract import RefChange
from fata.irmin.backend.git import GitBackend, init
from fata.irmin.errors import (
    Busy,
    CorruptObject,
    CorruptRef,
    InvalidName,
    InvalidPath,
    MissingObject,
    NameTaken,
    TooDeep,
)

pytestmark = pytest.mark.virtual_time


async def made(path: Path) -> Repo[bytes]:
    """Return a repository with two files and two commits."""
    init(str(path))
    store = await Repo(GitBackend(str(path)), BYTES).main()
    await store.set_all({"dir/a": b"first", "b": b"second"})
    await store.set("b", b"third")
    return Repo(GitBackend(str(path), lock_timeout=0.01), BYTES)


def object_path(path: Path, oid: bytes) -> Path:
    file = path / "objects" / oid.hex()[:2] / oid.hex()[2:]
    file.chmod(0o644)
    return file


async def problems(repo: Repo[bytes]) -> list[str]:
    return [problem.what[:10] for problem in [problem async for problem in repo.check()]]


@pytest.mark.parametrize("damage", ["gone", "cut", "noise", "empty", "another", "bomb"])
@pytest.mark.parametrize("what", ["contents", "tree", "commit"])
async def test_a_damaged_object_is_told(tmp_path: Path, damage: str, what: str) -> None:
    repo = await made(tmp_path)
    head = await (await repo.main()).head.get()
    tree = await head.tree.get_tree("dir")
    oid = {"contents": object_id(BLOB, b"first"), "tree": tree.hash(), "commit": head.oid}[what]
    file = object_path(tmp_path, oid)
    octets = file.read_bytes()
    match damage:
        case "gone":
            file.unlink()
        case "cut":
            file.write_bytes(octets[:-3])
        case "noise":
            file.write_bytes(b"noise")
        case "empty":
            file.write_bytes(b"")
        case "another":
            file.write_bytes(serialize_loose(BLOB, b"something else"))
        case "bomb":
            file.write_bytes(zlib.compress(b"blob 9\0" + bytes(1_000_000)))
    fresh = Repo(GitBackend(str(tmp_path)), BYTES)
    store = await fresh.main()
    with pytest.raises(MissingObject if damage == "gone" else CorruptObject):
        await store.get("dir/a")
    assert await problems(fresh) == [oid.hex()[:10]]
    if what != "commit":
        assert await store.get("b") == b"third", "the rest can be read"
        await store.set("c", b"fourth")
        assert await store.get("c") == b"fourth"


@pytest.mark.parametrize("octets", [b"", b"nonsense\n", b"ref: refs/heads/main\n", b"\xff" * 41, b"0" * 39 + b"\n"])
async def test_a_damaged_reference_is_told(tmp_path: Path, octets: bytes) -> None:
    repo = await made(tmp_path)
    (tmp_path / "refs/heads/main").write_bytes(octets)
    with pytest.raises(CorruptRef):
        await repo.of_branch("main").find("b")
    with pytest.raises(CorruptRef):
        await repo.of_branch("main").set("b", b"x")
    assert (tmp_path / "refs/heads/main").read_bytes() == octets


async def test_damaged_packed_references_are_told(tmp_path: Path) -> None:
    repo = await made(tmp_path)
    (tmp_path / "packed-refs").write_bytes(b"# pack-refs with: peeled\nnonsense\n")
    with pytest.raises(CorruptRef):
        await repo.branches.list()
    with pytest.raises(CorruptRef):
        await repo.of_branch("other").find("b")


async def test_a_lock_that_stays_is_told(tmp_path: Path) -> None:
    repo = await made(tmp_path)
    (tmp_path / "refs/heads/main.lock").touch()
    store = repo.of_branch("main")
    with pytest.raises(Busy, match=r"main\.lock"):
        await store.set("b", b"x")
    assert await store.get("b") == b"third"
    (tmp_path / "refs/heads/main.lock").unlink()
    await store.set("b", b"x")


@pytest.mark.parametrize(
    "name", ["", "a..b", "a b", "-a", "a.lock", "a/.b", "@", "a~1", "a\n", "/a", "a/", "a//b", "a@{1}"]
)
def test_names_that_git_refuses_are_refused(name: str) -> None:
    with pytest.raises(InvalidName):
        Repo(MemoryBackend(), TEXT).of_branch(name)


async def test_a_branch_beneath_a_branch_is_refused(tmp_path: Path) -> None:
    store = await (await made(tmp_path)).main()
    with pytest.raises(NameTaken):
        await store.clone("main/sub")


async def test_what_is_no_repository_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no git repository"):
        GitBackend(str(tmp_path / "nowhere"))
    init(str(tmp_path))
    (tmp_path / "config").write_text("[core]\nrepositoryformatversion = 1\n[extensions]\nobjectFormat = sha256\n")
    with pytest.raises(Unavailable, match="SHA-1"):
        GitBackend(str(tmp_path))


async def test_formats_of_our_own_are_not_written_into_a_git_directory(tmp_path: Path) -> None:
    init(str(tmp_path))
    for name in ("sha256", "blake2b"):
        with pytest.raises(StateError, match="cloned"):
            Repo(GitBackend(str(tmp_path)), TEXT, hash=name)
    with pytest.raises(StateError, match="there are sha1, sha256, blake2b"):
        Repo(MemoryBackend(), TEXT, hash="md5")  # type: ignore[arg-type]


async def test_a_path_may_be_deep_but_not_without_end() -> None:
    store = await Repo(MemoryBackend(), TEXT).main()
    deep = "/".join(["d"] * 2000)
    await store.set(deep, "deep")
    assert await store.get(deep) == "deep"
    assert (await (await store.tree()).stats()).depth == 2000
    await store.remove(deep)
    assert await store.names() == []
    for steps in (2049, 100_000):
        with pytest.raises(InvalidPath):
            await store.set("/".join(["d"] * steps), "x")


@pytest.mark.slow
async def test_a_tree_of_depth_100_000_does_no_harm() -> None:
    backend = MemoryBackend()
    repo = Repo(backend, TEXT)
    body = b"x"
    mode, kind = b"100644", BLOB
    objects = {}
    for _ in range(100_001):
        oid = object_id(kind, body)
        objects[oid] = (kind, body)
        body, mode, kind = b"%b d\0%b" % (mode, oid), b"40000", TREE
    root = object_id(TREE, body)
    objects[root] = (TREE, body)
    commit = b"tree %b\nauthor a <> 0 +0000\ncommitter a <> 0 +0000\n\nx" % root.hex().encode()
    objects[object_id(COMMIT, commit)] = (COMMIT, commit)
    await backend.commit(objects, [RefChange("refs/heads/main", None, object_id(COMMIT, commit))])
    store = await repo.main()
    assert await store.kind("/".join(["d"] * 2000)) == "node"
    with pytest.raises(TooDeep):
        await (await store.tree()).stats()
    await store.set("other", "x")
    assert await store.names() == ["d", "other"]
    assert [problem async for problem in repo.check()] == []
    assert (await repo.collect()).deleted == 0


def hostile_pack(path: Path, entries: list[tuple[bytes, bytes]]) -> None:
    """Write a pack of (id, entry) and an index that says so."""
    content = HEADER.pack(MAGIC, 2, len(entries))
    packed = []
    for oid, entry in entries:
        packed.append((oid, len(content), zlib.crc32(entry)))
        content += entry
    content += bytes(20)
    (path / "objects/pack/pack-bad.pack").write_bytes(content)
    (path / "objects/pack/pack-bad.idx").write_bytes(pack_index.serialize(packed, bytes(20)))


async def test_hostile_packs_are_told(tmp_path: Path) -> None:
    a, b, bomb, wild = (bytes((letter,)) * 20 for letter in b"abcd")
    delta = zlib.compress(bytes((5, 5, 0x90, 5)))
    loops = [(a, bytes((0x74,)) + b + delta), (b, bytes((0x74,)) + a + delta)]
    big = zlib.compress(bytes(10_000_000))
    await made(tmp_path)
    hostile_pack(tmp_path, [*loops, (bomb, bytes((0xBF, 0x7F)) + big), (wild, bytes((0x64, 0x8F, 0x7F)) + delta)])
    repo = Repo(GitBackend(str(tmp_path), limit=1 << 20), BYTES)
    for oid in (a, b, bomb, wild):
        with pytest.raises(CorruptObject):
            await repo.backend.read(oid)
    assert await (await repo.main()).get("b") == b"third"


@pytest.mark.parametrize("name", ["pack-x.idx", "pack-y.idx"])
async def test_an_index_of_nonsense_is_told(tmp_path: Path, name: str) -> None:
    await made(tmp_path)
    (tmp_path / "objects/pack" / name).write_bytes(b"" if "x" in name else b"nonsense" * 200)
    (tmp_path / "objects/pack" / name.replace("idx", "pack")).write_bytes(b"PACK")
    repo = Repo(GitBackend(str(tmp_path)), BYTES)
    with pytest.raises(CorruptObject, match="damaged pack"):
        await repo.backend.read(bytes(20))
    store = await repo.main()
    assert await store.get("b") == b"third", "what is elsewhere is found"
    await store.set("b", b"fourth")
    assert await store.get("b") == b"fourth"
