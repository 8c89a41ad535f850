"""virtio_console: a terminal of the virtual machine beside its serial port."""

from __future__ import annotations

from fata.config.impl import Entry, Impl, device
from fata.config.offer import Offer
from fata.device.console import Console

ENTRY = Entry(
    "virtio_console",
    Console,
    {"virtio": "fata.runtime.virtio:open_console"},
    "A terminal of the virtual machine beside its serial port, which `--terminal PATH` gives it.",
    loop="fata.runtime.hardware_loop:hardware_loop",
)


def virtio_console(number: int = 0, *, name: str | None = None) -> Impl[Console]:
    """Return the machine's console `number`, counted from 0 in the order of `--terminal`."""
    made: Impl[Console] = device(ENTRY, name=name, number=number)
    return made


OFFER = Offer(virtio_console, ENTRY)
