"""What config.py's `irmin_kv` becomes."""

from __future__ import annotations

import os

from fata.irmin.backend.memory import MemoryBackend
from fata.irmin.contents.plain import BYTES
from fata.irmin.kv.writing import BranchKv
from fata.irmin.repo import Repo


async def open_git_kv(folder: str, branch: str, author: str) -> BranchKv:
    """Open a branch of the git repository in `folder`, made if need be. Raises `Unavailable`, `InvalidName`."""
    from fata.irmin.backend.git import Durability, GitBackend, init

    if not os.path.exists(os.path.join(folder, ".git")):
        init(folder, branch=branch)
    backend = GitBackend(folder, durability=Durability.SYNC)  # what was flushed must stay, whatever comes after it
    return BranchKv(Repo(backend, BYTES, author=author).of_branch(branch))


def memory_kv(branch: str, author: str) -> BranchKv:
    """Open a branch of a repository in memory, empty at the start."""
    return BranchKv(Repo(MemoryBackend(), BYTES, author=author).of_branch(branch))
