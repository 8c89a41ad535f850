"""drive: a disk of the virtual machine."""

from __future__ import annotations

from fata.config.impl import Entry, Impl, device
from fata.config.offer import Offer
from fata.device.block import Block

ENTRY = Entry(
    "drive",
    Block,
    {"virtio": "fata.runtime.virtio:open_drive"},
    "A disk of the virtual machine, which `--drive FILE` gives it.",
    loop="fata.runtime.hardware_loop:hardware_loop",
)


def drive(number: int = 0, *, name: str | None = None) -> Impl[Block]:
    """Return the machine's disk `number`, counted from 0 in the order of `--drive`."""
    made: Impl[Block] = device(ENTRY, name=name, number=number)
    return made


OFFER = Offer(drive, ENTRY)
