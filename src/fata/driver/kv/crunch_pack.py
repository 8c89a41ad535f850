"""Make a crunch image of a folder: the step that runs when an application's image is built."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from io import FileIO
from typing import BinaryIO

from fata.driver.kv.crunch_format import LAST_SECOND, Entry, contents_offset, serialize_index
from fata.driver.kv.staging import STAGING
from fata.errors import ConfigError, DeviceError

CHUNK = 1 << 20  # octets held in memory at a time, however large a file is


def pack(directory: str, out_path: str) -> None:
    """Write the files of `directory` to `out_path` as one image, whole or not at all.

    The same files give the same octets: keys are sorted, equal contents stored once, and of the host only
    the files' times go in, none of them later than SOURCE_DATE_EPOCH (reproducible-builds.org) if that is
    set. Links are followed as long as they stay inside. Empty folders are left out: a store has none.
    Raises ConfigError, which names what cannot be packed.
    """
    root = os.path.realpath(directory)
    if not os.path.isdir(root):
        raise ConfigError(f"{directory}: no such folder", remedy="Name the folder whose files are to be packed.")
    out = os.path.realpath(out_path)
    if _inside(out, root):
        raise ConfigError(f"{out_path}: lies in the folder that is packed into it", remedy="Write it elsewhere.")
    latest = _latest()
    files = sorted(_files(root))
    try:
        with _replacing(out) as stream:
            _write(files, stream, latest)
    except OSError as error:
        raise DeviceError(f"{out_path}: cannot be written: {error.strerror}") from error


def _inside(path: str, root: str) -> bool:
    return path == root or path.startswith(os.path.join(root, ""))


def _latest() -> int:
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return LAST_SECOND
    if not (text.isascii() and text.isdigit()):
        raise ConfigError(f"SOURCE_DATE_EPOCH={text!r} is no number of seconds", remedy="Give whole seconds, or none.")
    return min(int(text), LAST_SECOND)


def _files(root: str) -> Iterator[tuple[str, str]]:
    """Yield (key, real path) of every file, in no order."""
    waiting = [("", root, frozenset({root}))]
    while waiting:
        key, folder, above = waiting.pop()
        for name in _names(folder):
            if not key and name == STAGING:
                continue
            path = os.path.join(folder, name)
            child = _key(key, name, path)
            real, mode = _resolve(path, root)
            if stat.S_ISREG(mode):
                yield child, real
            elif not stat.S_ISDIR(mode):
                raise ConfigError(f"{path}: neither a file nor a folder", remedy="Move it out of the folder.")
            elif real in above:
                raise ConfigError(f"{path}: a link to a folder that it lies in", remedy="Remove the link.")
            else:
                waiting.append((child, real, above | {real}))


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError as error:
        raise _unreadable(folder, error) from error


def _key(parent: str, name: str, path: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"{path!r}: the name is not UTF-8, so it is no key", remedy="Rename it.") from None
    return f"{parent}/{name}" if parent else name


def _resolve(path: str, root: str) -> tuple[str, int]:
    """Follow links, but not out of the root; return the real path and its mode."""
    try:
        real = os.path.realpath(path, strict=True)
        mode = os.stat(real, follow_symlinks=False).st_mode
    except OSError as error:
        raise _unreadable(path, error) from error
    if not _inside(real, root):
        raise ConfigError(f"{path}: a link that leads out of the folder, to {real}", remedy="Copy what it leads to.")
    return real, mode


def _unreadable(path: str, error: OSError) -> ConfigError:
    return ConfigError(f"{path}: {error.strerror}", remedy="Mend it, or move it out of the folder.")


@contextmanager
def _replacing(out: str) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of `out` when the block is left without an exception."""
    temporary = f"{out}.{os.getpid()}.new"
    try:
        with open(temporary, "xb") as stream:
            yield stream
        os.replace(temporary, out)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


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
    with _opened(path) as source:
        modified = int(os.fstat(source.fileno()).st_mtime)
        while chunk := _read(source, path):
            content.update(chunk)
            size += len(chunk)
            stream.write(chunk)
    return content.digest(), size, modified


def _opened(path: str) -> FileIO:
    try:
        return FileIO(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def _read(source: FileIO, path: str) -> bytes:
    try:
        return source.read(CHUNK)
    except OSError as error:
        raise _unreadable(path, error) from error
