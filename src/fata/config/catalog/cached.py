"""cached: a disk with its sectors in memory."""

from __future__ import annotations

from fata.config.impl import Entry, Impl, device
from fata.config.keys import Key
from fata.config.offer import Offer
from fata.device.block import Block

ENTRY = Entry(
    "cached",
    Block,
    {"*": "fata.driver.block.cache:CachedBlock"},
    "A disk of which the sectors used last stay in memory; writes wait there for `flush`.",
    needs={"block": Block},
)


def cached(disk: Impl[Block], sectors: int | Key[int] = 4096, *, name: str | None = None) -> Impl[Block]:
    """Return a disk over a disk, with so many sectors in memory."""
    made: Impl[Block] = device(ENTRY, name=name, block=disk, capacity=sectors)
    return made


OFFER = Offer(cached, ENTRY)
