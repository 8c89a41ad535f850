"""A log in one value: entries with their times, oldest first. Right for short logs; for long ones see `LinkedLog`."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar, Unpack

from fata.irmin.commit import Commit
from fata.irmin.containers.container import Container
from fata.irmin.containers.framing import frame, frames, number
from fata.irmin.containers.stamp import Clock, after, now
from fata.irmin.contents.contract import Contents
from fata.irmin.contents.plain import Plain
from fata.irmin.errors import Conflict
from fata.irmin.merge.contract import Base
from fata.irmin.path import Path
from fata.irmin.store.options import Options
from fata.irmin.store.store import Store

T = TypeVar("T")


class Entry(NamedTuple, Generic[T]):
    """What was appended, and when: nanoseconds of POSIX time."""

    time: int
    value: T


Log = tuple[Entry[T], ...]


def blob_log(contents: Contents[T]) -> Plain[Log[T]]:
    """Return the type of logs of values of a type.

    Merging puts what both sides have appended in the order of time (then of octets) behind what they share.
    Commutative. A side that has changed the past is a conflict.
    """

    def encode(log: Log[T]) -> bytes:
        return b"".join(frame((str(entry.time),), contents.encode(entry.value)) for entry in log)

    def decode(octets: bytes) -> Log[T]:
        return tuple(Entry(number(time), contents.decode(body)) for (time,), body in frames(octets, 1))

    def order(entry: Entry[T]) -> tuple[int, bytes]:
        return entry.time, contents.encode(entry.value)

    async def merged(base: Base[Log[T]], ours: Log[T], theirs: Log[T]) -> Log[T]:
        old = await base() or ()
        if ours[: len(old)] != old or theirs[: len(old)] != old:
            raise Conflict("one side has changed the log's past", (), len(ours), len(theirs))
        return old + tuple(sorted(ours[len(old) :] + theirs[len(old) :], key=order))

    return Plain(f"log of {contents.name}", encode, decode, merged)


class BlobLog(Container[Log[T]]):
    """A log at a path."""

    def __init__(self, store: Store[Log[T]], path: Path, clock: Clock = now) -> None:
        super().__init__(store, path)
        self._clock = clock

    async def append(self, value: T, **options: Unpack[Options]) -> Commit[Log[T]] | None:
        """Append an entry, later than the last one."""

        def longer(log: Log[T] | None) -> Log[T]:
            log = log or ()
            return (*log, Entry(after(log[-1].time if log else None, self._clock), value))

        return await self._replace(longer, options)

    async def read_all(self) -> list[T]:
        """Return all that was appended, oldest first."""
        return [entry.value for entry in await self.store.find(self.path) or ()]
