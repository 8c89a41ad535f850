"""References: names for objects.

A loose one is a file with an id in hexadecimal, or "ref: " and the name of another, and a line end. The others share
the file packed-refs, a line each, sorted by name; "^" and an id below a tag is the object that the tag leads to:

    # pack-refs with: peeled fully-peeled sorted
    hex " " name LF
    "^" hex LF

gitrepository-layout(5), git-pack-refs(1).
"""

from __future__ import annotations

import re
from binascii import unhexlify

from fata.disk.git.errors import Malformed

SYMBOLIC = b"ref: "
_LINE = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) ([^\n]+)\n(?:\^([0-9a-f]{40,64})\n)?")
_COMMENT = re.compile(rb"#[^\n]*\n")
_ID = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64})(?:\s|\Z)")
ORDINARY = 41  # octets of a file with a SHA-1
HEADER = b"# pack-refs with: peeled fully-peeled sorted \n"


def parse_reference(octets: bytes) -> bytes | str:
    """Return the id that a loose reference's file holds, or the name of the reference that it stands for."""
    if octets.startswith(SYMBOLIC):
        return octets[len(SYMBOLIC) :].strip().decode("utf-8", "surrogateescape")
    if len(octets) == ORDINARY and octets.endswith(b"\n"):
        try:
            return unhexlify(octets[:-1])
        except ValueError:
            pass
    match = _ID.match(octets)
    if match is None:
        raise Malformed(f"reference: {octets[:80]!r}")
    return bytes.fromhex(match[1].decode())


def serialize_reference(target: bytes | str) -> bytes:
    """Write a loose reference's file."""
    if isinstance(target, str):
        return SYMBOLIC + target.encode("utf-8", "surrogateescape") + b"\n"
    return target.hex().encode() + b"\n"


def parse_packed(octets: bytes) -> dict[str, tuple[bytes, bytes | None]]:
    """Return what packed-refs holds: name -> id, and what a tag leads to. Raises `Malformed`."""
    found: dict[str, tuple[bytes, bytes | None]] = {}
    at = 0
    while at < len(octets):
        comment = _COMMENT.match(octets, at)
        if comment:
            at = comment.end()
            continue
        line = _LINE.match(octets, at)
        if line is None:
            raise Malformed(f"packed-refs: {octets[at : at + 80]!r}")
        peeled = bytes.fromhex(line[3].decode()) if line[3] else None
        found[line[2].decode("utf-8", "surrogateescape")] = bytes.fromhex(line[1].decode()), peeled
        at = line.end()
    return found


def serialize_packed(references: dict[str, tuple[bytes, bytes | None]]) -> bytes:
    """Write packed-refs."""
    lines = [HEADER]
    for name, (oid, peeled) in sorted(references.items(), key=lambda each: each[0].encode("utf-8", "surrogateescape")):
        lines.append(b"%b %b\n" % (oid.hex().encode(), name.encode("utf-8", "surrogateescape")))
        if peeled:
            lines.append(b"^%b\n" % peeled.hex().encode())
    return b"".join(lines)
