"""Merges of numbers. All are commutative; none raises."""

from __future__ import annotations

from typing import TypeVar

from fata.irmin.merge.contract import Base

Number = TypeVar("Number", int, float)


async def counter(base: Base[int], ours: int, theirs: int) -> int:
    """Add what both sides have added: the base's value counts once, 0 where there is none."""
    return ours + theirs - (await base() or 0)


async def largest(base: Base[Number], ours: Number, theirs: Number) -> Number:
    """Take the larger one: for high-water marks. Idempotent, and needs no ancestor."""
    return max(ours, theirs)


async def smallest(base: Base[Number], ours: Number, theirs: Number) -> Number:
    """Take the smaller one. Idempotent, and needs no ancestor."""
    return min(ours, theirs)
