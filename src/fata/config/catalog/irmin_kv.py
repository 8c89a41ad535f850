"""irmin_kv: a branch of a store with a history."""

from __future__ import annotations

from fata.config.impl import Entry, HostPath, Impl, device
from fata.config.keys import REQUIRED, Key, prefixed
from fata.config.offer import Offer
from fata.config.value import TEXT
from fata.config.where import caller
from fata.device.kv import KvTx

ENTRY = Entry(
    "irmin_kv",
    KvTx,
    {"unix": "fata.irmin.kv.opening:open_git_kv"},
    "A branch of a git repository of the host; every batch is a commit.",
)
MEMORY_ENTRY = Entry(
    "irmin_memory_kv",
    KvTx,
    {"*": "fata.irmin.kv.opening:memory_kv"},
    "A branch of a store with a history, in memory; every batch is a commit.",
)
AUTHOR = "fata <>"


def irmin_kv(
    folder: str | Key[str] | None = None, *, branch: str = "main", author: str = AUTHOR, name: str | None = None
) -> Impl[KvTx]:
    """Return a branch of the git repository in a host's folder (relative to config.py), which is made if need be.

    Without `folder` it is the key `--repository`, or `--NAME-repository`.
    """
    if folder is None:
        owner = f"irmin_kv(branch={branch!r})"
        folder = Key(prefixed(name, "repository"), TEXT, REQUIRED, "git repository", owner=owner, where=caller())
    made: Impl[KvTx] = device(ENTRY, name=name, folder=HostPath(folder), branch=branch, author=author)
    return made


def irmin_memory_kv(*, branch: str = "main", author: str = AUTHOR, name: str | None = None) -> Impl[KvTx]:
    """Return a branch of a store with a history, in memory. Two of them need two names: equal devices are one."""
    made: Impl[KvTx] = device(MEMORY_ENTRY, name=name, branch=branch, author=author)
    return made


OFFER = Offer(irmin_kv, ENTRY)
MEMORY_OFFER = Offer(irmin_memory_kv, MEMORY_ENTRY)
