"""generic_stack: TCP and UDP as the target has them."""

from __future__ import annotations

from fata.config.impl import Entry, Impl, device
from fata.config.offer import Offer
from fata.device.stack import Stack

ENTRY = Entry(
    "stack",
    Stack,
    {"unix": "fata.driver.stack.host:HostStack"},
    "TCP, UDP and names; on unix the host's sockets.",
)


def generic_stack(*, name: str | None = None) -> Impl[Stack]:
    """Return the target's network: on unix the host's own sockets."""
    made: Impl[Stack] = device(ENTRY, name=name)
    return made


OFFER = Offer(generic_stack, ENTRY, default=generic_stack)
