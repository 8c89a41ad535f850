"""A branch of a store with a history, as the suites of the key-value contracts want one."""

from __future__ import annotations

from fata.irmin import BYTES, MemoryBackend, Repo
from fata.irmin.kv import BranchKv


def irmin_kv() -> BranchKv:
    """Return an empty one in memory."""
    return BranchKv(Repo(MemoryBackend(), BYTES).of_branch("main"))
