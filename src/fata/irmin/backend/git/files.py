"""Writing files so that nobody ever sees half of one."""

from __future__ import annotations

import os
from enum import Enum
from itertools import count

_NUMBERS = count()


class Durability(Enum):
    """When what was written survives a power cut. A killed program loses nothing that a commit has returned from."""

    NONE = "none"  # when the operating system pleases, as libgit2 does it
    BATCH = "batch"  # when `flush` returns
    SYNC = "sync"  # when the commit returns


def write_whole(path: str, octets: bytes, *, sync: bool, mode: int = 0o444) -> None:
    """Make a file appear with all its octets, in place of one that may be there. Raises OSError."""
    temporary = f"{os.path.dirname(path)}/tmp_obj_{os.getpid():x}_{next(_NUMBERS):x}"  # git removes such in time
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        try:
            write_all(descriptor, octets)
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(temporary, path)
    except BaseException:
        remove_if_there(temporary)
        raise


def write_all(descriptor: int, octets: bytes) -> None:
    """Write all of it."""
    written = os.write(descriptor, octets)
    while written < len(octets):
        written += os.write(descriptor, memoryview(octets)[written:])


def sync_directory(path: str) -> None:
    """Make a directory's entries durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: str) -> None:
    """Make a file's octets durable; one that is gone needs it no more."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_whole(path: str) -> bytes | None:
    """Return a file's octets; None if there is none. Raises OSError otherwise."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        octets = os.read(descriptor, 1 << 16)
        if len(octets) == 1 << 16:
            pieces = [octets]
            while piece := os.read(descriptor, 1 << 20):
                pieces.append(piece)
            octets = b"".join(pieces)
        return octets
    finally:
        os.close(descriptor)


def remove_if_there(path: str) -> None:
    """Remove a file that may not exist."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
