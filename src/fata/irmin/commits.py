"""The commits of a repository: read once, a few remembered."""

from __future__ import annotations

from typing import Generic, TypeVar

from fata.disk.git.objects import COMMIT
from fata.irmin.commit import Commit
from fata.irmin.history.graph import CommitGraph
from fata.irmin.objects import Objects

T = TypeVar("T")

REMEMBERED = 256  # commits, each with as much of its tree as was looked at


class Commits(Generic[T]):
    """Commits by id."""

    def __init__(self, objects: Objects[T]) -> None:
        self.objects = objects
        self.graph = CommitGraph(objects)
        self._recent: dict[bytes, Commit[T]] = {}

    async def commit(self, oid: bytes) -> Commit[T]:
        """Return a commit. Raises `MissingObject`, `CorruptObject`."""
        found = self._recent.get(oid)
        if found is None:
            found = Commit(self.objects, oid, await self.objects.read(oid, COMMIT))
            self.remember(found)
        return found

    def recent(self, oid: bytes) -> Commit[T] | None:
        """Return a commit that is remembered."""
        return self._recent.get(oid)

    def forget(self) -> None:
        """Remember nothing: objects have been deleted."""
        self.graph = CommitGraph(self.objects)
        self._recent.clear()

    def remember(self, commit: Commit[T]) -> None:
        """Keep a commit at hand; the oldest goes."""
        recent = self._recent
        recent[commit.oid] = commit
        if len(recent) > REMEMBERED:
            del recent[next(iter(recent))]
