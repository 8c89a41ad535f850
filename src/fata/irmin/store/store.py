"""The store: reads, writes, heads and merges of whole histories."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar, Unpack

from fata.errors import StateError
from fata.irmin.commit import Commit
from fata.irmin.errors import HeadRejected, NotFound, TooManyRetries
from fata.irmin.history.last_modified import last_modified
from fata.irmin.history.walk import History, history
from fata.irmin.merge.commits import merged_tree
from fata.irmin.path import Path, steps
from fata.irmin.store.head import Head
from fata.irmin.store.options import RETRIES, Options
from fata.irmin.store.watch import Watch
from fata.irmin.store.writes import Writes

T = TypeVar("T")


class Store(Writes[T]):
    """A tree with a history."""

    async def merge_with(self, other: Store[T] | Commit[T] | str, **options: Unpack[Options]) -> Commit[T] | None:
        """Merge another store's head, a commit or a branch into this one. Returns the new head, None if it has no news.

        Raises `Conflict`, with the path and both sides; nothing is changed then.
        """
        theirs = await self._other(other)
        retries = options.get("retries", RETRIES)
        for _ in range(retries + 1):
            ours = await self.commit()
            if theirs is None or ours == theirs:
                return None
            result = theirs if ours is None else await merged_tree(self.repo.commits, ours, theirs)
            if result is ours:
                return None
            if isinstance(result, Commit):
                moved = await self.target.move(None if ours is None else ours.oid, result.oid, {})
                commit = result if moved else None
            else:
                assert ours is not None
                told = options.copy()
                told["parents"] = (ours.oid, theirs.oid)
                commit = await self._commit(ours, result, told)
            if commit is not None:
                return commit
        raise TooManyRetries(str(self.target), retries + 1)

    @property
    def head(self) -> Head[T]:
        """What the store points to, as something to be moved."""
        return Head(self)

    def watch(self, path: Path = "") -> Watch[T]:
        """Return the changes of what is at a path, as they come: `async with store.watch("a") as changes`."""
        if self.branch is None:
            raise StateError("only a store on a branch can be watched")
        return Watch(self.repo.backend, self.repo.commits, self.branch, steps(path))

    async def lcas(
        self, other: Store[T] | Commit[T] | str, max_depth: int | None = None, n: int | None = None
    ) -> list[Commit[T]]:
        """Return the lowest common ancestors with another store, commit or branch. Raises `TooManyLcas`."""
        ours, theirs = await self.commit(), await self._other(other)
        if ours is None or theirs is None:
            return []
        commits = self.repo.commits
        return [await commits.commit(oid) for oid in await commits.graph.lcas(ours.oid, theirs.oid, max_depth, n)]

    async def last_modified(self, path: Path, n: int = 1, depth: int | None = None) -> list[Commit[T]]:
        """Return the last `n` commits that changed what is at a path, newest first."""
        head = await self.commit()
        if head is None:
            return []
        commits = self.repo.commits
        found = await last_modified(commits, head.oid, steps(path), n, depth)
        return [await commits.commit(oid) for oid in found]

    async def history(
        self, oldest: Iterable[Commit[T]] = (), newest: Iterable[Commit[T]] | None = None, depth: int | None = None
    ) -> History[T]:
        """Return the commits that led to `newest` (None: the head), without what led to `oldest`, as a graph."""
        if newest is None:
            head = await self.commit()
            newest = [] if head is None else [head]
        heads = [commit.oid for commit in newest]
        return await history(self.repo.commits, heads, [commit.oid for commit in oldest], depth)

    async def clone(self, branch: str) -> Store[T]:
        """Make a branch that begins at this store's head. Raises `HeadRejected` if it exists elsewhere."""
        head = await self.commit()
        copy = self.repo.of_branch(branch)
        if head is not None and not await copy.target.move(None, head.oid, {}) and await copy.commit() != head:
            raise HeadRejected(f"branch {branch} exists, and is another")
        return copy

    async def _other(self, other: Store[T] | Commit[T] | str) -> Commit[T] | None:
        if isinstance(other, Commit):
            return other
        store = self.repo.of_branch(other) if isinstance(other, str) else other
        head = await store.commit()
        if head is None and isinstance(other, str):
            raise NotFound(f"branch {other}")
        return head
