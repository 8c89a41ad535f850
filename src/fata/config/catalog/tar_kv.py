"""tar_kv and growing_tar: a tar archive on a disk."""

from __future__ import annotations

from fata.config.catalog.clock import clock as default_clock
from fata.config.impl import Entry, Impl, device
from fata.config.offer import Offer
from fata.device.block import Block
from fata.device.clock import WallClock
from fata.device.kv import KvRo, KvRw

ENTRY = Entry(
    "tar_kv",
    KvRo,
    {"*": "fata.store.tar.reading:open_tar"},
    "The files of a tar archive that begins in the first sector of a disk.",
    needs={"block": Block},
)
GROWING = Entry(
    "growing_tar",
    KvRw,
    {"*": "fata.store.tar.appending:open_appending_tar"},
    "A tar archive on a disk that grows with every change; a power cut leaves what a `flush` has left.",
    needs={"block": Block, "clock": WallClock},
)


def tar_kv(disk: Impl[Block], *, name: str | None = None) -> Impl[KvRo]:
    """Return the files of a tar archive on a disk."""
    made: Impl[KvRo] = device(ENTRY, name=name, block=disk)
    return made


def growing_tar(disk: Impl[Block], clock: Impl[WallClock] | None = None, *, name: str | None = None) -> Impl[KvRw]:
    """Return the files of a tar archive on a disk, to which changes are appended. A disk of zeros is an empty one.

    The target's clock dates them unless another is given.
    """
    made: Impl[KvRw] = device(GROWING, name=name, block=disk, clock=clock or default_clock())
    return made


OFFER = Offer(tar_kv, ENTRY)
GROWING_OFFER = Offer(growing_tar, GROWING)
