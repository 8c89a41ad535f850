"""Estimates how wide text will be drawn. No font is at hand, so it rather says too much."""

from __future__ import annotations

import unicodedata

# Widths in ems in DejaVu Sans, the widest of the usual sans-serif fonts, rounded up.
GROUPS = {"ijl.,:;|!' /\\": 0.34, 'frt-()[]{}"`*': 0.42, "mMW@%": 1.0, "_": 0.5, "w": 0.82}
SPECIAL = {char: ems for chars, ems in GROUPS.items() for char in chars}
CAPITAL = 0.76
SMALL = 0.63  # and digits
FULL = 1.1  # East Asian wide, emoji and whatever else a fallback font draws
BOLD = 1.12


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of `text` in a sans-serif font of `size`, in the same unit."""
    return sum(map(_ems, text)) * size * (BOLD if bold else 1.0)


def _ems(char: str) -> float:
    if char in SPECIAL:
        return SPECIAL[char]
    if char.isascii():
        return CAPITAL if char.isupper() else SMALL
    if unicodedata.combining(char):
        return 0.0
    return FULL


def shortened(text: str, most: int) -> str:
    """Return `text` with its middle left out if it is longer than `most` characters."""
    if len(text) <= most:
        return text
    tail = most * 2 // 3  # the end of a dotted name or a path says more than its start
    return f"{text[: most - tail - 1]}…{text[-tail:]}"
