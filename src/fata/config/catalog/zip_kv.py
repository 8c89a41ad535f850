"""zip_kv: a zip archive on a disk."""

from __future__ import annotations

from fata.config.impl import Entry, Impl, device
from fata.config.offer import Offer
from fata.device.block import Block
from fata.device.kv import KvRo

ENTRY = Entry(
    "zip_kv",
    KvRo,
    {"*": "fata.store.zip:open_zip"},
    "The files of a zip archive that begins in the first sector of a disk.",
    needs={"block": Block},
)


def zip_kv(disk: Impl[Block], *, name: str | None = None) -> Impl[KvRo]:
    """Return the files of a zip archive on a disk."""
    made: Impl[KvRo] = device(ENTRY, name=name, block=disk)
    return made


OFFER = Offer(zip_kv, ENTRY)
