"""Merges of values that are made of parts: part by part."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

from fata.errors import StateError
from fata.irmin.errors import Conflict
from fata.irmin.merge.contract import Base, Merge, known
from fata.irmin.merge.default import default

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")


def pairs(first: Merge[A], second: Merge[B]) -> Merge[tuple[A, B]]:
    """Return the merge of pairs."""

    async def merged(base: Base[tuple[A, B]], ours: tuple[A, B], theirs: tuple[A, B]) -> tuple[A, B]:
        old = await base() or (None, None)
        return (
            await _part(first, "0", old[0], ours[0], theirs[0]),
            await _part(second, "1", old[1], ours[1], theirs[1]),
        )

    return merged


def triples(first: Merge[A], second: Merge[B], third: Merge[C]) -> Merge[tuple[A, B, C]]:
    """Return the merge of triples."""
    nested = pairs(first, pairs(second, third))

    async def merged(base: Base[tuple[A, B, C]], ours: tuple[A, B, C], theirs: tuple[A, B, C]) -> tuple[A, B, C]:
        old = await base()
        before = None if old is None else (old[0], old[1:])
        one, (two, three) = await nested(known(before), (ours[0], ours[1:]), (theirs[0], theirs[1:]))
        return one, two, three

    return merged


def records(kind: type[D], **merges: Merge[Any]) -> Merge[D]:
    """Return the merge of a dataclass: each field by its merge, `default` for those that are not named.

    Raises `StateError` for a name that is no field of the class.
    """
    names = [each.name for each in fields(kind)]  # type: ignore[arg-type]
    if unknown := sorted(set(merges) - set(names)):
        raise StateError(f"{kind.__name__} has no field {unknown[0]!r}; it has {', '.join(names)}")

    async def merged(base: Base[D], ours: D, theirs: D) -> D:
        old = await base()
        changed = {}
        for name in names:
            before = None if old is None else getattr(old, name)
            mine, yours = getattr(ours, name), getattr(theirs, name)
            changed[name] = await _part(merges.get(name, default), name, before, mine, yours)
        return replace(ours, **changed)  # type: ignore[type-var]

    return merged


async def _part(merge: Merge[A], name: str, old: A | None, ours: A, theirs: A) -> A:
    if ours == theirs and merge is default:
        return ours
    try:
        return await merge(known(old), ours, theirs)
    except Conflict as conflict:
        raise conflict.at(name) from None
