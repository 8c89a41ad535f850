"""Forgetting objects: loose files are removed, packs are written again without them.

What is young stays: another program may have written it, and be about to refer to it (git-prune(1), `--expire`).
"""

from __future__ import annotations

import os
import time

from fata.disk.git.objects import Object
from fata.irmin.backend.git.files import remove_if_there
from fata.irmin.backend.git.growing import GrowingPacks
from fata.irmin.backend.git.loose import LooseObjects
from fata.irmin.backend.git.packs import Pack, Packs
from fata.irmin.errors import CorruptObject

BATCH = 32 << 20  # octets of objects that are packed at once


def prune(oids: set[bytes], loose: LooseObjects, packs: Packs, growing: GrowingPacks, age: float) -> None:
    """Forget objects that are older than `age` seconds."""
    newest = time.time() - age
    for oid in oids:
        path = loose.path(oid)
        if _is_older(path, newest):
            remove_if_there(path)
    packs.rescan()
    for pack in packs.all():
        if not os.path.exists(f"{pack.path}.keep") and _is_older(f"{pack.path}.pack", newest):
            _without(pack, oids, growing)
    packs.rescan()


def _is_older(path: str, newest: float) -> bool:
    try:
        return os.stat(path).st_mtime <= newest
    except FileNotFoundError:
        return False


def _without(pack: Pack, oids: set[bytes], growing: GrowingPacks) -> None:
    """Write what else a pack has into new ones, then remove it. One that has none of the objects stays."""
    kept = [oid for oid in pack.index.ids() if oid not in oids]
    if len(kept) == pack.index.count:
        return
    batch: dict[bytes, Object] = {}
    size = 0
    for oid in kept:
        found = pack.read(oid)
        if found is None:
            raise CorruptObject(oid, f"{pack.path}: the index has it, the pack has not")
        batch[oid] = found
        size += len(found[1])
        if size >= BATCH:
            growing.write(batch)
            batch, size = {}, 0
    if batch:
        growing.write(batch)
    remove_if_there(f"{pack.path}.idx")
    for ending in ("pack", "rev", "bitmap", "mtimes"):
        remove_if_there(f"{pack.path}.{ending}")
