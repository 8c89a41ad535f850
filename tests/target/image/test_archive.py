"""The archive: equal content gives equal octets, zipimport reads it, large files begin on a page."""

from __future__ import annotations

import io
import struct
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.errors import ConfigError, StateError
from fata.target.image.archive import ALIGNED, Entry, write_archive
from fata.target.image.elf import PAGE

names = st.from_regex(r"[a-zä][a-z0-9_]{0,6}(/[a-z]{1,5}){0,2}\.(py|txt)", fullmatch=True)
contents = st.one_of(st.binary(max_size=50), st.integers(ALIGNED, ALIGNED + 9).map(bytes))


def entry(path: str, data: bytes = b"") -> Entry:
    return Entry(path, data, "group", path)


def start_of(octets: bytes, info: zipfile.ZipInfo) -> int:
    """Return where a file's data begins, by its local header."""
    name, extra = struct.unpack_from("<HH", octets, info.header_offset + 26)
    return int(info.header_offset + 30 + name + extra)


@given(files=st.dictionaries(names, contents, max_size=8), seed=st.randoms())
def test_any_order_gives_the_same_archive_and_all_is_in_it(files: dict[str, bytes], seed: object) -> None:
    entries = [entry(path, data) for path, data in files.items()]
    octets = write_archive(entries, {})
    seed.shuffle(entries)  # type: ignore[attr-defined]
    assert write_archive(entries, {}) == octets
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist() if not info.is_dir()} == files
        for info in archive.infolist():
            assert info.compress_type == zipfile.ZIP_STORED
            if info.file_size >= ALIGNED:
                assert start_of(octets, info) % PAGE == 0


def test_dates_are_fixed_or_those_that_were_asked_for() -> None:
    def date(variables: dict[str, str]) -> tuple[int, ...]:
        with zipfile.ZipFile(io.BytesIO(write_archive([entry("a")], variables))) as archive:
            return archive.infolist()[0].date_time

    assert date({}) == (1980, 1, 1, 0, 0, 0)
    assert date({"SOURCE_DATE_EPOCH": "1700000000"}) == (2023, 11, 14, 22, 13, 20)
    assert date({"SOURCE_DATE_EPOCH": "0"}) == (1980, 1, 1, 0, 0, 0)
    assert date({"SOURCE_DATE_EPOCH": "9" * 12}) == (2107, 12, 31, 23, 59, 58)


@pytest.mark.parametrize("text", ["yesterday", "-1", "1.5", "²"])
def test_a_date_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="SOURCE_DATE_EPOCH"):
        write_archive([], {"SOURCE_DATE_EPOCH": text})


def test_a_file_that_is_there_twice_is_a_mistake_of_ours() -> None:
    with pytest.raises(StateError, match="'a' would be in the archive twice"):
        write_archive([entry("a"), entry("a")], {})


def test_packages_without_init_are_found_by_zipimport(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "app.zip"
    archive.write_bytes(write_archive([entry("bare_folder/inner/module.py", b"VALUE = 7\n")], {}))
    monkeypatch.syspath_prepend(archive)
    from bare_folder.inner.module import VALUE  # type: ignore[import-not-found]

    assert VALUE == 7
    for name in [name for name in sys.modules if name.startswith("bare_folder")]:
        del sys.modules[name]
