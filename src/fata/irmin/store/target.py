"""What a store's writes move: a branch, or a head of the store's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from fata.disk.git.objects import Object
from fata.irmin.backend.contract import Backend, RefChange
from fata.irmin.refname import branch_ref


class Target(Protocol):
    """Something that points to a commit."""

    async def get(self) -> bytes | None:
        """Return the commit's id; None if there is none yet."""
        ...

    async def move(self, old: bytes | None, new: bytes | None, objects: Mapping[bytes, Object]) -> bool:
        """Write objects and point to `new` if it points to `old`; say whether it did."""
        ...

    def __str__(self) -> str: ...


class BranchTarget:
    """A branch."""

    def __init__(self, backend: Backend, branch: str) -> None:
        self._backend = backend
        self._name = branch
        self._ref = branch_ref(branch)

    async def get(self) -> bytes | None:
        return await self._backend.ref(self._ref)

    async def move(self, old: bytes | None, new: bytes | None, objects: Mapping[bytes, Object]) -> bool:
        return await self._backend.commit(objects, (RefChange(self._ref, old, new),))

    def __str__(self) -> str:
        return self._name


class DetachedTarget:
    """A head that only this store knows; its commits are found by their ids."""

    def __init__(self, backend: Backend, oid: bytes | None) -> None:
        self._backend = backend
        self._oid = oid

    async def get(self) -> bytes | None:
        return self._oid

    async def move(self, old: bytes | None, new: bytes | None, objects: Mapping[bytes, Object]) -> bool:
        if self._oid != old:
            return False
        await self._backend.write(objects)
        if self._oid != old:  # another task was faster while this one waited
            return False
        self._oid = new
        return True

    def __str__(self) -> str:
        return "(detached)"
