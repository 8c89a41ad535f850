"""Lowest common ancestors."""

from __future__ import annotations

from typing import TypeVar

from fata.irmin.commits import Commits
from fata.irmin.errors import TooManyLcas

T = TypeVar("T")


async def lcas(
    commits: Commits[T], ours: bytes, theirs: bytes, max_depth: int | None = None, n: int | None = None
) -> list[bytes]:
    """Return the common ancestors that are no ancestors of other common ones.

    Raises `TooManyLcas` if they are more than `n`, or if `max_depth` steps do not suffice to know them.
    """
    mine, yours = await ancestors(commits, ours, max_depth), await ancestors(commits, theirs, max_depth)
    common = mine & yours
    covered: set[bytes] = set()
    for oid in common:
        covered.update((await commits.commit(oid)).parents)
    found = sorted(common - covered)
    if n is not None and len(found) > n:
        raise TooManyLcas(f"{len(found)} common ancestors, the limit is {n}")
    return found


async def ancestors(commits: Commits[T], oid: bytes, max_depth: int | None) -> set[bytes]:
    """Return a commit and all that led to it."""
    seen = {oid}
    level = [oid]
    depth = 0
    while level:
        if max_depth is not None and depth > max_depth:
            raise TooManyLcas(f"no answer within {max_depth} steps")
        following = []
        for each in level:
            for parent in (await commits.commit(each)).parents:
                if parent not in seen:
                    seen.add(parent)
                    following.append(parent)
        level = following
        depth += 1
    return seen
