"""Merges of sets, multisets and mappings: element by element."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from typing import TypeVar

from fata.irmin.errors import Conflict
from fata.irmin.merge.contract import Base, Merge, known
from fata.irmin.merge.default import default, option

T = TypeVar("T")
E = TypeVar("E", bound=Hashable)
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


async def sets(base: Base[frozenset[E]], ours: frozenset[E], theirs: frozenset[E]) -> frozenset[E]:
    """Keep what both have and what either has added; what either has removed goes. Commutative, never a conflict.

    Removed here and "added again" there is removed: an element has no history of its own. Where that matters, see
    `fata.irmin.containers.or_set`.
    """
    old = await base() or frozenset()
    return (ours & theirs) | (ours - old) | (theirs - old)


async def multisets(base: Base[Mapping[E, int]], ours: Mapping[E, int], theirs: Mapping[E, int]) -> dict[E, int]:
    """Add up how often each element was added and removed. Commutative.

    Elements are in the order of their text, so that equal multisets are written as equal octets. What both sides
    removed more often than it was there counts as gone.
    """
    total = Counter(ours)
    total.update(theirs)
    total.subtract(await base() or {})
    return {element: total[element] for element in sorted(total, key=repr) if total[element] > 0}


def mappings(merge: Merge[V]) -> Merge[Mapping[K, V]]:
    """Return the merge of mappings whose values merge by `merge`: key by key, and one side may lack a key.

    A conflict's path says under which key. The result is a dict; keys stand in the order of ours, then theirs.
    """
    either = option(merge)

    async def merged(base: Base[Mapping[K, V]], ours: Mapping[K, V], theirs: Mapping[K, V]) -> Mapping[K, V]:
        old = await base() or {}
        found: dict[K, V] = {}
        for key in dict.fromkeys((*ours, *theirs)):
            mine, yours = ours.get(key), theirs.get(key)
            value = await _value(either, key, old.get(key), mine, yours)
            if value is not None:
                found[key] = value
        return found

    return merged


async def _value(merge: Merge[V | None], key: object, old: V | None, ours: V | None, theirs: V | None) -> V | None:
    try:
        return await merge(known(old), ours, theirs)
    except Conflict as conflict:
        raise conflict.at(str(key)) from None


async def sequences(base: Base[tuple[T, ...]], ours: tuple[T, ...], theirs: tuple[T, ...]) -> tuple[T, ...]:
    """Merge sequences to which both sides only append: the base, then ours, then theirs.

    Not commutative. A side that has changed or removed something goes through only if the other has not.
    """
    old = await base() or ()
    if ours[: len(old)] == old and theirs[: len(old)] == old:
        return ours + theirs[len(old) :]
    return await default(known(old), ours, theirs)
