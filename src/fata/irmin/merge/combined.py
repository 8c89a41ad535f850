"""Merges made from merges."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fata.irmin.errors import Conflict
from fata.irmin.merge.contract import Base, Merge

T = TypeVar("T")
U = TypeVar("U")


def first_of(*merges: Merge[T]) -> Merge[T]:
    """Return the merge that asks one after the other until one has no conflict; else the last one's (Irmin: `seq`)."""

    async def merged(base: Base[T], ours: T, theirs: T) -> T:
        conflict = Conflict("there is no merge", (), ours, theirs)
        for merge in merges:
            try:
                return await merge(base, ours, theirs)
            except Conflict as raised:
                conflict = raised
        raise conflict

    return merged


def like(merge: Merge[U], view: Callable[[T], U], back: Callable[[U], T]) -> Merge[T]:
    """Return the merge of values that can be seen as others: `back(view(x)) == x`."""

    async def merged(base: Base[T], ours: T, theirs: T) -> T:
        async def before() -> U | None:
            old = await base()
            return None if old is None else view(old)

        return back(await merge(before, view(ours), view(theirs)))

    return merged


def with_conflict(merge: Merge[T], say: Callable[[str], str]) -> Merge[T]:
    """Return a merge whose conflicts give what `say` makes of the reason."""

    async def merged(base: Base[T], ours: T, theirs: T) -> T:
        try:
            return await merge(base, ours, theirs)
        except Conflict as conflict:
            raise Conflict(say(conflict.reason), conflict.path, conflict.ours, conflict.theirs) from None

    return merged


def take_ours(prefer: Callable[[T, T], bool]) -> Merge[T]:
    """Return the merge that takes ours if `prefer(ours, theirs)`, else theirs; no conflict, and no ancestor asked."""

    async def merged(base: Base[T], ours: T, theirs: T) -> T:
        return ours if prefer(ours, theirs) else theirs

    return merged
