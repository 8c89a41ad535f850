"""A folder of the host that becomes an image: which files, under which keys, of what time."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from typing import BinaryIO

from fata.driver.kv.crunch_format import LAST_SECOND
from fata.driver.kv.staging import STAGING
from fata.errors import ConfigError, DeviceError

CHUNK = 1 << 20  # octets held in memory at a time, however large a file is


def files_of(directory: str, out_path: str) -> list[tuple[str, str]]:
    """Return (key, real path) of every file, sorted by key. Links are followed as long as they stay inside.

    Empty folders are left out: a store has none. Raises ConfigError, which names what cannot be packed.
    """
    root = os.path.realpath(directory)
    if not os.path.isdir(root):
        raise ConfigError(f"{directory}: no such folder", remedy="Name the folder whose files are to be packed.")
    if _inside(os.path.realpath(out_path), root):
        raise ConfigError(f"{out_path}: lies in the folder that is packed into it", remedy="Write it elsewhere.")
    return sorted(_files(root))


@contextmanager
def replacing(out_path: str) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of `out_path` when the block is left without an exception."""
    out = os.path.realpath(out_path)
    temporary = f"{out}.{os.getpid()}.new"
    try:
        with open(temporary, "xb") as stream:
            yield stream
        os.replace(temporary, out)
    except BaseException as error:
        if os.path.exists(temporary):
            os.unlink(temporary)
        if isinstance(error, OSError):
            raise DeviceError(f"{out_path}: cannot be written: {error.strerror}") from error
        raise


def latest() -> int:
    """Return the second after which no file is dated: SOURCE_DATE_EPOCH (reproducible-builds.org), or none."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return LAST_SECOND
    if not (text.isascii() and text.isdigit()):
        raise ConfigError(f"SOURCE_DATE_EPOCH={text!r} is no number of seconds", remedy="Give whole seconds, or none.")
    return min(int(text), LAST_SECOND)


def opened(path: str) -> FileIO:
    """Open a file to be packed. Raises ConfigError."""
    try:
        return FileIO(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def chunk(source: FileIO, path: str) -> bytes:
    """Read on in a file to be packed; b"" at its end. Raises ConfigError."""
    try:
        return source.read(CHUNK)
    except OSError as error:
        raise _unreadable(path, error) from error


def _inside(path: str, root: str) -> bool:
    return path == root or path.startswith(os.path.join(root, ""))


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
