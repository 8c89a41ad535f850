"""A store of octets as a key-value device: KvRo of any commit, KvTx of a branch, on which one batch is one commit."""

from __future__ import annotations

from fata.irmin.kv.opening import memory_kv, open_git_kv
from fata.irmin.kv.reading import CommitKv
from fata.irmin.kv.writing import BranchKv

__all__ = ["BranchKv", "CommitKv", "memory_kv", "open_git_kv"]
