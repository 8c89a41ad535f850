"""Names that no other replica gives: what tells two entries with equal values apart."""

from __future__ import annotations

import secrets
from collections.abc import Callable

Tags = Callable[[], str]  # a fresh name of digits and lower-case letters


def random_tag() -> str:
    """Return 96 random bits in hexadecimal."""
    return secrets.token_hex(12)
