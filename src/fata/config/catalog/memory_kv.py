"""memory_kv: a store in memory."""

from __future__ import annotations

from fata.config.impl import Entry, Impl, device
from fata.config.offer import Offer
from fata.device.kv import KvTx

ENTRY = Entry(
    "memory_kv",
    KvTx,
    {"*": "fata.driver.kv.memory:MemoryKv"},
    "A store in memory, empty at the start and gone at the end.",
)


def memory_kv(*, name: str | None = None) -> Impl[KvTx]:
    """Return an empty store in memory. Two of them need two names: equal devices are one."""
    made: Impl[KvTx] = device(ENTRY, name=name)
    return made


OFFER = Offer(memory_kv, ENTRY)
