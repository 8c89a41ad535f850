"""Merges chosen by path: counters here, text there, in one store."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Generic, TypeVar

from fata.irmin.merge.contract import Base, Merge
from fata.irmin.merge.default import default
from fata.irmin.path import Path, steps, text

T = TypeVar("T")


class Rules(Generic[T]):
    """A merge that looks at the path first.

    `rules` maps patterns to merges; the first that fits decides, `otherwise` if none does. In a pattern `*` stands for
    any characters of one step, `?` for one, `**` for any number of steps: "counters/**", "*.txt" (at the root),
    "**/*.txt" (anywhere).
    """

    def __init__(self, rules: Mapping[str, Merge[T]], otherwise: Merge[T] = default) -> None:
        self._rules = [(re.compile(_expression(pattern), re.DOTALL), merge) for pattern, merge in rules.items()]
        self._otherwise = otherwise

    def at(self, path: Path) -> Merge[T]:
        """Return the merge for a path."""
        where = "/".join(text(step) for step in steps(path))
        return next((merge for pattern, merge in self._rules if pattern.fullmatch(where)), self._otherwise)

    async def __call__(self, base: Base[T], ours: T, theirs: T) -> T:
        """Merge where no path is known."""
        return await self._otherwise(base, ours, theirs)


def merge_at(merge: Merge[T], path: Path) -> Merge[T]:
    """Return what `merge` is at a path: itself, unless it has rules."""
    return merge.at(path) if isinstance(merge, Rules) else merge


def _expression(pattern: str) -> str:
    parts = []
    for part in re.split(r"(\*\*/|/\*\*$|\*\*|\*|\?)", pattern):
        parts.append(SIGNS.get(part) or re.escape(part))
    return "".join(parts)


SIGNS = {"**/": "(?:[^/]+/)*", "/**": "/.+", "**": ".*", "*": "[^/]*", "?": "[^/]"}
