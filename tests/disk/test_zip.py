"""zip as octets, over what Python's own module writes; every truncation, every octet, and archives that lie."""

from __future__ import annotations

import io
from random import Random
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.device.kv import Kind, KvError
from fata.disk.zip import ZipError
from fata.driver.block.memory_image import MemoryImage
from fata.runtime.drive import drive
from fata.store.zip import ZipKv, open_zip
from tests.fuzz.mutation import damaged


def made(members: dict[str, bytes], method: int = ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    """Make an archive with Python's own module."""
    stream = io.BytesIO()
    with ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(ZipInfo(name, (2024, 2, 3, 4, 5, 6)), content, method)
        archive.comment = comment
    return stream.getvalue()


def opened(archive: bytes) -> ZipKv:
    return drive(open_zip(MemoryImage(archive)))


def contents(store: ZipKv, key: str = "") -> dict[str, bytes]:
    """Read every value beneath."""
    found: dict[str, bytes] = {}
    for name, kind in drive(store.list(key)):
        child = f"{key}/{name}" if key else name
        found |= contents(store, child) if kind is Kind.DICTIONARY else {child: drive(store.get(child))}
    return found


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/\\"), min_size=1, max_size=20).filter(
    lambda name: name.strip(".") != ""
)


@given(
    st.dictionaries(names, st.binary(max_size=3000), max_size=5),
    st.sampled_from([ZIP_STORED, ZIP_DEFLATED]),
    st.binary(max_size=50),
)
def test_python_s_archives_are_read(members: dict[str, bytes], method: int, comment: bytes) -> None:
    assert contents(opened(made(members, method, comment.rstrip(b"\0")))) == members


def test_zeros_may_follow_the_archive() -> None:
    archive = made({"a": b"1", "b/c": b"2"}, comment=b"a comment")
    assert contents(opened(archive + bytes(200_000))) == {"a": b"1", "b/c": b"2"}


@pytest.mark.slow
def test_zip64_is_read() -> None:
    stream = io.BytesIO()
    with ZipFile(stream, "w") as archive, archive.open("big", "w", force_zip64=True) as member:
        member.write(b"x" * 1000)
    assert contents(opened(stream.getvalue())) == {"big": b"x" * 1000}
    with ZipFile(stream := io.BytesIO(), "w") as archive:
        for number in range(70_000):
            archive.writestr(ZipInfo(str(number)), b"")
    assert len(drive(opened(stream.getvalue()).list(""))) == 70_000


def test_a_part_of_a_deflated_value_is_the_part() -> None:
    content = Random(1).randbytes(300_000) + bytes(300_000)
    store = opened(made({"a": content}))
    for offset, length in ((0, 10), (299_990, 20), (599_990, 100), (100_000, 250_000)):
        assert drive(store.get_partial("a", offset, length)) == content[offset : offset + length]


def test_directories_and_names_that_are_no_keys() -> None:
    store = opened(made({"d/": b"", "../x": b"1", "a/../../y": b"2", "/abs": b"3", "./here": b"4"}))
    assert drive(store.list("")) == [("abs", Kind.VALUE), ("d", Kind.DICTIONARY), ("here", Kind.VALUE)]
    assert store.skipped == [b"../x", b"a/../../y"]


def test_a_damaged_value_is_found_out() -> None:
    archive = bytearray(made({"a": b"some content"}, ZIP_STORED))
    archive[archive.index(b"some")] ^= 1
    with pytest.raises(ZipError, match="damaged"):
        drive(opened(bytes(archive)).get("a"))


def test_a_method_that_is_not_known_is_said() -> None:
    archive = bytearray(made({"a": b"some content"}, ZIP_STORED))
    archive[archive.index(b"PK\1\2") + 10] = 14
    with pytest.raises(KvError, match="method 14"):
        drive(opened(bytes(archive)).get("a"))


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    archive = bytearray(made({"a": bytes(100_000)}))
    at = archive.index(b"PK\1\2") + 24
    archive[at : at + 4] = (1 << 30).to_bytes(4, "little")
    with pytest.raises(ZipError, match="cannot become"):
        opened(bytes(archive))


def test_a_value_that_unpacks_to_more_than_it_says_is_cut_and_found_out() -> None:
    archive = bytearray(made({"a": bytes(100_000)}))
    at = archive.index(b"PK\1\2") + 24
    archive[at : at + 4] = (1000).to_bytes(4, "little")
    with pytest.raises(ZipError, match="checksum"):
        drive(opened(bytes(archive)).get("a"))


@pytest.mark.parametrize("octets", [b"", b"PK\5\6" + b"." * 18, b"PK\5\6" * 10 + b"." * 50, bytes(1000), b"x" * 1000])
def test_what_is_no_archive_is_refused(octets: bytes) -> None:
    with pytest.raises(ZipError):
        opened(octets)


def test_damage_is_an_error_or_another_answer_and_nothing_else() -> None:
    members = {"a": b"1" * 700, "b/c": b"2", "b/d": Random(1).randbytes(100)}
    corpus = [made(members), made(members, ZIP_STORED, b"comment"), made(members) + bytes(700)]
    rng = Random(7)
    for _ in range(1500):
        archive = damaged(rng, rng.choice(corpus), corpus)
        try:
            contents(opened(archive))
        except (ZipError, KvError):
            continue
