"""From a request's path to a store's key, and back."""

from __future__ import annotations

import re

ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})?")
UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")  # RFC 3986, 2.3


def percent_decoded(path: bytes) -> bytes:
    """Replace escapes by their octets (RFC 3986, 2.1). A "%" that begins none stands for itself."""
    return ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode("ascii")) if found[1] else b"%", path)


def percent_encoded(key: str) -> bytes:
    """Return a key as it may stand in a path: whatever is not unreserved becomes escapes."""
    return b"".join(b"%c" % octet if octet in UNRESERVED else b"%%%02X" % octet for octet in key.encode("utf-8"))


def key_of(path: bytes) -> tuple[str, bool] | None:
    """Return the key that a path names, and whether it asks for a dictionary (it ends in "/").

    Segments are decoded one by one, so that an escaped "/" never separates any; then "." and empty ones
    are dropped and ".." takes the one before it away (RFC 3986, 5.2.4). None, for there can be no such
    key, when a path climbs above the root, when a segment holds "/" or NUL, or is not UTF-8.
    """
    if b"%" not in path and b"//" not in path and b"/." not in path:
        return path.strip(b"/").decode("ascii"), path.endswith(b"/")
    segments: list[str] = []
    last = b""
    for raw in path.split(b"/"):
        last = percent_decoded(raw)
        if last in (b"", b"."):
            continue
        if last == b"..":
            if not segments:
                return None
            segments.pop()
            continue
        try:
            segments.append(last.decode("utf-8"))
        except UnicodeDecodeError:
            return None
        if b"/" in last or b"\0" in last:
            return None
    return "/".join(segments), last in (b"", b".", b"..")
