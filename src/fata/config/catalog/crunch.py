"""crunch: files baked into the image."""

from __future__ import annotations

from fata.config.impl import Asset, Entry, Impl, device
from fata.config.keys import Key
from fata.config.offer import Offer
from fata.device.kv import KvRo

ENTRY = Entry(
    "crunch",
    KvRo,
    {"*": "fata.driver.kv.crunch:Crunch"},
    "The files of a folder as they were when the image was built, each with its SHA-256.",
)


def crunch(folder: str | Key[str], *, name: str | None = None) -> Impl[KvRo]:
    """Return the files of `folder` (relative to config.py), packed into the image."""
    made: Impl[KvRo] = device(ENTRY, name=name, data=Asset("fata.driver.kv.crunch:pack", folder, ".crunch"))
    return made


OFFER = Offer(crunch, ENTRY)
