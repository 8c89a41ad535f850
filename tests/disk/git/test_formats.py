"""Git's formats: known octets both ways, round trips, every truncation, noise."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from hashlib import sha1
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.disk import inode
from fata.disk.git import changed_paths, commits, pack, pack_index, references, tags, trees
from fata.disk.git.delta import apply_delta
from fata.disk.git.errors import Malformed
from fata.disk.git.objects import BLOB, COMMIT, object_id, parse_loose, serialize_loose
from fata.disk.git.trees import Entry

ONE, TWO = bytes(range(20)), bytes(range(100, 120))
WHO = b"A U Thor <author@example.org>"
COMMIT_FIELDS = commits.Commit(
    ONE,
    (TWO, ONE),
    commits.Person(WHO, 1_700_000_000, b"+0130"),
    commits.Person(WHO, -5),
    b"subject\n\nbody\n",
    b"gpgsig -----BEGIN\n line\nencoding latin-1\n",
)
TREE_ENTRIES = [Entry(b"100644", b"a.b", ONE), Entry(b"40000", b"a", TWO), Entry(b"120000", b"a0", ONE)]
TAG = tags.Tag(ONE, b"commit", b"v1", b"tagger A <a@b> 1 +0000\n\nmessage\n")
PACKED = {"refs/heads/main": (ONE, None), "refs/tags/v1": (TWO, ONE)}
FORK = {1: inode.Part(False, 7, bytes(32)), 30: inode.Part(True, 300, bytes(range(32)))}
DELTA = bytes((10, 9)) + bytes((0x91, 2, 4)) + bytes((3,)) + b"new" + bytes((0x91, 0, 2))
CONTENT, ENTRIES = pack.serialize([(ONE, (BLOB, b"x" * 5000)), (TWO, (COMMIT, b""))], 2)
INDEX = pack_index.serialize(ENTRIES, CONTENT[-20:])


def parse_packed_object(octets: bytes) -> bytes:
    """Read the first object of a pack."""
    pack.parse_header(octets)
    return pack.inflate(octets, pack.parse_entry(octets, 12), 1 << 20)


PARSERS: dict[str, tuple[Callable[[bytes], Any], bytes]] = {
    "loose object": (parse_loose, serialize_loose(BLOB, b"some contents" * 9)),
    "tree": (trees.parse, trees.serialize(list(TREE_ENTRIES))),
    "commit": (commits.parse, commits.serialize(COMMIT_FIELDS)),
    "tag": (tags.parse, tags.serialize(TAG)),
    "reference": (references.parse_reference, references.serialize_reference(ONE)),
    "packed-refs": (references.parse_packed, references.serialize_packed(PACKED)),
    "delta": (lambda octets: apply_delta(b"0123456789", octets, 1000), DELTA),
    "pack": (parse_packed_object, CONTENT),
    "pack index": (pack_index.PackIndex, INDEX),
    "inode": (inode.parse, inode.serialize(FORK)),
}
# What may be cut off without being missed: a commit's or a tag's message, lines of packed-refs, what is not looked at.
ENDS_ANYWHERE = {"commit", "tag", "packed-refs", "tree", "pack", "reference"}


def test_an_object_s_id_is_git_s() -> None:
    assert object_id(BLOB, b"").hex() == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert object_id(b"tree", b"").hex() == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    assert object_id(BLOB, bytes(1 << 17)) == sha1(b"blob 131072\0" + bytes(1 << 17)).digest()


def test_known_octets() -> None:
    assert trees.serialize(list(TREE_ENTRIES))[:20] == b"100644 a.b\0" + ONE[:9]
    assert [entry.name for entry in trees.parse(PARSERS["tree"][1])] == [b"a.b", b"a", b"a0"], "a directory sorts as a/"
    assert commits.serialize(COMMIT_FIELDS).splitlines()[:5] == [
        b"tree 000102030405060708090a0b0c0d0e0f10111213",
        b"parent 6465666768696a6b6c6d6e6f7071727374757677",
        b"parent 000102030405060708090a0b0c0d0e0f10111213",
        b"author A U Thor <author@example.org> 1700000000 +0130",
        b"committer A U Thor <author@example.org> -5 +0000",
    ]
    assert apply_delta(b"0123456789", DELTA, 1000) == b"2345new01"
    assert references.parse_reference(b"ref: refs/heads/x\n") == "refs/heads/x"


def test_a_pack_index_is_searched_in_two_ways() -> None:
    index = pack_index.PackIndex(INDEX)
    for oid in (*(oid for oid, _, _ in ENTRIES), bytes(20), b"\xff" * 20):
        assert index._search(oid, index._fan[oid[0]], index._fan[oid[0] + 1]) == index.find(oid)


def test_a_large_pack_index_is_listed_once_that_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_index, "LISTED", 0)
    index = pack_index.PackIndex(INDEX)
    for _ in range(3):
        assert [index.find(oid) for oid, _, _ in ENTRIES] == [offset for _, offset, _ in ENTRIES]
        assert index.find(bytes(20)) is None
    assert index._ids is not None


def test_what_is_written_is_read() -> None:
    assert commits.parse(commits.serialize(COMMIT_FIELDS)) == COMMIT_FIELDS
    assert trees.parse(trees.serialize(list(TREE_ENTRIES))) == TREE_ENTRIES
    assert tags.parse(tags.serialize(TAG)) == TAG
    assert references.parse_packed(references.serialize_packed(PACKED)) == PACKED
    assert references.parse_reference(references.serialize_reference(ONE)) == ONE
    assert inode.parse(inode.serialize(FORK)) == FORK
    index = pack_index.PackIndex(INDEX)
    assert [index.find(oid) for oid, _, _ in ENTRIES] == [offset for _, offset, _ in ENTRIES]
    assert index.find(bytes(20)) is None
    assert list(index.ids()) == sorted(oid for oid, _, _ in ENTRIES)
    assert parse_packed_object(CONTENT) == b"x" * 5000


@given(st.sampled_from([BLOB, COMMIT]), st.binary(max_size=300), st.integers(0, 9))
def test_loose_objects_come_back(kind: bytes, body: bytes, level: int) -> None:
    assert parse_loose(serialize_loose(kind, body, level)) == (kind, body)


names = st.binary(min_size=1, max_size=6).filter(lambda name: b"\0" not in name and b"/" not in name)
modes = st.sampled_from([b"100644", b"100755", b"40000", b"120000", b"160000"])


@given(st.dictionaries(names, st.tuples(modes, st.binary(min_size=20, max_size=20))))
def test_trees_come_back_in_order(entries: dict[bytes, tuple[bytes, bytes]]) -> None:
    written = trees.serialize([Entry(mode, name, oid) for name, (mode, oid) in entries.items()])
    found = trees.parse(written)
    assert {entry.name: (entry.mode, entry.id) for entry in found} == entries
    assert trees.in_order(found)


def test_paths_are_hashed_as_git_hashes_them() -> None:
    assert changed_paths._murmur(b"", 0) == 0
    assert changed_paths._murmur(b"Hello world!", 0) == 0x627B0C2C
    assert changed_paths._murmur(b"The quick brown fox jumps over the lazy dog", 0) == 0x2E4FF723
    assert changed_paths.hashes("ü".encode()) == ()


def test_filters_of_changed_paths() -> None:
    data = changed_paths.HEADER.pack(1, 7, 10) + b"\xff\x00"
    index = bytes((0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2))
    full, unknown, empty = changed_paths.parse(index, data, 3)
    wanted = changed_paths.hashes(b"a/b")
    assert [changed_paths.excludes(each, wanted) for each in (full, unknown, empty)] == [False, False, True]
    assert not changed_paths.excludes(empty, ())
    assert changed_paths.parse(index, data, 2) == []
    assert changed_paths.parse(index, data[:-1], 3) == []
    assert changed_paths.parse(index[4:8] + index[:4] + index[8:], data, 3) != []
    assert changed_paths.parse(index[8:] + index[:8], data, 3) == []
    assert changed_paths.parse(index, changed_paths.HEADER.pack(2, 7, 10) + b"\xff\x00", 3) == []


@given(st.binary(max_size=40), st.binary(max_size=40), st.integers(0, 5))
def test_nonsense_is_no_filter(index: bytes, data: bytes, count: int) -> None:
    assert len(changed_paths.parse(index, data, count)) in (0, count)


tricky_names = st.sampled_from([b"a", b"b", b"100644 a", b"40000 a", b"0", b"x 40000 a", b"aa"])
tricky_ids = st.sampled_from([b" a\0 40000 a\0 100644 a"[:20].ljust(20, b"0"), b"0" * 20, b"100644 a\0".rjust(20), ONE])


@given(st.dictionaries(tricky_names, st.tuples(modes | st.just(b"040000"), tricky_ids)), tricky_names)
def test_one_name_is_found_as_by_parsing_all(entries: dict[bytes, tuple[bytes, bytes]], name: bytes) -> None:
    written = trees.serialize([Entry(mode, each, oid) for each, (mode, oid) in entries.items()])
    expected = Entry(entries[name][0], name, entries[name][1]) if name in entries else None
    assert trees.find(written, name) == expected


@given(st.sets(st.binary(min_size=20, max_size=20), max_size=40))
def test_pack_indexes_find_every_id(ids: set[bytes]) -> None:
    packed = [(oid, number * 7, number) for number, oid in enumerate(ids)]
    index = pack_index.PackIndex(pack_index.serialize(packed, ONE))
    assert index.count == len(ids)
    assert all(index.find(oid) == offset for oid, offset, _ in packed)


def test_offsets_beyond_two_gibibytes_have_their_own_table() -> None:
    packed = [(ONE, 1 << 40, 1), (TWO, 12, 2)]
    index = pack_index.PackIndex(pack_index.serialize(packed, ONE))
    assert (index.find(ONE), index.find(TWO)) == (1 << 40, 12)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 100, 101, 2047, 2048, 0xFFFF, 0x10000])
@pytest.mark.parametrize("level", [0, 1])
def test_objects_of_a_pack_come_back(size: int, level: int) -> None:
    body = bytes(range(256)) * (size // 256) + bytes(range(size % 256))
    content, ((_, offset, crc),) = pack.serialize([(ONE, (BLOB, body))], 1, level)
    assert parse_packed_object(content) == body
    assert zlib.crc32(content[offset:-20]) == crc
    assert content[-20:] == sha1(content[:-20]).digest()


@pytest.mark.parametrize("name", PARSERS)
def test_every_truncation_is_malformed_or_shorter(name: str) -> None:
    parse, octets = PARSERS[name]
    whole = parse(octets)
    for end in range(len(octets)):
        try:
            found = parse(octets[:end])
        except Malformed:
            continue
        assert name in ENDS_ANYWHERE, f"{name} cut at {end} is {found!r}"
        assert found != whole or name in ("pack", "reference")


@pytest.mark.parametrize("name", PARSERS)
@given(noise=st.binary(max_size=200), at=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_noise_is_malformed_or_read(name: str, noise: bytes, at: int, flip: int) -> None:
    parse, octets = PARSERS[name]
    changed = bytearray(octets)
    changed[at % len(octets)] ^= flip
    for sample in (noise, bytes(changed), octets[: at % len(octets)] + noise):
        try:
            parse(sample)
        except Malformed:
            pass


@pytest.mark.parametrize(
    "octets",
    [
        b"100644 a\0" + ONE + b"40000 a\0" + TWO,  # a name twice
        b"100644 a/b\0" + ONE,
        b"100644 \0" + ONE,
        b"644 a\0" + ONE,
        b"140000 a\0" + ONE,
        b"100644 a\0" + ONE + b"\0",
    ],
)
def test_trees_that_nobody_may_have(octets: bytes) -> None:
    with pytest.raises(Malformed):
        trees.parse(octets)


def test_a_bomb_is_refused_before_it_is_made() -> None:
    with pytest.raises(Malformed, match="limit"):
        parse_loose(zlib.compress(b"blob 5000\0" + bytes(5000)), limit=4999)
    with pytest.raises(Malformed, match="says 10"):
        parse_loose(zlib.compress(b"blob 10\0" + bytes(50_000_000)))
    head = bytes((0xB0 | 10, 0))  # a blob of 10 octets, and a stream that holds 50 million
    with pytest.raises(Malformed):
        pack.inflate(head + zlib.compress(bytes(50_000_000)), pack.Entry(3, 10, None, 2), 1000)
    with pytest.raises(Malformed, match="limit"):
        pack.inflate(head, pack.Entry(3, 1001, None, 2), 1000)
    huge = bytes((10, 0x80 | 0x7F, 0xFF, 0xFF, 0x7F))
    with pytest.raises(Malformed, match="limit"):
        apply_delta(b"0123456789", huge, 1 << 20)


@pytest.mark.parametrize(
    "head", [b"blob", b"blob x\0", b"blob 01\0a", b"thing 0\0", b"blob -1\0", b"blob 99999999999\0"]
)
def test_headers_that_nobody_writes(head: bytes) -> None:
    with pytest.raises(Malformed):
        parse_loose(zlib.compress(head))
