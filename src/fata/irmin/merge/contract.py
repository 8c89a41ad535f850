"""A merge: from two values and what both once were, one value.

    async def latest(base: Base[int], ours: int, theirs: int) -> int:
        return max(ours, theirs)

`base` is a promise: `await base()` finds the value in the common ancestor, and costs a search through the history
the first time; a merge that does not ask does not pay. It gives None where no ancestor has a value. With several common
ancestors (criss-cross merges) it gives their merge. A merge raises `Conflict` where it finds no answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from fata.irmin.errors import Conflict

T = TypeVar("T")

Base = Callable[[], Awaitable[T | None]]


class Merge(Protocol[T]):
    """Three-way merge of values of one type. `ours` and `theirs` may be equal: changed in the same way, twice."""

    async def __call__(self, base: Base[T], ours: T, theirs: T) -> T:
        """Return the merged value or raise `Conflict`."""
        ...


def known(value: T | None) -> Base[T]:
    """Return the promise of a value that is there already."""

    async def base() -> T | None:
        return value

    return base


def once(find: Base[T]) -> Base[T]:
    """Return a promise that is kept once and remembered; an error is not."""
    found: list[T | None] = []

    async def base() -> T | None:
        if not found:
            found.append(await find())
        return found[0]

    return base


__all__ = ["Base", "Conflict", "Merge", "known", "once"]
