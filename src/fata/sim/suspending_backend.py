"""A store's backend that makes the caller wait before every operation, and before a commit's return."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable

from fata.disk.git.objects import Object
from fata.irmin.backend.contract import Backend, Capabilities, Listener, Objects, RefChange
from fata.sim.exploring_loop import pause


class SuspendingBackend:
    """A Backend over a Backend. It has nothing at hand: every object is read, and waited for."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def capabilities(self) -> Capabilities:
        return self._backend.capabilities

    async def read(self, oid: bytes) -> Object | None:
        await pause(f"read {oid.hex()[:6]}")
        return await self._backend.read(oid)

    async def contains(self, oid: bytes) -> bool:
        await pause(f"contains {oid.hex()[:6]}")
        return await self._backend.contains(oid)

    async def write(self, objects: Objects) -> None:
        for number, (oid, found) in enumerate(objects.items()):
            await pause(f"write {number}")
            await self._backend.write({oid: found})

    async def commit(self, objects: Objects, changes: Iterable[RefChange]) -> bool:
        await pause("commit")
        done = await self._backend.commit(objects, changes)
        await pause("commit, done")
        return done

    async def ref(self, name: str) -> bytes | None:
        await pause(f"ref {name}")
        return await self._backend.ref(name)

    async def refs(self, prefix: str) -> dict[str, bytes]:
        await pause(f"refs {prefix}")
        return await self._backend.refs(prefix)

    async def default_branch(self) -> str:
        await pause("default branch")
        return await self._backend.default_branch()

    def listen(self, listener: Listener) -> Callable[[], None]:
        return self._backend.listen(listener)

    async def ids(self) -> AsyncIterator[bytes]:
        await pause("ids")
        async for oid in self._backend.ids():
            yield oid

    async def delete(self, oids: Iterable[bytes]) -> None:
        for oid in oids:
            await pause(f"delete {oid.hex()[:6]}")
            await self._backend.delete([oid])

    async def flush(self) -> None:
        await pause("flush")
        await self._backend.flush()

    async def close(self) -> None:
        await pause("close")
        await self._backend.close()
