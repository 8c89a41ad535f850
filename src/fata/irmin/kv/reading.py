"""KvRo over a tree."""

from __future__ import annotations

from abc import abstractmethod

from fata.device.kv import DictionaryExpected, InvalidKey, Kind, NotFound, segments
from fata.irmin.commit import Commit
from fata.irmin.kv.changes import Octets, Parts, located, value
from fata.irmin.node import Leaf, Node
from fata.irmin.repo import Repo

# What of a key has been looked at, each including the one before: a batch conflicts with others over no more.
KIND, NAMES, CONTENT = 0, 1, 2


def kind_of(found: Node | Leaf | None) -> Kind | None:
    """Say what is there."""
    if found is None:
        return None
    return Kind.DICTIONARY if type(found) is Node else Kind.VALUE


def check_range(key: str, offset: int, length: int) -> None:
    """Refuse a negative range."""
    if offset < 0 or length < 0:
        raise InvalidKey(f"key {key!r}: a range of {length} octets at {offset} does not exist")


async def names_of(tree: Octets, path: Parts) -> list[tuple[str, Kind]]:
    """Return a directory's names with what they name, sorted."""
    found = []
    for name, child in await tree.list(path):
        kind = kind_of(await located(child, ()))
        if kind is not None:
            found.append((name, kind))
    return sorted(found)


class ReadingKv:
    """What KvRo asks, answered by the tree that `_tree` gives. Digests are the ids that git gives."""

    @abstractmethod
    async def _tree(self) -> Octets: ...

    @abstractmethod
    async def _changed(self, path: Parts) -> float | None:
        """Return when what is at a path changed last, POSIX seconds."""

    def _look(self, path: Parts, aspect: int) -> None:
        """Called before every read, with what it reads."""

    async def exists(self, key: str) -> Kind | None:
        path = segments(key)
        self._look(path, KIND)
        return kind_of(await located(await self._tree(), path))

    async def get(self, key: str) -> bytes:
        path = segments(key)
        self._look(path, CONTENT)
        return await value(await self._tree(), path)

    async def get_partial(self, key: str, offset: int, length: int) -> bytes:
        check_range(key, offset, length)
        return (await self.get(key))[offset : offset + length]

    async def list(self, key: str) -> list[tuple[str, Kind]]:
        path = segments(key)
        self._look(path, NAMES)
        tree = await self._tree()
        found = await located(tree, path)
        if found is None:
            raise NotFound(key)
        if type(found) is not Node:
            raise DictionaryExpected(key)
        return await names_of(tree, path)

    async def size(self, key: str) -> int:
        return len(await self.get(key))

    async def digest(self, key: str) -> bytes:
        path = segments(key)
        self._look(path, CONTENT)
        tree = await self._tree()
        if await located(tree, path) is None:
            raise NotFound(key)
        return (await tree.get_tree(path)).hash()

    async def last_modified(self, key: str) -> float | None:
        path = segments(key)
        self._look(path, CONTENT)
        if await located(await self._tree(), path) is None:
            raise NotFound(key)
        return await self._changed(path)


class CommitKv(ReadingKv):
    """A commit, which never changes."""

    def __init__(self, repo: Repo[bytes], commit: Commit[bytes]) -> None:
        self._repo = repo
        self._commit = commit

    async def _tree(self) -> Octets:
        return self._commit.tree

    async def _changed(self, path: Parts) -> float | None:
        found = await self._repo.of_commit(self._commit).last_modified(path)
        return float(found[0].info.date) if found else None
