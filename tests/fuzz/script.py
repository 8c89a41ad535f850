"""How octets become what happens to a machine: time passes, somebody calls, something comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

STEPS = (0.0, 0.0, 0.0, 0.001, 0.5, 1.0, 2.0, 10.0, 60.0, 4000.0)  # seconds


class Record(NamedTuple):
    """One thing that happens. In octets: number of the step, verb, length (2 octets), data."""

    step: float  # seconds since the one before
    verb: int
    data: bytes


def written(*records: tuple[int, int, bytes]) -> bytes:
    """Write a script: (number of a step, verb, data) each."""
    return b"".join(bytes((step, verb)) + len(data).to_bytes(2, "big") + data for step, verb, data in records)


def read(octets: bytes) -> Iterator[Record]:
    """Read a script; any octets are one. What a length promises and the end takes away is left out."""
    at = 0
    while at + 4 <= len(octets):
        step, verb, length = octets[at], octets[at + 1], int.from_bytes(octets[at + 2 : at + 4], "big")
        yield Record(STEPS[step % len(STEPS)], verb, octets[at + 4 : at + 4 + length])
        at += 4 + length
