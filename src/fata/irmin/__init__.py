"""Git for data: a store whose every change is a commit, with branches, merges and synchronisation.

repo = Repo(MemoryBackend(), TEXT)
store = await repo.main()
await store.set("greetings/en", "hello", message="first")
draft = await store.clone("draft")
await draft.set("greetings/fr", "bonjour", message="more")
await store.merge_with(draft, message="draft is good")
"""

from __future__ import annotations

from fata.irmin.backend.memory import MemoryBackend
from fata.irmin.commit import Commit
from fata.irmin.contents.json import JSON, JSON_OBJECT
from fata.irmin.contents.plain import BYTES, LINES, TEXT
from fata.irmin.contents.records import Records
from fata.irmin.info import Info
from fata.irmin.repo import Repo
from fata.irmin.store.store import Store
from fata.irmin.tree import Tree

__all__ = [
    "BYTES",
    "JSON",
    "JSON_OBJECT",
    "LINES",
    "TEXT",
    "Commit",
    "Info",
    "MemoryBackend",
    "Records",
    "Repo",
    "Store",
    "Tree",
]
