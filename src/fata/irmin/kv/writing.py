"""KvTx over a branch: every change is a commit, and so is every batch."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from fata.device.kv import KvRw
from fata.irmin.kv import changes
from fata.irmin.kv.batch import Batch
from fata.irmin.kv.changes import Change, Octets, Parts
from fata.irmin.kv.changing import WritingKv, parts
from fata.irmin.node import Node
from fata.irmin.store.store import Store

RETRIES = 1 << 20  # a key-value device does not give up because others are writing, too


class BranchKv(WritingKv):
    """A branch of a store, all of it or what is below a directory of it."""

    def __init__(self, store: Store[bytes]) -> None:
        self.store = store

    async def _tree(self) -> Octets:
        return await self.store.tree()

    async def _changed(self, path: Parts) -> float | None:
        found = await self.store.last_modified(path)
        return float(found[0].info.date) if found else None

    async def _apply(self, paths: tuple[Parts, ...], change: Change, message: str) -> None:
        await self.store.change(change, message=message, retries=RETRIES)

    async def flush(self) -> None:
        await self.store.repo.backend.flush()

    def batch(self, message: str = "batch") -> AbstractAsyncContextManager[KvRw]:
        """Open a group of changes that will be one commit, with a message."""
        return Batch(self.store, message, RETRIES)

    async def test_and_set(self, key: str, test: bytes | None, new: bytes | None) -> bool:
        path = parts(key)
        done = False

        async def change(tree: Octets) -> Octets:
            nonlocal done
            found = await changes.located(tree, path)
            if type(found) is Node or not path:
                await changes.value(tree, path)  # raises
            present = None if found is None else await changes.value(tree, path)
            done = present == test
            if not done:
                return tree
            return await (changes.remove(path) if new is None else changes.put(path, bytes(new)))(tree)

        await self.store.change(change, message=f"test and set {key}", retries=RETRIES)
        return done

    async def close(self) -> None:
        """Give back what the backend holds."""
        await self.store.repo.close()
