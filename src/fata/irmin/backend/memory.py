"""A backend in memory. It never suspends, so each operation is atomic, and a store over it needs no event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable

from fata.disk.git.objects import Object
from fata.irmin.backend.contract import Capabilities, Listener, Objects, RefChange
from fata.irmin.backend.listeners import Listeners
from fata.irmin.errors import NameTaken


class MemoryBackend:
    """Objects and references in dicts."""

    capabilities = Capabilities()

    def __init__(self, default_branch: str = "main") -> None:
        self._objects: dict[bytes, Object] = {}
        self._refs: dict[str, bytes] = {}
        self._listeners = Listeners()
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
        for name, old, new in changes:
            if refs.get(name) != old:
                return False
            if old is None and new is not None:
                self._check_free(name)
        self._objects.update(objects)
        for change in changes:
            if change.new is None:
                refs.pop(change.name, None)
            else:
                refs[change.name] = change.new
        if self._listeners:
            self._listeners.tell(changes)
        return True

    def _check_free(self, name: str) -> None:
        """Refuse what a backend of files could not hold, so that all backends hold the same."""
        for other in self._refs:
            if other.startswith(f"{name}/") or name.startswith(f"{other}/"):
                raise NameTaken(f"{name}: {other}")

    async def ref(self, name: str) -> bytes | None:
        return self._refs.get(name)

    async def refs(self, prefix: str) -> dict[str, bytes]:
        return {name: self._refs[name] for name in sorted(self._refs) if name.startswith(prefix)}

    async def default_branch(self) -> str:
        return self._default_branch

    def listen(self, listener: Listener) -> Callable[[], None]:
        return self._listeners.add(listener)

    async def ids(self) -> AsyncIterator[bytes]:
        for oid in tuple(self._objects):
            yield oid

    async def delete(self, oids: Iterable[bytes]) -> None:
        for oid in oids:
            self._objects.pop(oid, None)

    async def flush(self) -> None:
        pass

    async def close(self) -> None:
        self._listeners.close()
