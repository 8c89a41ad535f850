"""Branches by their names."""

from __future__ import annotations

import builtins
from typing import Generic, TypeVar

from fata.irmin.backend.contract import Backend, RefChange
from fata.irmin.commit import Commit
from fata.irmin.commits import Commits
from fata.irmin.errors import NotFound
from fata.irmin.refname import BRANCHES, branch_ref
from fata.irmin.store.watch import Watch

T = TypeVar("T")


class Branches(Generic[T]):
    """The branches of a repository. Names that git would refuse are `InvalidName`."""

    def __init__(self, backend: Backend, commits: Commits[T]) -> None:
        self._backend = backend
        self._commits = commits

    async def list(self) -> list[str]:
        """Return the names, sorted."""
        return [name.removeprefix(BRANCHES) for name in await self._backend.refs(BRANCHES)]

    async def mem(self, branch: str) -> bool:
        """Whether a branch exists."""
        return await self._backend.ref(branch_ref(branch)) is not None

    async def find(self, branch: str) -> Commit[T] | None:
        """Return a branch's head; None if it does not exist."""
        oid = await self._backend.ref(branch_ref(branch))
        return None if oid is None else await self._commits.commit(oid)

    async def get(self, branch: str) -> Commit[T]:
        """Return a branch's head. Raises `NotFound`."""
        found = await self.find(branch)
        if found is None:
            raise NotFound(f"branch {branch}")
        return found

    async def set(self, branch: str, commit: Commit[T]) -> None:
        """Make a branch point to a commit, whatever it pointed to."""
        while not await self.test_and_set(branch, await self.find(branch), commit):
            pass  # somebody moved it since it was read

    async def test_and_set(self, branch: str, test: Commit[T] | None, new: Commit[T] | None) -> bool:
        """If a branch points to `test` (None: it is not there) make it `new` (None: remove it); say whether."""
        change = RefChange(branch_ref(branch), None if test is None else test.oid, None if new is None else new.oid)
        return await self._backend.commit({}, [change])

    async def remove(self, branch: str) -> None:
        """Remove a branch; its commits stay until the garbage is collected. One that does not exist is fine."""
        while not await self.test_and_set(branch, await self.find(branch), None):
            pass

    def watch(self, branch: str) -> Watch[T]:
        """Return the changes of a branch as they come."""
        return Watch(self._backend, self._commits, branch)

    def watch_all(self) -> Watch[T]:
        """Return the changes of all branches as they come."""
        return Watch(self._backend, self._commits, None)

    async def heads(self) -> builtins.list[tuple[str, Commit[T]]]:
        """Return names and heads."""
        found = await self._backend.refs(BRANCHES)
        return [(name.removeprefix(BRANCHES), await self._commits.commit(oid)) for name, oid in found.items()]
