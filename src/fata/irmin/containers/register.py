"""A register of which the last write wins, by the writers' clocks."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar, Unpack

from fata.irmin.commit import Commit
from fata.irmin.containers.container import Container
from fata.irmin.containers.framing import frame, frames, number
from fata.irmin.containers.stamp import Clock, after, now
from fata.irmin.contents.contract import Contents
from fata.irmin.contents.plain import Plain
from fata.irmin.merge.contract import Base
from fata.irmin.path import Path
from fata.irmin.store.options import Options
from fata.irmin.store.store import Store

T = TypeVar("T")


class Written(NamedTuple, Generic[T]):
    """A value, and when it was written: nanoseconds of POSIX time."""

    time: int
    value: T


def lww_register(contents: Contents[T]) -> Plain[Written[T]]:
    """Return the type of registers of values of a type.

    Of two writes in one nanosecond the one with larger octets wins. Commutative, idempotent, never a conflict.
    """

    def encode(written: Written[T]) -> bytes:
        return frame((str(written.time),), contents.encode(written.value))

    def decode(octets: bytes) -> Written[T]:
        [((time,), body)] = frames(octets, 1)
        return Written(number(time), contents.decode(body))

    async def last(base: Base[Written[T]], ours: Written[T], theirs: Written[T]) -> Written[T]:
        return max(ours, theirs, key=lambda written: (written.time, contents.encode(written.value)))

    return Plain(f"lww {contents.name}", encode, decode, last)


class LwwRegister(Container[Written[T]]):
    """A register at a path. A write is later than the one it has seen, even if the clock stands behind."""

    def __init__(self, store: Store[Written[T]], path: Path, clock: Clock = now) -> None:
        super().__init__(store, path)
        self._clock = clock

    async def write(self, value: T, **options: Unpack[Options]) -> Commit[Written[T]] | None:
        """Write a value."""
        return await self._replace(lambda old: Written(after(old and old.time, self._clock), value), options)

    async def read(self) -> T | None:
        """Return the value; None if nothing was written yet."""
        written = await self.store.find(self.path)
        return None if written is None else written.value
