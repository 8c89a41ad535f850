"""Reach what lies beneath a directory of the host, and nothing else.

A path is walked one segment at a time, each opened relative to the one before without following a link.
Whatever is swapped for a link while we walk, the descriptors in hand stay where they are, and the next
step refuses the link. Checking a path first and opening it afterwards would leave a gap between the two.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from stat import S_ISDIR, S_ISREG

Path = tuple[str, ...]

FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC  # a place to start from, needs no right to read
LISTING = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # without O_NONBLOCK a FIFO would hang the open

# What the kernel says when a path leads to nothing, through a value, a link or a name that cannot exist.
ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO})


@contextmanager
def folder(root: int, path: Path, made: list[Path] | None = None) -> Iterator[int]:
    """Open the directory for as long as the block lasts.

    With `made`, missing ones are created, and the paths of those that got an entry are appended to it.
    What is missing, a link or no directory is an OSError of `ABSENT`.
    """
    descriptor = os.open(".", FOLDER, dir_fd=root)
    try:
        for depth, segment in enumerate(path):
            if made is not None and _make(descriptor, segment):
                made.append(path[:depth])
            below = os.open(segment, FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def _make(parent: int, segment: str) -> bool:
    try:
        os.mkdir(segment, dir_fd=parent)
    except FileExistsError:
        return False
    return True


@contextmanager
def listing(root: int, path: Path) -> Iterator[int]:
    """Open a directory so that it can be listed and synced."""
    with folder(root, path) as place:
        descriptor = os.open(".", LISTING, dir_fd=place)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


@contextmanager
def file(root: int, path: Path, flags: int) -> Iterator[tuple[int, os.stat_result]]:
    """Open a regular file. Anything else is an OSError of `ABSENT`, but a directory is IsADirectoryError."""
    with folder(root, path[:-1]) as place:
        _check_regular(os.stat(path[-1], dir_fd=place, follow_symlinks=False))  # opening a device could set it going
        descriptor = os.open(path[-1], flags | FILE, dir_fd=place)
    try:
        state = os.fstat(descriptor)
        _check_regular(state)
        yield descriptor, state
    finally:
        os.close(descriptor)


def _check_regular(state: os.stat_result) -> None:
    if S_ISDIR(state.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not S_ISREG(state.st_mode):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def status(root: int, path: Path) -> os.stat_result | None:
    """Return what is known of the entry itself, link or not; None when there is none."""
    if not path:
        return os.fstat(root)
    try:
        with folder(root, path[:-1]) as place:
            return os.stat(path[-1], dir_fd=place, follow_symlinks=False)
    except OSError as error:
        if error.errno in ABSENT:
            return None
        raise
