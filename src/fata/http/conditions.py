"""Conditional requests (RFC 9110, 13): whether to send, and whether a part will do."""

from __future__ import annotations

import re

from fata.http.dates import parse_http_date

ENTITY_TAG = re.compile(rb'(W/)?("[!\x23-\x7e\x80-\xff]*")')


def precondition(fields: dict[bytes, bytes], etag: bytes, modified: float | None) -> int:
    """Return 200 to go on, 304 or 412, for a GET or HEAD of something with this strong entity tag (13.2.2)."""
    if b"if-match" in fields:
        if not _matches(fields[b"if-match"], etag, weakly=False):
            return 412
    elif b"if-unmodified-since" in fields and _modified_since(fields[b"if-unmodified-since"], modified) is True:
        return 412
    if b"if-none-match" in fields:
        if _matches(fields[b"if-none-match"], etag, weakly=True):
            return 304
    elif b"if-modified-since" in fields and _modified_since(fields[b"if-modified-since"], modified) is False:
        return 304
    return 200


def part_will_do(fields: dict[bytes, bytes], etag: bytes, modified: float | None) -> bool:
    """Say whether Range holds, given If-Range (13.1.5): only if the client's part is of the very same content."""
    value = fields.get(b"if-range")
    if value is None:
        return True
    if value.startswith(b'"'):
        return value == etag
    since = parse_http_date(value)
    return since is not None and modified is not None and since == int(modified)


def _matches(value: bytes, etag: bytes, *, weakly: bool) -> bool:
    if value.strip() == b"*":
        return True
    return any(tag == etag and (weakly or not weak) for weak, tag in ENTITY_TAG.findall(value))


def _modified_since(value: bytes, modified: float | None) -> bool | None:
    since = parse_http_date(value)
    if since is None or modified is None:
        return None
    return int(modified) > since
