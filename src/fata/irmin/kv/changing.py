"""What KvRw changes, handed on as one function."""

from __future__ import annotations

from abc import abstractmethod

from fata.device.kv import InvalidKey, NoSpace, segments
from fata.irmin.errors import InvalidPath
from fata.irmin.kv import changes
from fata.irmin.kv.changes import Change, Parts
from fata.irmin.kv.reading import ReadingKv, check_range
from fata.irmin.path import steps


def parts(key: str) -> Parts:
    """Split a key under which a value may be put. Raises `InvalidKey`."""
    found = segments(key)
    try:
        steps(found)
    except InvalidPath as error:  # too deep for a tree
        raise InvalidKey(str(error)) from None
    return found


class WritingKv(ReadingKv):
    """What KvRw can change, handed to `_apply`."""

    @abstractmethod
    async def _apply(self, paths: tuple[Parts, ...], change: Change, message: str) -> None: ...

    async def set(self, key: str, value: bytes) -> None:
        path = parts(key)
        await self._apply((path,), changes.put(path, bytes(value)), f"set {key}")

    async def set_partial(self, key: str, offset: int, data: bytes) -> None:
        path = parts(key)
        check_range(key, offset, 0)
        await self._guarded(key, path, changes.write(path, offset, bytes(data)), f"set {key} from {offset} on")

    async def remove(self, key: str) -> None:
        path = parts(key)
        await self._apply((path,), changes.remove(path), f"remove {key or 'everything'}")

    async def rename(self, source: str, destination: str) -> None:
        old, new = parts(source), parts(destination)
        await self._apply((old, new), changes.rename(old, new), f"rename {source} to {destination}")

    async def allocate(self, key: str, size: int) -> None:
        path = parts(key)
        check_range(key, 0, size)
        await self._guarded(key, path, changes.allocate(path, size), f"allocate {key}")

    async def _guarded(self, key: str, path: Parts, change: Change, message: str) -> None:
        try:
            await self._apply((path,), change, message)
        except (MemoryError, OverflowError):
            raise NoSpace(key) from None
