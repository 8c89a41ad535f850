"""console: standard input and output."""

from __future__ import annotations

from fata.config.impl import Entry, Impl, device
from fata.config.offer import Offer
from fata.device.console import Console

ENTRY = Entry(
    "console",
    Console,
    {"unix": "fata.driver.console.stdio:StdioConsole", "virtio": "fata.driver.console.stdio:StdioConsole"},
    "Lines of text on the program's own terminal.",
)


def console() -> Impl[Console]:
    """Return the terminal that the program was started on."""
    made: Impl[Console] = device(ENTRY)
    return made


OFFER = Offer(console, ENTRY, default=console)
