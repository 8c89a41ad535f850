"""A backend in memory. It never suspends, so each operation is atomic, and a store over it needs no event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable

from fata.disk.git.objects import Object
from fata.irmin.backend.contract import Capabilities, Listener, Objects, RefChange


class MemoryBackend:
    """Objects and references in dicts."""

    capabilities = Capabilities()

    def __init__(self, default_branch: str = "main") -> None:
        self._objects: dict[bytes, Object] = {}
        self._refs: dict[str, bytes] = {}
        self._listeners: list[Listener] = []
        self._default_branch = default_branch
        self.peek: Callable[[bytes], Object | None] = self._objects.get  # no call of Python's in between

    async def read(self, oid: bytes) -> Object | None:
        return self._objects.get(oid)

    async def contains(self, oid: bytes) -> bool:
        return oid in self._objects

    async def write(self, objects: Objects) -> None:
        self._objects.update(objects)

    async def commit(self, objects: Objects, changes: Iterable[RefChange]) -> bool:
        refs = self._refs
        changes = tuple(changes)
        for name, old, _ in changes:
            if refs.get(name) != old:
                return False
        self._objects.update(objects)
        for change in changes:
            if change.new is None:
                refs.pop(change.name, None)
            else:
                refs[change.name] = change.new
        if self._listeners:
            self._tell(changes)
        return True

    def _tell(self, changes: tuple[RefChange, ...]) -> None:
        for change in changes:
            for listener in tuple(self._listeners):
                if change.old != change.new:
                    listener(change)

    async def ref(self, name: str) -> bytes | None:
        return self._refs.get(name)

    async def refs(self, prefix: str) -> dict[str, bytes]:
        return {name: self._refs[name] for name in sorted(self._refs) if name.startswith(prefix)}

    async def default_branch(self) -> str:
        return self._default_branch

    def listen(self, listener: Listener) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def ids(self) -> AsyncIterator[bytes]:
        for oid in tuple(self._objects):
            yield oid

    async def delete(self, oids: Iterable[bytes]) -> None:
        for oid in oids:
            self._objects.pop(oid, None)

    async def close(self) -> None:
        pass
