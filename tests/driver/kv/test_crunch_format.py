"""The crunch format: golden octets, round trips, every truncation, every flipped octet, garbage."""

from __future__ import annotations

import struct
from hashlib import sha256
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.driver.kv.crunch import Crunch
from fata.driver.kv.crunch_format import (
    LAST_SECOND,
    CrunchError,
    Entry,
    contents_offset,
    parse_index,
    serialize_index,
)
from fata.runtime.drive import drive

# docs/spec/crunch.md works this image out octet by octet.
GOLDEN = bytes.fromhex(
    """
    4641544143520001 00000000000000e9 0000000300000007 00000000e7bb1b86
    8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4
    00000000000000e7 0000000000000002 000000006553f100 00000001 00000000
    e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
    00000000000000e9 0000000000000000 000000006553f100 00000003 00000000
    8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4
    00000000000000e7 0000000000000002 000000006553f100 00000003 00000000
    61622f63622f64 6869
    """
)


def image_of(content: dict[str, bytes], modified: int = 1_700_000_000) -> bytes:
    """Make an image in memory, in the simplest way."""
    files = sorted(content.items(), key=lambda item: item[0].encode())
    position = contents_offset([key for key, _ in files])
    entries: list[Entry] = []
    places: dict[bytes, int] = {}
    contents = b""
    for key, value in files:
        digest = sha256(value).digest()
        if digest not in places:
            places[digest] = position + len(contents)
            contents += value
        entries.append(Entry(key, digest, places[digest], len(value), modified))
    return serialize_index(entries, position + len(contents)) + contents


def everything(image: bytes) -> dict[str, bytes]:
    """Read all values of an image."""
    return {entry.key: drive(Crunch(image).get(entry.key)) for entry in parse_index(memoryview(image))}


def test_the_specification_shows_these_octets() -> None:
    page = (Path(__file__).parents[3] / "docs" / "spec" / "crunch.md").read_text(encoding="utf-8")
    example = page[page.index("## An example") :].split("```")[1]
    shown = "".join(line[5:55] for line in example.splitlines()[1:])  # between the offset and the explanation
    assert bytes.fromhex(shown) == GOLDEN


def test_the_golden_image_is_written() -> None:
    assert image_of({"a": b"hi", "b/c": b"", "b/d": b"hi"}) == GOLDEN


def test_the_golden_image_is_read() -> None:
    assert everything(GOLDEN) == {"a": b"hi", "b/c": b"", "b/d": b"hi"}
    assert [entry.modified for entry in parse_index(memoryview(GOLDEN))] == [1_700_000_000] * 3
    assert len([entry for entry in parse_index(memoryview(GOLDEN)) if entry.offset == len(GOLDEN) - 2]) == 2


segments = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=5).filter(
    lambda segment: segment not in (".", "..")
)
contents = st.dictionaries(segments, st.binary(max_size=20) | st.sampled_from([b"", b"same"]), max_size=8)


@given(contents, contents, st.integers(0, LAST_SECOND))
def test_what_goes_in_comes_out(above: dict[str, bytes], below: dict[str, bytes], modified: int) -> None:
    content = {f"value {key}": value for key, value in above.items()}
    content |= {f"dictionary/{key}": value for key, value in below.items()}
    image = image_of(content, modified)
    assert everything(image) == content
    assert {drive(Crunch(image).last_modified(key)) for key in content} <= {float(modified)}


def test_no_truncated_image_is_read() -> None:
    for length in range(len(GOLDEN)):
        with pytest.raises(CrunchError):
            Crunch(GOLDEN[:length])
    with pytest.raises(CrunchError):
        Crunch(GOLDEN + b"\0")


def test_no_damaged_octet_goes_unnoticed() -> None:
    for position in range(len(GOLDEN)):
        for damage in (0x01, 0x80, 0xFF):
            broken = bytearray(GOLDEN)
            broken[position] ^= damage
            with pytest.raises(CrunchError):
                everything(bytes(broken))


@given(st.binary(max_size=300))
def test_garbage_is_no_image(garbage: bytes) -> None:
    with pytest.raises(CrunchError):
        Crunch(garbage)


def resealed(image: bytes) -> bytes:
    """Give an image the checksum that its index ought to have: whoever forges one can do that."""
    count, keys = struct.unpack_from("> I I", image, 16)
    end = min(32 + count * 64 + keys, len(image))
    return image[:28] + struct.pack("> I", crc32(image[32:end], crc32(image[:28]))) + image[32:]


@given(st.data())
def test_a_forged_index_is_refused_or_read_without_harm(data: Any) -> None:
    forged = bytearray(GOLDEN)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(8, len(GOLDEN) - 3))
        forged[at] = data.draw(st.sampled_from([0, 1, 2, 0x2F, 0x61, 0x7F, 0xFF]))
    image = resealed(bytes(forged))
    try:
        assert set(everything(image).values()) <= {b"hi", b""}
    except CrunchError:
        pass


def forge(keys: list[bytes], *, offset: int | None = None, size: int = 0, modified: int = 0, pad: int = 0) -> bytes:
    """Make an index of one empty content with anything in its fields."""
    start = 32 + 64 * len(keys) + sum(map(len, keys))
    place = start if offset is None else offset
    entry = b"".join(
        struct.pack("> 32s Q Q Q I I", sha256(b"").digest(), place, size, modified, len(key), pad) for key in keys
    )
    header = struct.pack("> 8s Q I I I I", GOLDEN[:8], start, len(keys), sum(map(len, keys)), pad, 0)
    return resealed(header + entry + b"".join(keys))


def test_the_forger_can_make_an_image() -> None:
    assert everything(forge([b"a", b"b/c"])) == {"a": b"", "b/c": b""}


@pytest.mark.parametrize(
    "image",
    [
        forge([b""]),
        forge([b"a", b"a"]),
        forge([b"b", b"a"]),
        forge([b"a", b"a/b"]),
        forge([b"a", b"a-", b"a/b"]),
        forge([b"a/../b"]),
        forge([b".."]),
        forge([b"/a"]),
        forge([b"a/"]),
        forge([b"a\0"]),
        forge([b"\xff"]),
        forge([b"\xed\xa0\x80"]),
        forge([b"a"], offset=0),
        forge([b"a"], offset=1 << 63),
        forge([b"a"], size=1),
        forge([b"a"], size=(1 << 64) - 1),
        forge([b"a"], modified=LAST_SECOND + 1),
        forge([b"a"], pad=1),
    ],
)
def test_an_index_that_cannot_be_is_refused(image: bytes) -> None:
    with pytest.raises(CrunchError):
        Crunch(image)


def test_numbers_that_do_not_fit_are_refused_before_they_are_used() -> None:
    for count, keys in ((1, 0), ((1 << 32) - 1, 0), (0, (1 << 32) - 1), ((1 << 32) - 1, (1 << 32) - 1)):
        header = struct.pack("> 8s Q I I I I", GOLDEN[:8], 32, count, keys, 0, 0)
        with pytest.raises(CrunchError):
            Crunch(header)


def test_views_are_read_without_a_copy() -> None:
    backing = bytearray(b"..." + GOLDEN)
    store = Crunch(memoryview(backing)[3:])
    backing[-1:] = b"!"  # nothing was copied, so the damage shows
    with pytest.raises(CrunchError):
        drive(store.get("a"))
    with pytest.raises(CrunchError):
        drive(store.get_partial("a", 0, 1))
    assert drive(store.get("b/c")) == b""
