"""A queue that replicas fill and empty apart.

Every entry has a name of its own, so merging knows who has taken what: entries that either side has taken are gone,
those that either has put in are there, in the order of time. Two replicas that work apart may take the same entry: each
entry is taken at least once, and never comes back.
"""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar, Unpack

from fata.irmin.containers.container import Container
from fata.irmin.containers.framing import frame, frames, number
from fata.irmin.containers.stamp import Clock, after, now
from fata.irmin.containers.tags import Tags, random_tag
from fata.irmin.contents.contract import Contents
from fata.irmin.contents.plain import Plain
from fata.irmin.merge.contract import Base
from fata.irmin.path import Path
from fata.irmin.store.options import Options
from fata.irmin.store.store import Store

T = TypeVar("T")


class Item(NamedTuple, Generic[T]):
    """An entry: when it was put in (nanoseconds of POSIX time), its name, its value."""

    time: int
    tag: str
    value: T


Items = tuple[Item[T], ...]


def queue(contents: Contents[T]) -> Plain[Items[T]]:
    """Return the type of queues of values of a type. Its merge is commutative and never a conflict."""

    def encode(items: Items[T]) -> bytes:
        return b"".join(frame((str(item.time), item.tag), contents.encode(item.value)) for item in items)

    def decode(octets: bytes) -> Items[T]:
        return tuple(Item(number(time), tag, contents.decode(body)) for (time, tag), body in frames(octets, 2))

    async def merged(base: Base[Items[T]], ours: Items[T], theirs: Items[T]) -> Items[T]:
        old = {item.tag for item in await base() or ()}
        mine, yours = ({item.tag: item for item in side} for side in (ours, theirs))
        both = mine.keys() & yours.keys()
        kept = [item for tag, item in (mine | yours).items() if tag in both or tag not in old]
        return tuple(sorted(kept, key=lambda item: item[:2]))

    return Plain(f"queue of {contents.name}", encode, decode, merged)


class Queue(Container[Items[T]]):
    """A queue at a path."""

    def __init__(self, store: Store[Items[T]], path: Path, clock: Clock = now, tags: Tags = random_tag) -> None:
        super().__init__(store, path)
        self._clock = clock
        self._tags = tags

    async def put(self, value: T, **options: Unpack[Options]) -> None:
        """Put a value in, behind all that are there."""
        tag = self._tags()

        def longer(items: Items[T] | None) -> Items[T]:
            items = items or ()
            return (*items, Item(after(items[-1].time if items else None, self._clock), tag, value))

        await self._replace(longer, options)

    async def take(self, **options: Unpack[Options]) -> T | None:
        """Take the first value out; None if the queue is empty."""
        taken: list[T] = []

        def shorter(items: Items[T] | None) -> Items[T]:
            taken[:] = [item.value for item in (items or ())[:1]]
            return (items or ())[1:]

        await self._replace(shorter, options)
        return taken[0] if taken else None

    async def read_all(self) -> list[T]:
        """Return all values, first to last."""
        return [item.value for item in await self.store.find(self.path) or ()]
