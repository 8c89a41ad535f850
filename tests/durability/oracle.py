"""What the journal has promised, and whether the disk kept it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.durability.journal import content, plan
from tests.durability.log_writes import Entry
from tests.durability.replay import Disk


def expected(rounds: int, sectors: int, size: int) -> bytes:
    """Return what the disk holds when so many rounds have been written."""
    disk = bytearray(sectors * size)
    for round_ in range(1, rounds + 1):
        for start, length in plan(round_, sectors):
            for sector in range(start, start + length):
                disk[sector * size : (sector + 1) * size] = content(round_, sector, size)
    return bytes(disk)


def round_of(octets: bytes | bytearray) -> int:
    """Return which round wrote a sector; 0 for one that was never written."""
    return int.from_bytes(octets[:8]) >> 32


def missing(entries: Sequence[Entry], sectors: int, size: int, told: int) -> list[str]:
    """Say what a power cut would have lost of what the journal called flushed; `told` is the last round of those.

    A round is begun only when the one before is flushed. So wherever the log has a write of a round, all earlier
    rounds must be durable, and at its end those that were told.
    """
    disk = Disk(bytes(sectors * size), size)
    lost: list[str] = []
    for number, entry in enumerate(entries):
        if entry.data:
            before = min(round_of(entry.data[at : at + size]) for at in range(0, len(entry.data), size)) - 1
            lost += (f"entry {number}: {each}" for each in _behind(disk.durable, before, sectors, size))
        disk.take(entry)
    return [*lost, *(f"at the end: {each}" for each in _behind(disk.durable, told, sectors, size))]


def _behind(durable: bytes | bytearray, rounds: int, sectors: int, size: int) -> Iterator[str]:
    promised = expected(rounds, sectors, size)
    for sector in range(sectors):
        place = slice(sector * size, (sector + 1) * size)
        found, round_ = durable[place], round_of(durable[place])
        if found != promised[place] and (round_ <= rounds or found != content(round_, sector, size)):
            yield f"sector {sector} is of round {round_}, and {round_of(promised[place])} was flushed"
