"""Writing files so that nobody ever sees half of one."""

from __future__ import annotations

import os
from itertools import count

_NUMBERS = count()
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
SMALL = 1 << 12  # octets: what most files that are read have less than
READ_ONLY = 0o444  # what never changes once it is there


class Staged:
    """Files that are complete; some of them have yet to appear under their names."""

    __slots__ = ("directories", "files", "renames")

    def __init__(self) -> None:
        self.files: list[str] = []  # as they are named now
        self.renames: list[tuple[str, str]] = []
        self.directories: list[str] = []  # in which others were made

    def add(self, path: str, octets: bytes) -> None:
        """Write a file that is not to be seen yet. Raises OSError."""
        temporary = write_aside(path, octets)
        self.files.append(temporary)
        self.renames.append((temporary, path))

    def appear(self) -> list[str]:
        """Let all files appear, in the order in which they were added; return their names. Raises OSError."""
        names = {*self.files}
        for temporary, path in self.renames:
            os.rename(temporary, path)
            names.remove(temporary)
            names.add(path)
        return list(names)

    def discard(self) -> None:
        """Remove what nobody has seen."""
        for temporary, _ in self.renames:
            remove_if_there(temporary)


def write_aside(path: str, octets: bytes) -> str:
    """Write a file beside `path` that is to be renamed to it; return its name. Raises OSError."""
    temporary = f"{path[: path.rfind('/')]}/tmp_obj_{os.getpid():x}_{next(_NUMBERS):x}"  # git removes such in time
    try:
        write_new(temporary, octets)
    except BaseException:
        remove_if_there(temporary)
        raise
    return temporary


def write_new(path: str, octets: bytes) -> None:
    """Make a file that is not there yet, readable by all. Raises OSError."""
    descriptor = os.open(path, CREATE, READ_ONLY)
    try:
        write_all(descriptor, octets)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, octets: bytes) -> None:
    """Write all of it."""
    written = os.write(descriptor, octets)
    while written < len(octets):
        written += os.write(descriptor, memoryview(octets)[written:])


def read_whole(path: str) -> bytes | None:
    """Return a file's octets; None if there is none. Raises OSError otherwise."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        octets = os.read(descriptor, SMALL)
        if len(octets) == SMALL:
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
