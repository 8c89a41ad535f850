"""What can be asked of a store: the questions of its tree, at its head."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Generic, TypeVar

from fata.irmin.commit import Commit
from fata.irmin.errors import NotFound
from fata.irmin.node import Node
from fata.irmin.path import Path
from fata.irmin.store.target import Target
from fata.irmin.tree import Kind, Tree

if TYPE_CHECKING:
    from fata.irmin.repo import Repo

T = TypeVar("T")


class Reads(Generic[T]):
    """The reading half of a store."""

    def __init__(self, repo: Repo[T], target: Target, branch: str | None) -> None:
        self.repo = repo
        self.branch = branch  # None: the store has a head of its own
        self.target = target
        self._made: Commit[T] | None = None  # the commit that this store has made last, likely the head

    async def commit(self) -> Commit[T] | None:
        """Return the head; None if the store has none yet."""
        oid = await self.target.get()
        if oid is None:
            return None
        return self.repo.commits.recent(oid) or await self.repo.commits.commit(oid)

    async def tree(self) -> Tree[T]:
        """Return the tree at the head: what a program that reads many paths asks, to see all at one moment."""
        head = await self.commit()
        return Tree(self.repo.objects) if head is None else head.tree

    async def find(self, path: Path) -> T | None:
        """Return the contents at a path; None if there are none."""
        return await (await self.tree()).find(path)

    async def get(self, path: Path) -> T:
        """Return the contents at a path. Raises `NotFound`."""
        return await (await self.tree()).get(path)

    async def find_all(self, path: Path) -> tuple[T, str] | None:
        """Return contents and mode ("100644", "100755", "120000") at a path; None if there are none."""
        tree = await self.tree()
        found = await tree.locate(path)
        return (await tree.objects.value(found), found[0].decode()) if type(found) is tuple else None

    async def get_all(self, path: Path) -> tuple[T, str]:
        """Return contents and mode at a path. Raises `NotFound`."""
        found = await self.find_all(path)
        if found is None:
            raise NotFound(repr(path))
        return found

    async def find_tree(self, path: Path) -> Tree[T] | None:
        """Return what is at a path as a tree; None if there is nothing."""
        return await (await self.tree()).find_tree(path)

    async def get_tree(self, path: Path) -> Tree[T]:
        """Return what is at a path as a tree. Raises `NotFound`."""
        return await (await self.tree()).get_tree(path)

    async def kind(self, path: Path) -> Kind | None:
        """Say what is at a path."""
        return await (await self.tree()).kind(path)

    async def mem(self, path: Path) -> bool:
        """Whether contents are at a path."""
        return await (await self.tree()).mem(path)

    async def mem_tree(self, path: Path) -> bool:
        """Whether anything is at a path."""
        return await (await self.tree()).mem_tree(path)

    async def list(self, path: Path = "", offset: int = 0, length: int | None = None) -> list[tuple[str, Tree[T]]]:
        """Return a directory's names and trees; [] where there is none."""
        return await (await self.tree()).list(path, offset, length)

    async def names(self, path: Path = "", offset: int = 0, length: int | None = None) -> list[str]:  # type: ignore[valid-type]
        """Return a directory's names; [] where there is none."""
        return await (await self.tree()).names(path, offset, length)

    async def seq(
        self, path: Path = "", offset: int = 0, length: int | None = None
    ) -> AsyncIterator[tuple[str, Tree[T]]]:
        """Yield a directory's names and trees one by one, all as they are at the head now."""
        async for each in (await self.tree()).seq(path, offset, length):
            yield each

    async def length(self, path: Path = "") -> int:
        """Return how many names a directory has."""
        return len(await self.names(path))

    async def hash(self, path: Path = "") -> bytes | None:
        """Return the id of what is at a path."""
        found = await self.find_tree(path)
        return None if found is None else found.hash()

    async def key(self, path: Path = "") -> bytes | None:
        """Return by what the backend finds what is at a path: its id, or None if it is not stored."""
        return await self.hash(path)


def same(ours: Node, theirs: Node) -> bool:
    """Whether two trees are known to be equal without hashing anything that is new."""
    return ours is theirs or (ours.oid is not None and ours.oid == theirs.oid)
