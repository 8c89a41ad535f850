"""A hidden folder in which a directory store prepares what appears, and lets go of what disappears.

Renaming is what a file system does at once, so whatever takes longer happens here: a value is written
before it gets its name, a tree loses its name before it is deleted. The folder lies in the store, because
only inside one file system can things be renamed. It is made when it is first needed; each store that
uses it holds a shared lock on it, and whoever finds itself alone sweeps what a crash has left.
"""

from __future__ import annotations

import fcntl
import os

from fata.driver.kv.beneath import LISTING

STAGING = ".fata-staging"  # in the store's root; no key begins with it


class Staging:
    """The staging folder of one store, whose root directory it borrows."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._folder = -1

    def create(self) -> tuple[str, int]:
        """Make an empty file; return its name here and a descriptor that the caller closes."""
        folder, name = self._open(), _name()
        return name, os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=folder)

    def adopt(self, place: int, name: str) -> str:
        """Move an entry of another directory here, and so out of sight; return its name here."""
        folder, here = self._open(), _name()
        os.rename(name, here, src_dir_fd=place, dst_dir_fd=folder)
        return here

    def release(self, here: str, place: int, name: str) -> None:
        """Move something from here to where it is to be seen, in place of what is there."""
        os.rename(here, name, src_dir_fd=self._open(), dst_dir_fd=place)

    def discard(self, here: str) -> None:
        """Delete a file or a whole tree; what resists is left to the next sweep.

        A tree may be deeper than recursion, a path or the number of descriptors allow: its folders are
        brought up here one by one.
        """
        folder, waiting = self._open(), [here]
        try:
            while waiting:
                try:
                    os.unlink(waiting[-1], dir_fd=folder)
                except IsADirectoryError:
                    if self._empty(waiting[-1], waiting):
                        continue
                    os.rmdir(waiting[-1], dir_fd=folder)
                waiting.pop()
        except OSError:
            return

    def _empty(self, name: str, waiting: list[str]) -> bool:
        """Bring what is in a folder up here and queue it; say whether there was anything."""
        descriptor = os.open(name, LISTING, dir_fd=self._folder)
        try:
            children = os.listdir(descriptor)
            for child in children:
                waiting.append(self.adopt(descriptor, child))
        finally:
            os.close(descriptor)
        return bool(children)

    def close(self) -> None:
        """Leave; the last one takes the folder away."""
        descriptor, self._folder = self._folder, -1
        if descriptor < 0:
            return
        try:
            if _lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB):
                os.rmdir(STAGING, dir_fd=self._root)
        except OSError:
            pass  # something in it resisted: the next sweep's
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        while self._folder < 0:
            self._enter()
        return self._folder

    def _enter(self) -> None:
        """Open and lock the folder. Another store may take it away in between: then there is nothing to show for it."""
        try:
            os.mkdir(STAGING, 0o700, dir_fd=self._root)
        except FileExistsError:
            pass
        try:
            self._folder = os.open(STAGING, LISTING, dir_fd=self._root)
        except FileNotFoundError:
            return
        if _lock(self._folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
            for left in os.listdir(self._folder):
                self.discard(left)
        _lock(self._folder, fcntl.LOCK_SH)
        if not self._is_linked():
            os.close(self._folder)
            self._folder = -1

    def _is_linked(self) -> bool:
        try:
            named = os.stat(STAGING, dir_fd=self._root, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(self._folder))


def _name() -> str:
    return os.urandom(8).hex()


def _lock(descriptor: int, kind: int) -> bool:
    """Lock the folder; False if another store uses it, or the file system has no locks and nobody ever sweeps."""
    try:
        fcntl.flock(descriptor, kind)
    except OSError:
        return False
    return True
