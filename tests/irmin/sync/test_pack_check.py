"""Packs that a server might send: good ones are read whole, bad ones are refused whole."""

from __future__ import annotations

import random
import struct
import subprocess
import zlib
from collections.abc import Iterable
from hashlib import sha1
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.blocking import drive
from fata.disk.git.errors import Malformed
from fata.disk.git.objects import BLOB, object_id
from fata.disk.git.pack import ID_DELTA, OFFSET_DELTA, serialize
from fata.disk.git.pack_check import read_pack
from fata.irmin import TEXT, MemoryBackend, Repo
from fata.irmin.errors import RemoteError
from fata.irmin.sync.receiving import Arrival, check_connected
from tests.irmin.sync.servers import bare, git

LIMIT = 1 << 20
BODY = b"some words that are there twice: some words that are there twice\n" * 3


def head(kind: int, size: int) -> bytes:
    """Return an entry's first octets: its type, and the size of what is inflated."""
    octets, size_left = [kind << 4 | size & 15], size >> 4
    while size_left:
        octets[-1] |= 0x80
        octets.append(size_left & 0x7F)
        size_left >>= 7
    return bytes(octets)


def blob(body: bytes, size: int | None = None) -> bytes:
    return head(3, len(body) if size is None else size) + zlib.compress(body)


def id_delta(base: bytes, delta: bytes) -> bytes:
    return head(ID_DELTA, len(delta)) + base + zlib.compress(delta)


def offset_delta(back: int, delta: bytes) -> bytes:
    assert back < 0x80
    return head(OFFSET_DELTA, len(delta)) + bytes((back,)) + zlib.compress(delta)


def insertion(base_size: int, text: bytes) -> bytes:
    """Return the delta that replaces a base by `text`."""
    assert len(text) < 0x80
    return varint(base_size) + varint(len(text)) + bytes((len(text),)) + text


def varint(number: int) -> bytes:
    octets = []
    while number >= 0x80:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*octets, number))


def pack(entries: Iterable[bytes], count: int | None = None) -> bytes:
    pieces = list(entries)
    content = struct.pack(">4sII", b"PACK", 2, len(pieces) if count is None else count) + b"".join(pieces)
    return content + sha1(content).digest()


def test_deltas_are_resolved_wherever_their_bases_stand() -> None:
    base, first, second = BODY, b"first", b"second"
    base_id, first_id = object_id(BLOB, base), object_id(BLOB, first)
    entries = [
        id_delta(first_id, insertion(len(first), second)),
        id_delta(base_id, insertion(len(base), first)),
        blob(base),
    ]
    found = {each.oid: each.object for each in read_pack(pack(entries), LIMIT)}
    assert {body for _, body in found.values()} == {base, first, second}
    assert all(object_id(*each) == oid for oid, each in found.items())


