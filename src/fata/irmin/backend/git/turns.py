"""A reference that changes again and again is one of two files by turns.

The one that it is not now is written, linked as its lock, and renamed over the other one. That takes a third less than
making and removing a file each time. And a file system that takes a file which replaces another for an important one
(ext4(5), auto_da_alloc) writes it to the disk first only if it is new.
"""

from __future__ import annotations

import os

from fata.disk.git.references import parse_reference
from fata.irmin.backend.git.rewritable import Rewritable, Stamp, Workshop

WORTH = 8  # changes from which two files are kept


class Turns:
    """The two files of a reference, once it has changed often enough."""

    __slots__ = ("_changes", "_now", "_other", "_stamp", "_value", "_workshop")

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._changes = 0
        self._now: Rewritable | None = None
        self._other: Rewritable | None = None
        self._stamp: Stamp | None = None  # of the file that the reference was when we changed it last
        self._value: bytes | None = None  # that was in it; None: the name of another

    def value(self, path: str) -> bytes | None:
        """Return the id that is in the file at `path` if it is the one that we put there; None if it is not."""
        if self._stamp is None:
            return None
        try:
            status = os.stat(path)
        except OSError:
            return None
        return self._value if (status.st_ino, status.st_mtime_ns) == self._stamp else None

    def take(self) -> Rewritable | None:
        """Return a file that has been claimed; None if the reference should be given one that is new."""
        if self._changes < WORTH:
            return None
        other = self._other
        if other is not None:
            if other.claim():
                return other
            other.forsake()  # somebody is just reading it
        self._other = other = self._workshop.make(b"", 0o644)
        return other if other is not None and other.claim() else None

    def taken(self, file: Rewritable | None, octets: bytes) -> None:
        """Note that the reference is a file by now, one from `take` or another, and what is in it."""
        self._changes += 1
        self._stamp = None
        if file is not None:
            self._now, self._other = file, self._now
            self._stamp = file.stamp()
            value = parse_reference(octets)
            self._value = value if isinstance(value, bytes) else None

    def forsake(self) -> None:
        """Keep no files any more."""
        for file in (self._now, self._other):
            if file is not None:
                file.forsake()
        self._now = self._other = self._stamp = None
