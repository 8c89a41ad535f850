"""Annotated tags: an object, what kind it is, a name, who tagged it (old tags do not say), and why.

"object " hex LF "type " kind LF "tag " name LF ["tagger " person LF] LF message
"""

from __future__ import annotations

import re
from typing import NamedTuple

from fata.disk.git.errors import Malformed

_TAG = re.compile(rb"object ([0-9a-f]{40}|[0-9a-f]{64})\ntype (blob|tree|commit|tag)\ntag ([^\n]*)\n(.*)", re.DOTALL)


class Tag(NamedTuple):
    """A tag's fields; `rest` is tagger, message and signature as they stand."""

    object: bytes
    kind: bytes
    name: bytes
    rest: bytes


def parse(octets: bytes) -> Tag:
    """Read a tag. Raises `Malformed`."""
    match = _TAG.fullmatch(octets)
    if match is None:
        raise Malformed(f"tag: {octets[:80]!r}")
    return Tag(bytes.fromhex(match[1].decode()), match[2], match[3], match[4])


def serialize(tag: Tag) -> bytes:
    """Write a tag."""
    return b"object %b\ntype %b\ntag %b\n%b" % (tag.object.hex().encode(), tag.kind, tag.name, tag.rest)
