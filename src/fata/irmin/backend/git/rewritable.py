"""Files that are written again, instead of being removed and others being made.

To make a file and to remove one are the dearest things that a commit does. To give a file another name and to take
it away costs half, and where files were removed a moment ago a tenth. So our files are made once, in a directory that
git does not look into, and get names where git sees them (link(2)) and lose these again.

Whoever still reads a file that has lost its name must not see it change. The kernel grants a *write lease* (fcntl(2),
F_SETLEASE) only if nobody else has the file open or mapped. As long as we hold the lease, whoever was just about to
open it waits. And a file that somebody gave a name of his own (`git clone --local` does) is never written again.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
from collections.abc import Callable
from itertools import count

from fata.irmin.backend.git.files import CREATE, remove_if_there, write_all

# Whoever opens a leased file makes the kernel send its holder a signal: one that does nothing unless asked for.
SIGNAL = signal.SIGURG
_NUMBERS = count()

SCRAP = "tmp_objdir-fata-"  # how the names of our directories begin; git takes them for its own by the first part
MOST_OPEN = 400  # descriptors of the process, beyond which ours would be in the way: 1,024 is what it may have
Stamp = tuple[int, int]  # a file's number, and when it was written


class Rewritable:
    """A file of ours, open for writing. `path` is the name that it always has."""

    __slots__ = ("_inode", "_leased", "_process", "_size", "descriptor", "path")

    def __init__(self, path: str, descriptor: int) -> None:
        """Take over the descriptor of a file that has just been made. Raises OSError."""
        self.path = path
        self.descriptor = descriptor
        status = os.fstat(descriptor)
        self._size = status.st_size
        self._inode = status.st_ino
        self._process = os.getpid()
        self._leased = False
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, SIGNAL)

    def lease(self) -> bool:
        """Lease it, if nobody else has it open; say whether that is so. A fork, which has the same lease, must not."""
        if os.getpid() != self._process:
            return False
        try:
            fcntl.fcntl(self.descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except OSError:  # somebody has it open, or the file system knows no leases
            return False
        self._leased = True
        return True

    def claim(self) -> bool:
        """Lease it, if nobody else can see what is written to it; say whether that is so."""
        if not self.lease():
            return False
        try:
            status = os.stat(self.path)
            alone = status.st_nlink == 1 and status.st_ino == self._inode
        except FileNotFoundError:
            alone = False
        if not alone:
            self.release()
        return alone

    def rewrite(self, octets: bytes) -> None:
        """Replace the octets of a file that has been claimed since it lost its name; end the lease. Raises OSError."""
        size = len(octets)
        try:
            written = os.pwrite(self.descriptor, octets, 0)
            while written < size:
                written += os.pwrite(self.descriptor, memoryview(octets)[written:], written)
            if size < self._size:
                os.ftruncate(self.descriptor, size)
            self._size = size
        finally:
            self.release()

    def release(self) -> None:
        """End the lease, if there is one."""
        if self._leased:
            self._leased = False
            try:
                fcntl.fcntl(self.descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
            except BlockingIOError:  # there is none any more: it was taken away (proc(5), lease-break-time)
                pass

    def stamp(self) -> Stamp:
        """Return what is another once another file is in its place, or other octets are in it."""
        status = os.fstat(self.descriptor)
        return status.st_ino, status.st_mtime_ns  # as long as it is open nobody else is given its number

    def forsake(self) -> None:
        """Give up writing it: it stays under the names that others gave it. A fork leaves it to its parent."""
        if os.getpid() == self._process:
            remove_if_there(self.path)

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        close(self.descriptor)


class Workshop:
    """A directory `objects/tmp_objdir-…`, of which git knows that it may remove it when it is old."""

    def __init__(self, objects: str) -> None:
        self._objects = objects
        self._directory = ""
        self._process = 0
        self._usable: bool | None = None  # None: not tried yet

    def make(self, octets: bytes, mode: int) -> Rewritable | None:
        """Make a file; None if the file system cannot do what this takes, or too many are open. Raises OSError."""
        if self._usable is None:
            self._usable = self._try()
        if not self._usable:
            return None
        try:
            made = self._make(octets, mode)
        except FileNotFoundError:  # `git gc --prune=now` does not wait until it is old
            os.makedirs(self._directory)
            made = self._make(octets, mode)
        if made.descriptor < MOST_OPEN:  # the lowest that is free is given
            return made
        made.forsake()
        self._usable = False
        return None

    def _make(self, octets: bytes, mode: int) -> Rewritable:
        path = f"{self._directory}/{os.getpid():x}_{next(_NUMBERS):x}"
        descriptor = os.open(path, CREATE, mode)
        try:
            write_all(descriptor, (octets,))
            return Rewritable(path, descriptor)
        except BaseException:
            os.close(descriptor)
            remove_if_there(path)
            raise

    def _try(self) -> bool:
        self._process = os.getpid()
        self._directory = f"{self._objects}/{SCRAP}{self._process:x}-{secrets.token_hex(4)}"
        try:
            os.mkdir(self._directory)
            file = self._make(b"", 0o644)
            os.link(file.path, f"{file.path}-linked")
            os.unlink(f"{file.path}-linked")
            usable = file.claim()
            file.forsake()
        except (AttributeError, OSError):  # no leases on this operating system; no links in this file system
            return False
        return usable

    def close(self) -> None:
        """Remove the directory. What has other names stays under these."""
        if self._usable is not None:
            self._usable = None
            if os.getpid() != self._process:  # a fork's parent still needs it
                return
            _remove(self._directory)


def remove_abandoned(objects: str, newest: float) -> None:
    """Remove the directories of writers that were killed: nothing in them was written after `newest`.

    One that still lives makes new files, as after `git gc`.
    """
    for name in os.listdir(objects):
        if name.startswith(SCRAP) and not _is_young(f"{objects}/{name}", newest):
            _remove(f"{objects}/{name}")


def _is_young(directory: str, newest: float) -> bool:
    try:
        paths = [directory, *(f"{directory}/{name}" for name in os.listdir(directory))]
        return any(os.stat(path).st_mtime > newest for path in paths)
    except FileNotFoundError:  # somebody uses it, or removes it
        return True


def _remove(directory: str) -> None:
    try:
        for name in os.listdir(directory):
            remove_if_there(f"{directory}/{name}")
        os.rmdir(directory)
    except OSError:
        pass  # it is not there, or somebody has just made a file in it
