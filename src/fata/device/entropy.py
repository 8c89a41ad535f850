"""Entropy: octets that nobody can predict."""

from __future__ import annotations

from fata.device.protocol import Protocol


class Entropy(Protocol):
    """A source of random octets. `secure` drivers are fit for keys; a seeded one is for simulations only."""

    @property
    def secure(self) -> bool:
        """Whether the octets are unpredictable. Key generation must refuse a source that says False."""
        ...

    def octets(self, count: int) -> bytes:
        """Return `count` random octets; never fewer. Raises `DeviceError` if the source fails."""
        ...
