"""The backends that stores are tested over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fata.irmin.backend.contract import Backend
from fata.irmin.backend.git import Durability, GitBackend, init
from fata.irmin.backend.memory import MemoryBackend
from fata.sim.suspending_backend import SuspendingBackend
from tests.irmin.sqlite_backend import SqliteBackend


def _memory(_folder: Path) -> Backend:
    return MemoryBackend()


def _bare(folder: Path) -> Backend:
    init(str(folder))
    return GitBackend(str(folder), prune_age=0)


def _with_files(folder: Path) -> Backend:
    init(str(folder), bare=False)
    return GitBackend(str(folder), durability=Durability.BATCH, prune_age=0)


def _durable(folder: Path) -> Backend:
    init(str(folder))
    return GitBackend(str(folder), durability=Durability.SYNC, level=0, prune_age=0)


def _sqlite(folder: Path) -> Backend:
    return SqliteBackend(str(folder / "store.sqlite"))


def _suspending(_folder: Path) -> Backend:
    return SuspendingBackend(MemoryBackend())


BACKENDS: dict[str, Callable[[Path], Backend]] = {
    "memory": _memory,
    "git, bare": _bare,
    "git, with files": _with_files,
    "git, durable": _durable,
    "sqlite": _sqlite,
    "suspending memory": _suspending,
}
