"""btree_kv: a crash-safe store on a disk."""

from __future__ import annotations

from fata.config.catalog.clock import clock as default_clock
from fata.config.catalog.entropy import entropy
from fata.config.impl import Entry, Impl, device
from fata.config.offer import Offer
from fata.device.block import Block
from fata.device.clock import WallClock
from fata.device.entropy import Entropy
from fata.device.kv import KvTx

ENTRY = Entry(
    "btree_kv",
    KvTx,
    {"*": "fata.store.btree.kv:open_btree_kv"},
    "A store on a disk that survives power cuts, with atomic batches; docs/design/btree.md says how.",
    needs={"block": Block, "clock": WallClock, "entropy": Entropy},
)


def btree_kv(
    disk: Impl[Block],
    clock: Impl[WallClock] | None = None,
    *,
    durability: str = "sync",
    name: str | None = None,
) -> Impl[KvTx]:
    """Return the store on a disk, which is formatted first if it is blank.

    `durability` says when a change survives a power cut: when it has returned ("sync"), or at the next `flush`
    ("batch", "none"; `fata.store.btree.store.Btree` tells the difference).
    """
    made: Impl[KvTx] = device(
        ENTRY, name=name, block=disk, clock=clock or default_clock(), entropy=entropy(), durability=durability
    )
    return made


OFFER = Offer(btree_kv, ENTRY)
