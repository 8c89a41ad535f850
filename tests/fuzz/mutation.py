"""Damages octets the way networks and attackers do; all chance comes from the `Random` that is passed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Literal

LENGTHS_THAT_LIE = (0, 1, 2, 7, 8, 15, 16, 63, 64, 127, 128, 0xC0, 254, 255)
ROUNDS = (1, 1, 1, 2, 2, 4, 8)  # how many damages one input gets
MOST = 4096  # octets of an input: longer ones find nothing that these do not


def damaged(random: Random, octets: bytes, corpus: Sequence[bytes]) -> bytes:
    """Return `octets` with one damage or several; `corpus` lends pieces."""
    for _ in range(random.choice(ROUNDS)):
        octets = random.choice(DAMAGES)(random, octets, corpus)
    return octets[:MOST]


def flip_bit(random: Random, octets: bytes, _corpus: Sequence[bytes]) -> bytes:
    """Flip one bit."""
    if not octets:
        return octets
    at = random.randrange(len(octets))
    flipped = octets[at] ^ (1 << random.randrange(8))
    return octets[:at] + bytes((flipped,)) + octets[at + 1 :]


def replace_octet(random: Random, octets: bytes, _corpus: Sequence[bytes]) -> bytes:
    """Put any octet in another's place."""
    if not octets:
        return octets
    at = random.randrange(len(octets))
    return octets[:at] + random.randbytes(1) + octets[at + 1 :]


def lie_about_length(random: Random, octets: bytes, _corpus: Sequence[bytes]) -> bytes:
    """Write a number that lengths, counts and pointers break at, in one, two or four octets."""
    if not octets:
        return octets
    width = random.choice((1, 1, 2, 4))
    at = random.randrange(len(octets))
    most: int = 256**width - 1
    value = random.choice((*LENGTHS_THAT_LIE, len(octets), len(octets) - at, at, most)) & most
    order: Literal["big", "little"] = "big" if random.random() < 0.8 else "little"
    return octets[:at] + value.to_bytes(width, order) + octets[at + width :]


def truncate(random: Random, octets: bytes, _corpus: Sequence[bytes]) -> bytes:
    """Cut the end off."""
    return octets[: random.randint(0, len(octets))]


def remove(random: Random, octets: bytes, _corpus: Sequence[bytes]) -> bytes:
    """Cut something out."""
    at = random.randint(0, len(octets))
    return octets[:at] + octets[at + random.randint(1, 8) :]


def insert(random: Random, octets: bytes, _corpus: Sequence[bytes]) -> bytes:
    """Put any octets in between."""
    at = random.randint(0, len(octets))
    return octets[:at] + random.randbytes(random.randint(1, 8)) + octets[at:]


def repeat(random: Random, octets: bytes, _corpus: Sequence[bytes]) -> bytes:
    """Say something twice, or many times."""
    at = random.randint(0, len(octets))
    piece = octets[at : at + random.randint(1, 16)]
    return octets[:at] + piece * random.choice((2, 2, 3, 40)) + octets[at:]


def splice(random: Random, octets: bytes, corpus: Sequence[bytes]) -> bytes:
    """Go on with the end of another input."""
    other = random.choice(corpus)
    return octets[: random.randint(0, len(octets))] + other[random.randint(0, len(other)) :]


DAMAGES: tuple[Callable[[Random, bytes, Sequence[bytes]], bytes], ...] = (
    flip_bit,
    flip_bit,
    replace_octet,
    lie_about_length,
    lie_about_length,
    truncate,
    remove,
    insert,
    repeat,
    splice,
)


def minimised(octets: bytes, still_fails: Callable[[bytes], bool]) -> bytes:
    """Return a shorter, plainer input that fails as well: remove pieces, then write zeros, as long as it helps."""
    size = len(octets)
    while size:
        at = 0
        while at < len(octets):
            shorter = octets[:at] + octets[at + size :]
            if still_fails(shorter):
                octets = shorter
            else:
                at += size
        size //= 2
    for at, octet in enumerate(octets):
        plainer = octets[:at] + b"\0" + octets[at + 1 :]
        if octet and still_fails(plainer):
            octets = plainer
    return octets
