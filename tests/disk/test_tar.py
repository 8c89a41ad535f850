"""tar as octets: numbers, names, pax, truncation, and archives that are made to break a reader."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.disk.tar import (
    BLOCK,
    LARGEST_OCTAL,
    Scan,
    TarError,
    checksum,
    padded,
    parse_header,
    parse_pax,
    scan,
    serialize,
)

keys = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1, max_size=120).filter(
    lambda segment: segment not in (".", "..")
)


def scanned(archive: bytes) -> Scan:
    """Scan an archive in memory."""
    walk = scan(len(archive))
    octets: bytes | None = None
    while True:
        try:
            offset, length = next(walk) if octets is None else walk.send(octets)
            octets = archive[offset : offset + length]
        except StopIteration as end:
            result: Scan = end.value
            return result


def made(members: Iterable[tuple[str, bytes]], kind: int = tarfile.PAX_FORMAT) -> bytes:
    """Make an archive with Python's own module."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=kind) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), 1_700_000_000
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


@given(st.lists(keys, min_size=1, max_size=6).map("/".join), st.integers(0, 1 << 40), st.floats(0, 8e9))
def test_a_header_is_read_as_it_was_written(key: str, size: int, modified: float) -> None:
    headers = serialize(key, size, modified)
    assert len(headers) % BLOCK == 0
    walk = scan(1 << 50)
    offset, length = next(walk)
    while offset + length <= len(headers):
        offset, length = walk.send(headers[offset : offset + length])
    with pytest.raises(StopIteration) as ended:
        walk.send(bytes(BLOCK))
    (found,) = ended.value.value.found
    assert found.name == key.encode()
    assert found.member is not None
    assert (found.member.size, found.member.offset) == (size, len(headers))
    assert found.member.modified == (int(modified) or None)


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@given(st.lists(st.tuples(keys, st.binary(max_size=1500)), max_size=5, unique_by=lambda member: member[0]))
def test_python_s_archives_are_read(kind: int, members: list[tuple[str, bytes]]) -> None:
    if kind == tarfile.USTAR_FORMAT:
        members = [(name.encode()[:90].decode(errors="ignore") or "x", content) for name, content in members]
    members = [(name.rstrip(), content) for name, content in members if name.rstrip()]
    archive = made(members, kind)
    result = scanned(archive)
    read = [
        (one.name.decode(), archive[one.member.offset : one.member.offset + one.member.size])
        for one in result.found
        if one.member is not None
    ]
    assert read == members


