"""entropy: random octets from the machine."""

from __future__ import annotations

from fata.config.impl import Entry, Impl, device
from fata.config.offer import Offer
from fata.device.entropy import Entropy

ENTRY = Entry(
    "entropy",
    Entropy,
    {"unix": "fata.driver.entropy.os:OsEntropy", "virtio": "fata.runtime.machine_entropy:open_entropy"},
    "Octets that nobody can predict.",
)


def entropy() -> Impl[Entropy]:
    """Return the machine's source of random octets."""
    made: Impl[Entropy] = device(ENTRY)
    return made


OFFER = Offer(entropy, ENTRY, default=entropy)
