"""Make a crunch image of a folder: the step that runs when an application's image is built."""

from __future__ import annotations

import os
from hashlib import sha256
from typing import BinaryIO

from fata.driver.kv.crunch_format import Entry, contents_offset, serialize_index
from fata.driver.kv.folder import chunk, files_of, latest, opened, replacing


def pack(directory: str, out_path: str) -> None:
    """Write the files of `directory` to `out_path` as one image, whole or not at all.

    The same files give the same octets: keys are sorted, equal contents stored once, and of the host only
    the files' times go in, none of them later than SOURCE_DATE_EPOCH (reproducible-builds.org) if that is
    set. Links are followed as long as they stay inside. Empty folders are left out: a store has none.
    Raises ConfigError, which names what cannot be packed.
    """
    last = latest()
    files = files_of(directory, out_path)
    with replacing(out_path) as stream:
        _write(files, stream, last)


def _write(files: list[tuple[str, str]], stream: BinaryIO, latest: int) -> None:
    position = contents_offset([key for key, _ in files])
    stream.seek(position)
    entries: list[Entry] = []
    places: dict[bytes, int] = {}
    for key, path in files:
        digest, size, modified = _append(path, stream)
        place = places.setdefault(digest, position)
        entries.append(Entry(key, digest, place, size, min(max(modified, 0), latest)))
        if place == position:
            position += size
        else:
            stream.seek(position)  # the content is there already: the next one, or the end, overwrites it
    stream.truncate(position)
    stream.seek(0)
    stream.write(serialize_index(entries, position))


def _append(path: str, stream: BinaryIO) -> tuple[bytes, int, int]:
    """Copy a file; return its SHA-256, its size as copied and its time."""
    content, size = sha256(), 0
    with opened(path) as source:
        modified = int(os.fstat(source.fileno()).st_mtime)
        while piece := chunk(source, path):
            content.update(piece)
            size += len(piece)
            stream.write(piece)
    return content.digest(), size, modified
