"""A log in one value: entries with their times, oldest first. Right for short logs; for long ones see `LinkedLog`."""

from __future__ import annotations

from collections import Counter
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

    Merging puts the entries of both sides in the order of time (then of octets); what both had before counts once.
    Commutative. A side that has removed something is a conflict.
    """

    def encode(log: Log[T]) -> bytes:
        return b"".join(frame((str(entry.time),), contents.encode(entry.value)) for entry in log)

    def decode(octets: bytes) -> Log[T]:
        return tuple(Entry(number(time), contents.decode(body)) for (time,), body in frames(octets, 1))

    def order(entry: Entry[T]) -> tuple[int, bytes]:
        return entry.time, contents.encode(entry.value)

    async def merged(base: Base[Log[T]], ours: Log[T], theirs: Log[T]) -> Log[T]:
        old, mine, yours = (Counter(map(order, log)) for log in (await base() or (), ours, theirs))
        if old - mine or old - yours:
            raise Conflict("one side has changed the log's past", (), len(ours), len(theirs))
        entries = {order(entry): entry for entry in (*ours, *theirs)}
        return tuple(entries[key] for key in sorted((mine + yours - old).elements()))

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
