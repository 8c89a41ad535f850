"""Synchronisation: with repositories of git's (git://, http(s)://, ssh, directories), and between any two stores.

origin = remote("https://example.org/wiki.git")
await pull(store, origin)
await push(store, origin)
"""

from __future__ import annotations

from fata.irmin.sync.contract import Progress, Remote
from fata.irmin.sync.opening import remote
from fata.irmin.sync.operations import clone, fetch, pull, push

__all__ = ["Progress", "Remote", "clone", "fetch", "pull", "push", "remote"]
