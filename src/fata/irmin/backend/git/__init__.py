"""A git directory as backend, used by git's own programs at the same time."""

from __future__ import annotations

from fata.irmin.backend.git.directory import GitBackend
from fata.irmin.backend.git.persistence import Durability
from fata.irmin.backend.git.repository import init

__all__ = ["Durability", "GitBackend", "init"]
