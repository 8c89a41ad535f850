"""A store's head, moved by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, Unpack

from fata.irmin.commit import Commit
from fata.irmin.errors import HeadRejected, NotFound
from fata.irmin.store.options import Options

if TYPE_CHECKING:
    from fata.irmin.store.store import Store

T = TypeVar("T")


class Head(Generic[T]):
    """The commit that a store points to."""

    def __init__(self, store: Store[T]) -> None:
        self._store = store

    async def list(self) -> list[Commit[T]]:
        """Return the heads of all branches."""
        return await self._store.repo.heads()

    async def find(self) -> Commit[T] | None:
        """Return the head; None if there is none yet."""
        return await self._store.commit()

    async def get(self) -> Commit[T]:
        """Return the head. Raises `NotFound`."""
        found = await self._store.commit()
        if found is None:
            raise NotFound(f"head of {self._store.target}")
        return found

    async def set(self, commit: Commit[T]) -> None:
        """Point to a commit, whatever the store pointed to."""
        while not await self.test_and_set(await self.find(), commit):
            pass  # somebody moved it since it was read

    async def test_and_set(self, test: Commit[T] | None, new: Commit[T] | None) -> bool:
        """If the head is `test` (None: there is none) make it `new`; say whether."""
        return await self._store.target.move(None if test is None else test.oid, None if new is None else new.oid, {})

    async def fast_forward(self, commit: Commit[T], max_depth: int | None = None, n: int | None = None) -> None:
        """Move the head to a commit that it led to. Raises `HeadRejected`: it did not, or is it already."""
        graph = self._store.repo.commits.graph
        while True:
            head = await self.find()
            if head is not None:
                if head == commit:
                    raise HeadRejected("no change: the head is this commit already")
                if head.oid not in await graph.lcas(head.oid, commit.oid, max_depth, n):
                    raise HeadRejected(f"{head.hex[:10]} did not lead to {commit.hex[:10]}: no fast-forward")
            if await self.test_and_set(head, commit):
                return

    async def merge(self, commit: Commit[T], **options: Unpack[Options]) -> Commit[T] | None:
        """Merge a commit into the head; see `Store.merge_with`."""
        return await self._store.merge_with(commit, **options)
