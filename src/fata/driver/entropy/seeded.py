"""Octets that look random and come from a seed: the same ones in every run."""

from __future__ import annotations

from hashlib import sha256

from fata.errors import StateError

BLOCK = 32  # octets of a SHA-256 digest, FIPS 180-4


class SeededEntropy:
    """An Entropy for simulations, not for keys.

    The stream is SHA-256 in counter mode: block i is SHA-256(key || i), with i as 8 octets, big-endian,
    from 0 on, and key = SHA-256 of the seed's decimal digits. How it is cut into calls does not matter.
    It is the same on every machine and in every version.
    """

    def __init__(self, seed: int) -> None:
        self._key = sha256(str(seed).encode()).digest()
        self._counter = 0
        self._left = b""

    @property
    def secure(self) -> bool:
        return False

    def octets(self, count: int) -> bytes:
        if count < 0:
            raise StateError(f"cannot draw {count} octets")
        missing = count - len(self._left)
        stream = self._left + self._blocks(-(-missing // BLOCK))
        self._left = stream[count:]
        return stream[:count]

    def _blocks(self, count: int) -> bytes:
        first, self._counter = self._counter, self._counter + max(count, 0)
        keyed = self._key
        return b"".join(sha256(keyed + i.to_bytes(8)).digest() for i in range(first, self._counter))
