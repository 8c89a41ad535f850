"""Names of branches and references: git-check-ref-format(1)."""

from __future__ import annotations

import re

from fata.irmin.errors import InvalidName

BRANCHES = "refs/heads/"

_ILLEGAL = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|^[./]|[./]$|^@$|^-")


def branch_ref(branch: str) -> str:
    """Return a branch's reference. Raises `InvalidName`."""
    return BRANCHES + check(branch)


def check(name: str) -> str:
    """Return the name. Raises `InvalidName` if git would refuse it."""
    if not name or len(name) > 4096 or _ILLEGAL.search(name):
        raise InvalidName(f"{name[:80]!r} cannot be the name of a branch or reference")
    return name
