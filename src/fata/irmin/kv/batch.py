"""A group of changes on a snapshot, with a record of what it has looked at."""

from __future__ import annotations

from types import TracebackType

from fata.device.kv import BatchConflict, KvError, NoSpace, segments
from fata.errors import StateError
from fata.irmin.kv.changes import Change, Octets, Parts, located
from fata.irmin.kv.changing import WritingKv
from fata.irmin.kv.reading import CONTENT, KIND, NAMES, kind_of, names_of
from fata.irmin.node import Node
from fata.irmin.store.store import Store


class Batch(WritingKv):
    """One commit, or none. What others have changed meanwhile and this has not looked at stays."""

    def __init__(self, store: Store[bytes], message: str, retries: int) -> None:
        self._store = store
        self._message = message
        self._retries = retries
        self._state = "new"  # "open", "ended"
        self._began_with: Octets = store.repo.tree()
        self._now = self._began_with
        self._looked: dict[Parts, int] = {}
        self._changes: list[Change] = []

    async def __aenter__(self) -> Batch:
        if self._state != "new":
            raise StateError("a batch is opened once; ask the store for another")
        self._state = "open"
        self._began_with = self._now = await self._store.tree()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._check_open()
        self._state = "ended"
        if kind is None:
            await self._store.change(self._merged, message=self._message, retries=self._retries)

    async def _merged(self, tree: Octets) -> Octets:
        if tree.hash() == self._began_with.hash():
            return self._now
        for path, aspect in self._looked.items():
            if not await _same(self._began_with, tree, path, aspect):
                raise BatchConflict("/".join(path))
        for change in self._changes:
            try:
                tree = await change(tree)
            except NoSpace:
                raise
            except KvError as error:  # somebody has put a value where a dictionary was to be, or the reverse
                raise BatchConflict(error.key) from error
        return tree

    def _check_open(self) -> None:
        if self._state != "open":
            raise StateError("a batch can be used only inside its `async with`")

    def _look(self, path: Parts, aspect: int) -> None:
        self._check_open()
        self._looked[path] = max(aspect, self._looked.get(path, KIND))

    async def _tree(self) -> Octets:
        return self._now

    async def _changed(self, path: Parts) -> float | None:
        found = await self._store.last_modified(path)
        return float(found[0].info.date) if found else None

    async def _apply(self, paths: tuple[Parts, ...], change: Change, message: str) -> None:
        for path in paths:
            self._look(path, CONTENT)
        try:
            self._now = await change(self._now)
        except KvError as error:
            self._look(segments(error.key), KIND)  # a value on the way was seen, not only what the path names
            raise
        self._changes.append(change)

    async def flush(self) -> None:
        """Do nothing: what has not been applied cannot be made durable."""
        self._check_open()


async def _same(then: Octets, now: Octets, path: Parts, aspect: int) -> bool:
    before, after = await located(then, path), await located(now, path)
    if kind_of(before) is not kind_of(after):
        return False
    if before is None or aspect == KIND:
        return True
    if aspect == NAMES and type(before) is Node:
        return await names_of(then, path) == await names_of(now, path)
    return (await then.get_tree(path)).hash() == (await now.get_tree(path)).hash()
