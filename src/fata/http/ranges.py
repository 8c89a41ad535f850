"""Range requests (RFC 9110, 14): one range of octets, or the whole."""

from __future__ import annotations

import re

# Several ranges at once are legal to ignore (14.2), and an amplifier when they are not: "bytes=0-,0-,0-…".
SINGLE = re.compile(rb"bytes[ \t]*=[ \t]*(?P<first>[0-9]*)-(?P<last>[0-9]*)", re.IGNORECASE)
MAX_DIGITS = 18  # more make a number beyond every file


def select(value: bytes, size: int) -> range | None:
    """Return the octets that a Range field asks of a value of `size`, cut at its end.

    None when the field is to be ignored: another unit, several ranges, or no range at all. An empty range
    when it cannot be satisfied (416).
    """
    match = SINGLE.fullmatch(value)
    if match is None or not (match["first"] or match["last"]):
        return None
    if not match["first"]:  # the last so many
        return range(max(0, size - _number(match["last"])), size)
    first = _number(match["first"])
    last = _number(match["last"]) if match["last"] else size - 1
    if match["last"] and last < first:
        return None
    return range(first, min(last + 1, size))


def _number(digits: bytes) -> int:
    digits = digits.lstrip(b"0")
    return int(digits or b"0") if len(digits) <= MAX_DIGITS else 10**MAX_DIGITS
