"""What the contracts of `fata.device.kv` say, over keys and values of a tree.

A path's segments are joined by NUL, which no segment holds, so that everything in a dictionary stands together,
right behind the place where a value of that name would stand. A value begins with 16 octets: a version that no
other value has, and when it was stored (POSIX seconds, NaN if unknown).
"""

from __future__ import annotations

from math import isnan
from struct import Struct

from fata.device.kv import (
    AlreadyPresent,
    DictionaryExpected,
    InvalidKey,
    Kind,
    NotFound,
    ValueExpected,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Protocol

    class Entries(Protocol):
        """A transaction, a snapshot or a store, as far as reading goes."""

        async def get(self, key: bytes) -> bytes | None: ...
        async def raw(self, key: bytes) -> bytes | None: ...
        def keys(
            self, start: bytes | None = None, end: bytes | None = None, *, prefix: bytes = b""
        ) -> AsyncIterator[bytes]: ...

    class Changing(Entries, Protocol):
        """The same, with changes."""

        async def put(self, key: bytes, value: bytes) -> None: ...
        async def delete(self, key: bytes) -> bool: ...


Path = tuple[str, ...]

HEADER = Struct("<Qd")
HEADER_SIZE = HEADER.size


def name_of(path: Path) -> bytes:
    """Return the tree's key for a path."""
    return b"\0".join(segment.encode() for segment in path)


def text_of(path: Path) -> str:
    """Return the path as its user wrote it."""
    return "/".join(path)


def inside(path: Path) -> bytes:
    """Return what the keys of everything in a dictionary begin with."""
    return name_of(path) + b"\0" if path else b""


async def kind_of(entries: Entries, path: Path) -> Kind | None:
    """Say what a path names."""
    if not path:
        return Kind.DICTIONARY
    if await entries.raw(name_of(path)) is not None:
        return Kind.VALUE
    return Kind.DICTIONARY if await _first(entries, inside(path)) is not None else None


async def _first(entries: Entries, prefix: bytes, start: bytes | None = None) -> bytes | None:
    keys = entries.keys(start, prefix=prefix)
    try:
        return await anext(keys, None)
    finally:
        await keys.aclose()  # type: ignore[attr-defined]  # a generator


async def value_of(entries: Entries, path: Path) -> bytes:
    """Return a value with its header. Raises `NotFound`, `ValueExpected`."""
    value = await entries.get(name_of(path)) if path else None
    if value is not None:
        return value
    if await kind_of(entries, path) is Kind.DICTIONARY:
        raise ValueExpected(text_of(path))
    raise NotFound(text_of(path))


async def names_in(entries: Entries, path: Path) -> dict[str, Kind]:
    """Return what is in a dictionary. Raises `NotFound`, `DictionaryExpected`."""
    kind = await kind_of(entries, path)
    if kind is None:
        raise NotFound(text_of(path))
    if kind is Kind.VALUE:
        raise DictionaryExpected(text_of(path))
    prefix = inside(path)
    found: dict[str, Kind] = {}
    key = await _first(entries, prefix)
    while key is not None:
        name, nul, _ = key[len(prefix) :].partition(b"\0")
        found[name.decode()] = Kind.DICTIONARY if nul else Kind.VALUE
        key = await _first(entries, prefix, prefix + name + (b"\1" if nul else b"\0"))
    return found


async def keys_in(entries: Entries, path: Path) -> list[bytes]:
    """Return the keys of a value, or of every value in a dictionary."""
    own = [name_of(path)] if path and await entries.raw(name_of(path)) is not None else []
    return own + [key async for key in entries.keys(prefix=inside(path))]


async def check_place(entries: Entries, path: Path) -> None:
    """Raise unless a value can be put under a path."""
    if not path:
        raise ValueExpected("")
    for depth in range(1, len(path)):
        if await entries.raw(name_of(path[:depth])) is not None:
            raise DictionaryExpected(text_of(path[:depth]))
    if await _first(entries, inside(path)) is not None:
        raise ValueExpected(text_of(path))


async def place(entries: Changing, path: Path, value: bytes) -> None:
    """Put a value (with its header) in place."""
    await check_place(entries, path)
    await entries.put(name_of(path), value)


async def allocate(entries: Changing, path: Path, value: bytes) -> None:
    """Put a value where there is none."""
    await check_place(entries, path)
    if await entries.raw(name_of(path)) is not None:
        raise AlreadyPresent(text_of(path))
    await entries.put(name_of(path), value)


async def remove(entries: Changing, path: Path) -> None:
    """Remove a value, or everything in a dictionary."""
    for key in await keys_in(entries, path):
        await entries.delete(key)


async def rename(entries: Changing, source: Path, destination: Path) -> None:
    """Move a value, or everything in a dictionary."""
    if not source or not destination or (source != destination and destination[: len(source)] == source):
        raise InvalidKey(f"cannot rename {text_of(source)!r} to {text_of(destination)!r}, inside itself")
    if await kind_of(entries, source) is None:
        raise NotFound(text_of(source))
    await check_place(entries, destination) if source != destination else await _check_same(entries, source)
    if source == destination:
        return
    moved = [(key, await entries.get(key) or b"") for key in await keys_in(entries, source)]
    for key in (name_of(destination), *(key for key, _ in moved)):
        await entries.delete(key)
    start = len(name_of(source))
    for key, value in moved:
        await entries.put(name_of(destination) + key[start:], value)


async def _check_same(entries: Entries, path: Path) -> None:
    if await kind_of(entries, path) is Kind.DICTIONARY:
        raise ValueExpected(text_of(path))


def modified_of(value: bytes) -> float | None:
    """Return when a value was stored."""
    moment: float = HEADER.unpack_from(value)[1]
    return None if isnan(moment) else moment
