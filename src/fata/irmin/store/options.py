"""What every write may be told."""

from __future__ import annotations

from typing import Literal, TypedDict

from fata.irmin.info import Info

RETRIES = 13  # Irmin's: how often a write starts again when others were faster

Strategy = Literal["set", "test_and_set", "merge"]


class Options(TypedDict, total=False):
    """How a write commits; each has a default.

    `message` and `author` (the repository's) make the commit's info, or `info` is all of it. `retries` is how often to
    start again when somebody else moves the branch meanwhile. `allow_empty` commits also when nothing changed.
    `parents` replaces the head as the only parent.
    """

    message: str
    author: str
    info: Info
    retries: int
    allow_empty: bool
    parents: tuple[bytes, ...]
