"""Git's locks: whoever creates NAME.lock may replace NAME, by renaming the lock over it."""

from __future__ import annotations

import os
import time

from fata.irmin.backend.git.exchange import Exchange
from fata.irmin.backend.git.files import CREATE, remove_if_there, write_all
from fata.irmin.errors import Busy, NameTaken

PAUSE = 0.001  # seconds between two attempts: a lock is held for about as long


class Lock:
    """A lock that is held from `acquire` to `release`, or inside a `with` block; without `commit` nothing changes."""

    __slots__ = ("_descriptor", "_timeout", "file", "path")

    def __init__(self, path: str, *, timeout: float) -> None:
        self.path = path
        self.file = f"{path}.lock"  # "" once it has taken its place
        self._timeout = timeout
        self._descriptor = -1

    def acquire(self) -> None:
        """Wait for the lock. Raises `Busy`, `NameTaken`, OSError."""
        deadline: float | None = None
        while True:
            try:
                self._descriptor = os.open(self.file, CREATE, 0o644)
                return
            except FileExistsError:
                now = time.monotonic()
                deadline = now + self._timeout if deadline is None else deadline
                if now >= deadline:
                    raise Busy(f"{self.file} exists for {self._timeout} s: another program holds it") from None
                time.sleep(PAUSE)
            except FileNotFoundError:
                self._make_directory()
            except NotADirectoryError:
                raise NameTaken(self.path) from None

    def _make_directory(self) -> None:
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise NameTaken(self.path) from None

    def write(self, octets: bytes) -> None:
        """Write what shall be in the file."""
        write_all(self._descriptor, (octets,))

    def commit(self) -> None:
        """Put what was written in the file's place. Raises OSError."""
        os.rename(self.file, self.path)
        self.file = ""

    def commit_by(self, exchange: Exchange) -> None:
        """Put what was written in the place of the file, which is there. Raises OSError."""
        if not exchange(self.file, self.path):  # else the lock's file is the old one, and goes when it is released
            self.commit()

    def release(self) -> None:
        """Let others have it."""
        os.close(self._descriptor)
        if self.file:
            remove_if_there(self.file)

    def __enter__(self) -> Lock:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
