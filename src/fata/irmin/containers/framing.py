"""Octets within octets: a line of decimal fields, the last of which is the length of the octets that follow.

Readable in git's own tools, and any octets fit in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

LINE = re.compile(rb"((?:[0-9a-z]+ )*)(0|[1-9][0-9]*)\n")


def frame(fields: tuple[str, ...], body: bytes) -> bytes:
    """Return one entry: its fields (digits and lower-case letters), and its octets."""
    return " ".join((*fields, f"{len(body)}\n")).encode() + body + b"\n"


def frames(octets: bytes, count: int) -> Iterator[tuple[tuple[str, ...], bytes]]:
    """Yield the entries of which `octets` are made, each with `count` fields. Raises ValueError."""
    at = 0
    while at < len(octets):
        line = LINE.match(octets, at)
        if line is None:
            raise ValueError(f"offset {at}: no line of fields")
        fields = tuple(line[1].decode().split())
        start = line.end()
        end = start + int(line[2])
        if len(fields) != count or octets[end : end + 1] != b"\n":
            raise ValueError(f"offset {at}: {len(fields)} fields, {line[2].decode()} octets")
        yield fields, octets[start:end]
        at = end + 1


def number(field: str) -> int:
    """Return a field as a number, 0 or more, in the only spelling that it has. Raises ValueError."""
    value = int(field)
    if str(value) != field:
        raise ValueError(f"{field!r} is no canonical number")
    return value