@pytest.mark.peer
def test_a_pack_of_git_s_is_read_as_git_reads_it(tmp_path: Path) -> None:
    path = bare(tmp_path / "x.git")
    chance = random.Random(3)
    lines = [str(chance.random()) for _ in range(300)]
    for _ in range(40):
        lines[chance.randrange(300)] = str(chance.random())
        git(path, "hash-object", "-w", "--stdin", stdin="\n".join(lines).encode())
    names = git(path, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    content = subprocess.run(
        ("git", "-C", path, "pack-objects", "--stdout", "--delta-base-offset"),
        input=names.encode(), capture_output=True, check=True,
    ).stdout  # fmt: skip
    found = list(read_pack(content, LIMIT))
    assert {each.oid.hex() for each in found} == set(names.split())
    assert all(object_id(*each.object) == each.oid for each in found)
    assert len(content) < 40 * 2000, "most of it are deltas"


LOOP = (sha1(b"a").digest(), sha1(b"b").digest())

BAD = {
    "nothing": b"",
    "no pack": b"x" * 40,
    "another version": struct.pack(">4sII", b"PACK", 9, 0) + bytes(20),
    "wrong hash": pack([blob(BODY)])[:-1] + b"x",
    "fewer entries than it says": pack([blob(BODY)], 2),
    "more entries than it says": pack([blob(BODY), blob(b"x")], 1),
    "four billion entries": pack([blob(BODY)], 0xFFFFFFFF),
    "cut short": pack([blob(BODY)[:-4]]),
    "larger than it says": pack([blob(BODY, 10)]),
    "smaller than it says": pack([blob(BODY, 1000)]),
    "too large": pack([blob(b"", LIMIT + 1)]),
    "a bomb": pack([blob(bytes(LIMIT * 8), LIMIT)]),
    "type 0": pack([head(0, 4) + zlib.compress(b"body")]),
    "type 5": pack([head(5, 4) + zlib.compress(b"body")]),
    "no zlib": pack([head(3, 4) + b"body"]),
    "a base that is missing": pack([id_delta(LOOP[0], insertion(1, b"x"))]),
    "deltas in a ring": pack([id_delta(LOOP[0], insertion(1, b"x")), id_delta(LOOP[1], insertion(1, b"y"))]),
    "a base before the first entry": pack([offset_delta(100, insertion(1, b"x"))]),
    "a base amid an entry": pack([blob(BODY), offset_delta(3, insertion(len(BODY), b"x"))]),
    "a delta that copies too much": pack([blob(b"ab"), id_delta(object_id(BLOB, b"ab"), b"\x02\x09\x90\x09")]),
    "a delta for another base": pack([blob(b"ab"), id_delta(object_id(BLOB, b"ab"), b"\x03\x01\x01x")]),
    "a delta that makes too much": pack(
        [blob(b"ab"), id_delta(object_id(BLOB, b"ab"), varint(2) + varint(LIMIT + 1) + b"\x90\x02")]
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_pack_is_refused_and_nothing_of_it_is_left(name: str) -> None:
    with pytest.raises(Malformed):
        list(read_pack(BAD[name], LIMIT))
    repo = Repo(MemoryBackend(), TEXT)
    with Arrival(repo, "git://x", LIMIT) as arrival:
        arrival.write(BAD[name])
        if BAD[name]:
            with pytest.raises(RemoteError, match=r"pack|delta"):
                drive(arrival.keep(print))


@pytest.mark.slow
def test_a_pack_that_inflates_a_thousandfold_is_refused() -> None:
    large = bytes(1 << 20)
    delta = varint(len(large)) + varint(len(large)) + b"\xf0\x00\x00\x10"  # copy 0x100000 octets from 0 on
    entries = [blob(large), *(id_delta(object_id(BLOB, large), delta) for _ in range(1100))]
    with pytest.raises(Malformed, match="thousand times"):
        list(read_pack(pack(entries), 1 << 21))


@given(st.data())
def test_any_octet_may_be_wrong(data: st.DataObject) -> None:
    good = pack([blob(BODY), offset_delta(len(blob(BODY)), insertion(len(BODY), b"x")), blob(b"y")])
    assert len(list(read_pack(good, LIMIT))) == 3
    at = data.draw(st.integers(0, len(good) - 21))
    changed = good[:at] + bytes((data.draw(st.integers(0, 255)),)) + good[at + 1 : -20]
    try:
        for each in read_pack(changed + sha1(changed).digest(), LIMIT):
            assert object_id(*each.object) == each.oid
    except Malformed:
        pass


def test_what_is_not_complete_is_refused() -> None:
    source = Repo(MemoryBackend(), TEXT)
    store = drive(source.main())
    commit = drive(store.set_all({"a/b": "1", "c": "2"}))
    assert commit is not None
    everything = {oid: drive(source.backend.read(oid)) for oid in drive(_all(source))}
    for missing in everything:
        target = Repo(MemoryBackend(), TEXT)
        left = [(oid, found) for oid, found in everything.items() if oid != missing and found is not None]
        drive(target.objects.write(dict(left)))
        with pytest.raises(RemoteError, match=missing.hex()):
            drive(check_connected(target, "git://x", [commit.oid], set()))
        content, _ = serialize(left, len(left))
        assert len(list(read_pack(content, LIMIT))) == len(left)


async def _all(repo: Repo[str]) -> list[bytes]:
    return [oid async for oid in repo.backend.ids()]
