"""read_only: a disk that nobody changes."""

from __future__ import annotations

from fata.config.impl import Entry, Impl, device
from fata.config.offer import Offer
from fata.device.block import Block

ENTRY = Entry(
    "read_only",
    Block,
    {"*": "fata.driver.block.read_only:ReadOnlyBlock"},
    "A disk that can be read and not written.",
    needs={"block": Block},
)


def read_only(disk: Impl[Block], *, name: str | None = None) -> Impl[Block]:
    """Return a disk over a disk that refuses every change."""
    made: Impl[Block] = device(ENTRY, name=name, block=disk)
    return made


OFFER = Offer(read_only, ENTRY)
