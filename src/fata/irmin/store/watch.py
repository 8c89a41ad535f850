"""Watching: being told of changes in the order in which they come, without looking for them again and again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from fata.errors import StateError
from fata.irmin.backend.contract import Backend, RefChange
from fata.irmin.commit import Commit
from fata.irmin.commits import Commits
from fata.irmin.path import Steps
from fata.irmin.refname import BRANCHES, branch_ref
from fata.irmin.tree import Tree

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")


class Change(NamedTuple, Generic[T]):
    """A branch moved. `old` or `new` is None if it was made or removed; the trees are what is at the watched path."""

    branch: str
    old: Commit[T] | None
    new: Commit[T] | None
    old_tree: Tree[T] | None
    new_tree: Tree[T] | None


class Watch(Generic[T]):
    """An iterator of changes: of one branch or all (None), of everything or of what is at a path.

    async with store.watch("wiki/index") as changes:
        async for change in changes: ...

    It hears of what happens from entering the block on. Each change is reported, however long the reader takes; a
    change by another program is reported with those that followed it before the operating system told of it.
    """

    def __init__(self, backend: Backend, commits: Commits[T], branch: str | None, path: Steps = ()) -> None:
        self._backend = backend
        self._commits = commits
        self._ref = None if branch is None else branch_ref(branch)
        self._path = path
        self._heard: deque[RefChange] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._end: Callable[[], None] = self._heard.clear

    async def __aenter__(self) -> Watch[T]:
        self._end = self._backend.listen(self._hear)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _hear(self, change: RefChange) -> None:
        if change.name.startswith(BRANCHES) and self._ref in (None, change.name):
            self._heard.append(change)
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)

    def __aiter__(self) -> Watch[T]:
        return self

    async def __anext__(self) -> Change[T]:
        while True:
            while not self._heard:
                await self._wait()
            change = await self._read(self._heard[0])
            self._heard.popleft()  # only now: a reader that is cancelled meanwhile gets it next time
            if change is not None:
                return change

    async def _wait(self) -> None:
        import asyncio

        if self._waiter is not None:
            raise StateError("two tasks read the same watch")
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise StateError("nothing has changed, and without an event loop there is no waiting") from None
        self._waiter = loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    async def _read(self, change: RefChange) -> Change[T] | None:
        """Return the change as a reader wants it; None if it is not one of what is at the path."""
        old = None if change.old is None else await self._commits.commit(change.old)
        new = None if change.new is None else await self._commits.commit(change.new)
        before, after = await self._tree(old), await self._tree(new)
        if self._path and (before and before.hash()) == (after and after.hash()):
            return None
        return Change(change.name.removeprefix(BRANCHES), old, new, before, after)

    async def _tree(self, commit: Commit[T] | None) -> Tree[T] | None:
        if commit is None:
            return None
        objects = self._commits.objects
        found = await objects.ask(objects.find, commit.root, self._path)
        return None if found is None else Tree(objects, found)
