"""What a power cut may take. Files are forced to disk by several threads at once, and so share a wait."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from enum import Enum
from typing import TYPE_CHECKING

from fata.irmin.backend.git.files import Staged

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from fata.irmin.backend.git.lock import Lock

AT_ONCE = 8  # files that are forced at the same time


class Durability(Enum):
    """When what was written survives a power cut. A killed program loses nothing that a commit has returned from."""

    NONE = "none"  # when the operating system pleases, as libgit2 does it unless told otherwise
    BATCH = "batch"  # when `flush` returns; until then the branch is at stake, so this is for making a repository anew
    SYNC = "sync"  # when the commit returns


class Persistence:
    """Lets staged files appear, and forces them to disk when the durability asks for it."""

    def __init__(self, durability: Durability) -> None:
        self._durability = durability
        self._unforced: dict[str, None] = {}  # files
        self._directories: dict[str, None] = {}
        self._lock = threading.Lock()  # commits and joining packs are two threads' work
        self._threads: ThreadPoolExecutor | None = None

    @property
    def careless(self) -> bool:
        """Whether nothing will ever be forced."""
        return self._durability is Durability.NONE

    @property
    def immediate(self) -> bool:
        """Whether what has been done must be on the disk."""
        return self._durability is Durability.SYNC

    def settle(self, staged: Staged, also: Iterable[str] = (), *, replacing: bool = False) -> None:
        """Let files appear once they and those that go with them (`also`) are as durable as they have to be.

        They are forced even in a batch if they replace others that may have been forced. Raises OSError.
        """
        force = self._durability is Durability.SYNC or (replacing and self._durability is Durability.BATCH)
        try:
            if force:
                self.force((*staged.files, *also))
            staged.appear()
        except BaseException:
            staged.discard()
            raise
        if force:
            self.force_directories((*map(os.path.dirname, staged.names()), *staged.directories))
        elif self._durability is Durability.BATCH:
            self.note(*staged.names(), *also)
            self.note_directories(*staged.directories)

    def replace(self, lock: Lock) -> None:
        """Put what was written into a lock in its file's place. Raises OSError."""
        if self.immediate:
            self.force((lock.file,))
        lock.commit()
        if self.immediate:
            self.force_directories((os.path.dirname(lock.path),))
        self.note(lock.path)

    def note(self, *paths: str) -> None:
        """Remember files, with the directories that they are in, for the next `flush`, if that forces them."""
        if self._durability is Durability.BATCH:
            self._unforced.update(dict.fromkeys(paths))
            self.note_directories(*map(os.path.dirname, paths))

    def note_directories(self, *paths: str) -> None:
        """Remember directories for the next `flush`, if that forces them."""
        if self._durability is Durability.BATCH:
            self._directories.update(dict.fromkeys(paths))

    def forget(self, *paths: str) -> None:
        """Files are gone, and others in their place."""
        for path in paths:
            self._unforced.pop(path, None)

    def flush(self) -> None:
        """Force what was noted. Raises OSError."""
        paths, directories = tuple(self._unforced), tuple(self._directories)
        self._unforced.clear()
        self._directories.clear()
        self.force(paths)
        self.force_directories(directories)

    def force(self, paths: Iterable[str]) -> None:
        """Wait until files' octets are on the disk; those that are gone need it no more. Raises OSError."""
        self._at_once(_force_file, list(paths))

    def force_directories(self, paths: Iterable[str]) -> None:
        """Wait until directories' entries are on the disk. Raises OSError."""
        self._at_once(_force_directory, list(dict.fromkeys(paths)))

    def _at_once(self, force: Callable[[str], None], paths: list[str]) -> None:
        others = self._pool().map(force, paths[1:]) if len(paths) > 1 else ()
        for path in paths[:1]:
            force(path)
        for _ in others:
            pass

    def _pool(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._threads is None:
                from concurrent.futures import ThreadPoolExecutor  # who forces nothing does not pay for it

                self._threads = ThreadPoolExecutor(AT_ONCE, "forcing files")
            return self._threads

    def close(self) -> None:
        """End the threads."""
        if self._threads is not None:
            self._threads.shutdown()
            self._threads = None


def _force_file(path: str) -> None:
    _force(path, os.O_RDONLY | os.O_CLOEXEC, os.fdatasync)


def _force_directory(path: str) -> None:
    _force(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, os.fsync)


def _force(path: str, flags: int, wait: Callable[[int], None]) -> None:
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        return
    try:
        wait(descriptor)
    finally:
        os.close(descriptor)