@pytest.mark.parametrize("long", [99, 100, 101, 155, 200, 255, 256, 257, 300, 5000])
@pytest.mark.parametrize("kind", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_are_read_and_written(long: int, kind: int) -> None:
    name = ("directory/" * 600)[: long - 1] + "x"
    assert [one.name.decode() for one in scanned(made([(name, b"1")], kind)).found] == [name]
    ours = serialize(name, 1, None) + padded(b"1") + bytes(2 * BLOCK)
    with tarfile.open(fileobj=io.BytesIO(ours)) as archive:
        assert archive.getnames() == [name]


def test_sizes_beyond_eleven_digits_are_written_for_pax() -> None:
    headers = serialize("x", LARGEST_OCTAL + 1, None)
    assert parse_pax(headers[BLOCK : BLOCK + 30], 0)["size"] == b"8589934592"


def test_every_truncation_is_refused_or_an_earlier_end() -> None:
    archive = made([("a", b"1" * 700), ("d" * 120, b"2")])
    whole = scanned(archive)
    for length in range(0, len(archive), 37):
        try:
            found = scanned(archive[:length]).found
        except TarError:
            continue
        assert found == whole.found[: len(found)]


def _header(**fields: bytes) -> bytes:
    """Make a header with a right checksum and these octets in it, by name and offset."""
    block = bytearray(serialize("name", 0, None))
    places = {"name": 0, "size": 124, "time": 136, "kind": 156, "link": 157, "magic": 257, "prefix": 345}
    for field, octets in fields.items():
        block[places[field] : places[field] + len(octets)] = octets
    block[148:156] = b"%06o\0 " % checksum(bytes(block))
    return bytes(block)


HOSTILE = {
    "a size that is no number": _header(size=b"12x45678901\0"),
    "a negative size": _header(size=b"\xff" * 12),
    "a size of 2^90": _header(size=b"\x80" + b"\x7f" * 11),
    "a size beyond the archive": _header(size=b"77777777777\0"),
    "a name of 8 GiB": _header(kind=b"L", size=b"77777777777\0"),
    "a name of 2 MiB": _header(kind=b"L", size=b"00010000000\0") + bytes(1 << 21),
    "pax records beyond the archive": _header(kind=b"x", size=b"00000007777\0"),
    "pax without a length": _header(kind=b"x", size=b"00000000010\0") + padded(b"abcdefgh"),
    "pax with a length of zero": _header(kind=b"x", size=b"00000000010\0") + padded(b"0 a=b\n12"),
    "pax with a length too large": _header(kind=b"x", size=b"00000000010\0") + padded(b"99 a=b\n1"),
    "pax with a length of 2^200": _header(kind=b"x", size=b"00000000100\0") + padded(b"9" * 60 + b" a=b\n"),
    "pax without an end of line": _header(kind=b"x", size=b"00000000007\0") + padded(b"7 a=bcd"),
    "a pax size that is no number": _header(kind=b"x", size=b"00000000013\0") + padded(b"11 size=1x\n") + _header(),
    "a negative pax size": _header(kind=b"x", size=b"00000000013\0") + padded(b"11 size=-1\n") + _header(),
    "a pax time that is not finite": _header(kind=b"x", size=b"00000000014\0") + padded(b"12 mtime=inf\n") + _header(),
    "a pax size beyond the archive": _header(kind=b"x", size=b"00000000015\0") + padded(b"13 size=9999\n") + _header(),
    "a sparse map without end": (_header(kind=b"S")[:482] + b"\1" + bytes(29)) + b"\1" * 5120,
    "a wrong checksum": b"x" + _header()[1:],
    "text": b"this is no archive at all".ljust(512, b"."),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_is_refused(name: str) -> None:
    archive = bytearray(HOSTILE[name])
    if "sparse" in name:
        archive[148:156] = b"%06o\0 " % checksum(bytes(archive[:BLOCK]))
    with pytest.raises(TarError):
        scanned(bytes(archive))


def test_a_signed_checksum_is_right_too() -> None:
    block = bytearray(_header(name="é".encode()))
    signed = sum(octet - 256 if octet > 127 else octet for octet in block[:148] + b" " * 8 + block[156:])
    block[148:156] = b"%06o\0 " % signed
    assert parse_header(bytes(block), 0) is not None


def test_times_may_be_before_1970_and_in_base_256() -> None:
    header = parse_header(_header(time=(-1).to_bytes(12, signed=True)), 0)
    assert header is not None
    assert header.modified == -1.0


def test_links_devices_and_sparse_files_name_nothing() -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, kind, link in [
            ("file", tarfile.REGTYPE, ""),
            ("hard", tarfile.LNKTYPE, "file"),
            ("broken", tarfile.LNKTYPE, "nothing"),
            ("symbolic", tarfile.SYMTYPE, "/etc/passwd"),
            ("fifo", tarfile.FIFOTYPE, ""),
            ("device", tarfile.CHRTYPE, ""),
            ("folder", tarfile.DIRTYPE, ""),
        ]:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            archive.addfile(info)
    found = {one.name.decode(): one for one in scanned(stream.getvalue()).found}
    assert found["hard"].member == found["file"].member is not None
    assert found["folder/"].directory
    assert all(found[name].skipped for name in ("broken", "symbolic", "fifo", "device"))
