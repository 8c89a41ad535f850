"""A zip whose octets depend on its content alone: sorted, uncompressed, one date, pages where they help.

The kernel shows it in place, so nothing in it is compressed; a large file begins on a page of the archive, which
itself begins on a page of memory.
"""

from __future__ import annotations

import io
import os
import struct
import time
import zipfile
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from fata.errors import ConfigError, StateError
from fata.target.image.elf import PAGE

ALIGNED = 16 * PAGE  # a file of this many octets or more begins on a page
EPOCH = 315_532_800  # 1980-01-01, the format's first date, in seconds since 1970
LAST = 4_354_819_199  # 2107-12-31, its last
LOCAL_HEADER = 30  # octets before a file's name, APPNOTE 4.3.7
PADDING = struct.Struct("<HH")  # an extra field's kind and size
PADDING_KIND = 0xD935  # as Android's zipalign writes it


class Entry(NamedTuple):
    """A file of the archive. `group` and `name` say to whom its octets are to be charged."""

    path: str
    data: bytes
    group: str
    name: str


def write_archive(entries: Iterable[Entry], variables: Mapping[str, str] = os.environ) -> bytes:
    """Write the archive. $SOURCE_DATE_EPOCH dates it; without, it is dated 1980. Raises ConfigError for a bad date.

    A folder with modules and no `__init__` gets an entry of its own: zipimport knows no folders but those.
    """
    sorted_entries = sorted(entries, key=lambda each: each.path)
    paths = [entry.path for entry in sorted_entries]
    if len(set(paths)) != len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise StateError(f"{twice!r} would be in the archive twice")
    date = _date(variables)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for folder in _bare_folders(paths):
            archive.writestr(_info(f"{folder}/", date), b"")
        for entry in sorted_entries:
            info = _info(entry.path, date)
            if len(entry.data) >= ALIGNED:
                info.extra = _padding(buffer.tell() + LOCAL_HEADER + len(entry.path.encode()))
            archive.writestr(info, entry.data)
    return buffer.getvalue()


def _info(path: str, date: tuple[int, int, int, int, int, int]) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(path, date)
    info.create_system = 3  # Unix, wherever it is made
    info.external_attr = (0o40755 << 16 | 0x10) if path.endswith("/") else 0o100644 << 16
    return info


def _padding(start: int) -> bytes:
    """Return an extra field after which data begins on a page."""
    size = -(start + PADDING.size) % PAGE
    return PADDING.pack(PADDING_KIND, size) + bytes(size)


def _bare_folders(paths: list[str]) -> list[str]:
    known, found = set(paths), set[str]()
    for path in paths:
        if not path.endswith((".py", ".pyc")):
            continue
        folder = path.rpartition("/")[0]
        while folder:
            if f"{folder}/__init__.py" not in known and f"{folder}/__init__.pyc" not in known:
                found.add(folder)
            folder = folder.rpartition("/")[0]
    return sorted(found)


def _date(variables: Mapping[str, str]) -> tuple[int, int, int, int, int, int]:
    text = variables.get("SOURCE_DATE_EPOCH") or str(EPOCH)
    if not text.isascii() or not text.isdecimal():
        raise ConfigError(
            f"SOURCE_DATE_EPOCH={text} is no number of seconds since 1970", remedy="Set it right, or not."
        )
    moment = time.gmtime(min(max(int(text), EPOCH), LAST))
    return moment.tm_year, moment.tm_mon, moment.tm_mday, moment.tm_hour, moment.tm_min, moment.tm_sec
