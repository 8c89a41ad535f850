"""Sequence numbers: 32 bits on the wire, unbounded integers inside.

Inside a connection a sequence number is a plain integer that never wraps: it starts at the initial sequence number
and grows. Only the way in (`unwrap`) and the way out (`& MASK`) know of 2^32. So all comparisons are `<`
(RFC 9293 3.4 compares modulo 2^32), and a wrap-around cannot be forgotten anywhere.
"""

from __future__ import annotations

MODULUS = 1 << 32
MASK = MODULUS - 1
HALF = 1 << 31  # two numbers further apart than this cannot be ordered, RFC 9293 3.4


def unwrap(number: int, near: int) -> int:
    """Return the unbounded number that is `number` modulo 2^32 and lies closest to `near`."""
    return near + ((number - near + HALF) & MASK) - HALF


def is_newer(number: int, reference: int) -> bool:
    """Whether 32-bit `number` comes after 32-bit `reference` (timestamps are compared so, RFC 7323 5.2)."""
    return 0 < (number - reference) & MASK < HALF
