"""Git's locks: whoever creates NAME.lock may replace NAME, by renaming the lock over it."""

from __future__ import annotations

import os
import time
from types import TracebackType

from fata.irmin.backend.git.files import remove_if_there, write_all
from fata.irmin.errors import Busy, NameTaken

PAUSE = 0.001  # seconds between two attempts: a lock is held for about as long


class Lock:
    """A lock that is held inside a `with` block; without `commit` nothing changes."""

    def __init__(self, path: str, *, timeout: float, sync: bool) -> None:
        self.path = path
        self._lock = f"{path}.lock"
        self._timeout = timeout
        self._sync = sync
        self._descriptor = -1

    def __enter__(self) -> Lock:
        deadline: float | None = None
        while True:
            try:
                self._descriptor = os.open(self._lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
                return self
            except FileExistsError:
                now = time.monotonic()
                deadline = now + self._timeout if deadline is None else deadline
                if now >= deadline:
                    raise Busy(f"{self._lock} exists for {self._timeout} s: another program holds it") from None
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
        write_all(self._descriptor, octets)
        if self._sync:
            os.fsync(self._descriptor)

    def commit(self) -> None:
        """Put what was written in the file's place."""
        os.rename(self._lock, self.path)
        self._lock = ""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)
        if self._lock:
            remove_if_there(self._lock)
