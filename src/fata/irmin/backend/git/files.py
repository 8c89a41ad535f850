"""Writing files so that nobody ever sees half of one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import count

_NUMBERS = count()
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
SMALL = 1 << 12  # octets: what most files that are read have less than
READ_ONLY = 0o444  # what never changes once it is there


Piece = bytes | memoryview


class Staged:
    """Files that are complete; some of them have yet to appear under their names."""

    __slots__ = ("directories", "files", "links", "renames")

    def __init__(self) -> None:
        self.files: list[str] = []  # as they are named now
        self.renames: list[tuple[str, str]] = []
        self.links: list[tuple[str, str]] = []
        self.directories: list[str] = []  # in which others were made

    def add(self, path: str, octets: bytes) -> None:
        """Write a file that is not to be seen yet. Raises OSError."""
        self.stage(path, (octets,))

    def stage(self, path: str, pieces: Sequence[Piece]) -> None:
        """Write a file of pieces that is not to be seen yet. Raises OSError."""
        temporary = write_aside(path, pieces)
        self.files.append(temporary)
        self.renames.append((temporary, path))

    def link(self, file: str, path: str) -> None:
        """Note a file that is to be seen as `path`, too."""
        self.files.append(file)
        self.links.append((file, path))

    def appear(self) -> None:
        """Let all files appear, in the order in which they were added. Raises OSError."""
        for file, path in self.links:
            try:
                os.link(file, path)
            except FileExistsError:  # with the same octets, unless somebody was killed while he wrote it
                _link_over(file, path)
        for temporary, path in self.renames:
            os.rename(temporary, path)

    def names(self) -> list[str]:
        """Return the files' names once they have appeared."""
        renamed = dict(self.renames + self.links)
        return [renamed.get(file, file) for file in self.files]

    def discard(self) -> None:
        """Remove what nobody has seen."""
        for file, _ in self.renames + self.links:
            remove_if_there(file)


def write_aside(path: str, pieces: Sequence[Piece]) -> str:
    """Write a file beside `path` that is to be renamed to it; return its name. Raises OSError."""
    temporary = _aside(path)
    write_new(temporary, pieces)
    return temporary


def _aside(path: str) -> str:
    return f"{path[: path.rfind('/')]}/tmp_obj_{os.getpid():x}_{next(_NUMBERS):x}"  # git removes such in time


def _link_over(file: str, path: str) -> None:
    temporary = _aside(path)
    os.link(file, temporary)
    os.rename(temporary, path)


def write_new(path: str, pieces: Sequence[Piece]) -> None:
    """Make a file that is not there yet, readable by all. Raises OSError, and then it is not there."""
    descriptor = os.open(path, CREATE, READ_ONLY)
    try:
        write_all(descriptor, pieces)
    except BaseException:
        remove_if_there(path)
        raise
    finally:
        os.close(descriptor)


def write_all(descriptor: int, pieces: Sequence[Piece]) -> None:
    """Write all of them, IOV_MAX at most."""
    written = os.writev(descriptor, pieces)
    size = sum(map(len, pieces))
    if written < size:
        octets = b"".join(pieces)
        while written < size:
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


def freshen(path: str) -> bool:
    """Make a file young, so that no collector takes it now; False if it is not there."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    except PermissionError:  # somebody else's
        return os.path.exists(path)
    return True


def remove_if_there(path: str) -> None:
    """Remove a file that may not exist."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
