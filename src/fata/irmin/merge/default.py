"""The merges that fit any type with equality."""

from __future__ import annotations

from typing import TypeVar

from fata.irmin.errors import Conflict
from fata.irmin.merge.contract import Base, Merge

T = TypeVar("T")


async def default(base: Base[T], ours: T, theirs: T) -> T:
    """Take the side that changed; both changed, differently: a conflict."""
    if ours == theirs:
        return ours
    old = await base()
    if old == ours:
        return theirs
    if old == theirs:
        return ours
    raise Conflict("both sides changed it", (), ours, theirs)


def idempotent(merge: Merge[T]) -> Merge[T]:
    """Return a merge to which equal sides are the answer, whatever `merge` thinks of them."""

    async def merged(base: Base[T], ours: T, theirs: T) -> T:
        return ours if ours == theirs else await merge(base, ours, theirs)

    return merged


def option(merge: Merge[T]) -> Merge[T | None]:
    """Return the merge for values that may be absent (None), from one for those that are there."""

    async def merged(base: Base[T | None], ours: T | None, theirs: T | None) -> T | None:
        if ours is not None and theirs is not None:
            return await merge(base, ours, theirs)
        return await default(base, ours, theirs)

    return merged
