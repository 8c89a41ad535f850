"""Git's locks: whoever creates NAME.lock may replace NAME, by renaming the lock over it."""

from __future__ import annotations

import os
import time

from fata.irmin.backend.git.files import CREATE, remove_if_there, write_all
from fata.irmin.backend.git.rewritable import Rewritable
from fata.irmin.backend.git.turns import Turns
from fata.irmin.errors import Busy, NameTaken

PAUSE = 0.001  # seconds between two attempts: a lock is held for about as long


class Lock:
    """A lock that is held from `acquire` to `release`, or inside a `with` block; without `commit` nothing changes."""

    __slots__ = ("_descriptor", "_octets", "_shared", "_timeout", "_turns", "file", "path")

    def __init__(self, path: str, *, timeout: float, turns: Turns | None = None) -> None:
        self.path = path
        self.file = f"{path}.lock"  # "" once it has taken its place
        self._timeout = timeout
        self._turns = turns
        self._octets = b""
        self._descriptor = -1  # of a new file
        self._shared: Rewritable | None = None  # instead of a new file

    def acquire(self) -> None:
        """Wait for the lock. Raises `Busy`, `NameTaken`, OSError."""
        if self._turns is not None:
            self._shared = self._turns.take()
        try:
            self._acquire()
        except BaseException:
            self._let_go()
            raise

    def _acquire(self) -> None:
        deadline: float | None = None
        while True:
            try:
                self._create()
                return
            except FileExistsError:
                now = time.monotonic()
                deadline = now + self._timeout if deadline is None else deadline
                if now >= deadline:
                    raise Busy(f"{self.file} exists for {self._timeout} s: another program holds it") from None
                time.sleep(PAUSE)
            except FileNotFoundError:
                self._let_go()  # perhaps it is our file that is not there
                self._make_directory()
            except NotADirectoryError:
                raise NameTaken(self.path) from None

    def _create(self) -> None:
        if self._shared is None:
            self._descriptor = os.open(self.file, CREATE, 0o644)
        else:
            os.link(self._shared.path, self.file)

    def _make_directory(self) -> None:
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise NameTaken(self.path) from None

    def write(self, octets: bytes) -> None:
        """Write what shall be in the file. Once only."""
        self._octets = octets
        if self._shared is None:
            write_all(self._descriptor, (octets,))
        else:
            self._shared.rewrite(octets)

    def commit(self) -> None:
        """Put what was written in the file's place. Raises OSError."""
        os.rename(self.file, self.path)
        self.file = ""
        if self._turns is not None:
            self._turns.taken(self._shared, self._octets)

    def release(self) -> None:
        """Let others have it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._let_go()
        if self.file:
            remove_if_there(self.file)

    def _let_go(self) -> None:
        shared, self._shared = self._shared, None
        if shared is not None:
            shared.release()

    def __enter__(self) -> Lock:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
