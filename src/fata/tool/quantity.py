"""Sizes as people write them."""

from __future__ import annotations

from fata.errors import ConfigError

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def octets(text: str) -> int:
    """Read a size: 1474560, 1440K, 64M. Raises ConfigError."""
    number, unit = (text[:-1], text[-1].upper()) if text[-1:].isalpha() else (text, "")
    if unit not in UNITS or not number.isascii() or not number.isdigit() or not int(number):
        raise ConfigError(f"{text!r} is no size", remedy="Write it as 64M, 1440K or in octets.")
    return int(number) * UNITS[unit]
