"""partition: a part of a disk."""

from __future__ import annotations

from fata.config.impl import Entry, Impl, device
from fata.config.keys import Key
from fata.config.offer import Offer
from fata.device.block import Block

ENTRY = Entry(
    "partition",
    Block,
    {"*": "fata.driver.block.partition_table:open_partition"},
    "A partition of a disk, by its number in the MBR or GPT.",
    needs={"block": Block},
)


def partition(disk: Impl[Block], number: int | Key[int] = 1, *, name: str | None = None) -> Impl[Block]:
    """Return partition `number` of a disk, from 1; in an MBR 5 and more are logical ones."""
    made: Impl[Block] = device(ENTRY, name=name, block=disk, number=number)
    return made


OFFER = Offer(partition, ENTRY)
