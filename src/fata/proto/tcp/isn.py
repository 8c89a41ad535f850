"""Numbers that nobody outside may guess: initial sequence numbers (RFC 6528), timestamp offsets, port offsets."""

from __future__ import annotations

from hashlib import blake2s

TICKS = 250_000  # a second: RFC 9293 3.4.1's clock of 4 µs
SECRET_LENGTH = 32  # octets


def keyed(secret: bytes, purpose: bytes, data: bytes) -> int:
    """A number of 64 bits that depends on all three; `purpose` keeps uses of one secret apart (8 octets at most)."""
    return int.from_bytes(blake2s(data, key=secret, person=purpose, digest_size=8).digest(), "big")


def initial_numbers(secret: bytes, key: bytes, now: float) -> tuple[int, int]:
    """ISN and timestamp offset of a connection. ISN = M + F(addresses, ports, secret), RFC 6528 3."""
    number = keyed(secret, b"isn", key)
    return (int(now * TICKS) + number) & 0xFFFFFFFF, number >> 32


def stamp_offset(secret: bytes, key: bytes) -> int:
    """Where the clock of a connection's timestamps begins (RFC 7323 5.4, 7.1)."""
    return keyed(secret, b"isn", key) >> 32
