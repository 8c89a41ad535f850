"""Objects: a kind, a body, and an id that is the hash of both.

    +------+-----+---------------+-----+------ - -
    | kind | " " | length, ASCII | NUL | body
    +------+-----+---------------+-----+------ - -

The id is the hash of all of it: SHA-1 in what git calls a repository of format "sha1". A *loose* object is a
file with the same octets, compressed by zlib (RFC 1950). gitformat-loose-object(5), "Git Internals", chapter 10.2.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from hashlib import sha1
from typing import Protocol

from fata.disk.git.errors import Malformed

BLOB = b"blob"
TREE = b"tree"
COMMIT = b"commit"
TAG = b"tag"
KINDS = (BLOB, TREE, COMMIT, TAG)
LONGEST_HEADER = 32  # octets of a loose object within which kind and length must end; git's own limit

Object = tuple[bytes, bytes]  # (kind, body): a bare tuple, since stores hold millions


class Digest(Protocol):
    """What `hashlib`'s constructors return."""

    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


Hash = Callable[[bytes], Digest]  # such as hashlib.sha1

LARGE = 1 << 16  # octets from which hashing in two steps is cheaper than joining header and body


def object_id(kind: bytes, body: bytes, new: Hash = sha1) -> bytes:
    """Return the id: 20 octets with SHA-1."""
    if len(body) < LARGE:
        return new(b"%b %d\0%b" % (kind, len(body), body)).digest()
    digest = new(b"%b %d\0" % (kind, len(body)))
    digest.update(body)
    return digest.digest()


def serialize_loose(kind: bytes, body: bytes, level: int = 1) -> bytes:
    """Return the octets of a loose object's file. `level` is zlib's, 0 (stored) to 9."""
    return zlib.compress(b"%b %d\0%b" % (kind, len(body), body), level)


def parse_loose(octets: bytes, limit: int = 1 << 31) -> Object:
    """Read a loose object's file. Raises `Malformed`, also for a body over `limit` octets, before it is made."""
    inflater = zlib.decompressobj()
    try:
        start = inflater.decompress(octets, LONGEST_HEADER)
        kind, size, body = _header(start, limit)
        body += inflater.decompress(inflater.unconsumed_tail, size - len(body) + 1) if size > len(body) else b""
        if inflater.unconsumed_tail and not inflater.eof:
            body += inflater.decompress(inflater.unconsumed_tail, 1)  # the checksum, or one octet too many
    except zlib.error as error:
        raise Malformed(f"loose object: {error}") from None
    if len(body) != size or not inflater.eof or inflater.unused_data:
        raise Malformed(f"loose object: {len(body)} octets of body, its header says {size}; or rubbish behind it")
    return kind, body


def _header(start: bytes, limit: int) -> tuple[bytes, int, bytes]:
    head, nul, body = start.partition(b"\0")
    kind, _, digits = head.partition(b" ")
    if not nul or kind not in KINDS or not digits.isdigit() or (digits[:1] == b"0" and digits != b"0"):
        raise Malformed(f"loose object: header {head!r}")
    size = int(digits)
    if size > limit:
        raise Malformed(f"loose object: {size} octets, the limit is {limit}")
    return kind, size, body
