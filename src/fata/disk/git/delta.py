"""Deltas: how a pack writes an object as changes of another.

    size of the base, size of the result (7 bits an octet, low ones first), then instructions:

    1sss oooo  offset octets  size octets     copy from the base: the bits say which octets of both follow
    0nnn nnnn  n octets                       insert what follows

A size of 0 is 0x10000. gitformat-pack(5), "Deltified representation".
"""

from __future__ import annotations

from fata.disk.git.errors import Malformed

ZERO_SIZE = 0x10000
STARTS = ((0x01, 0), (0x02, 8), (0x04, 16), (0x08, 24))  # the bits of a copy that say which octets follow
COUNTS = ((0x10, 0), (0x20, 8), (0x40, 16))


def apply_delta(base: bytes, delta: bytes, limit: int) -> bytes:
    """Return the object. Raises `Malformed`; a result over `limit` octets is refused before it is made."""
    at, base_size = read_size(delta, 0)
    at, size = read_size(delta, at)
    if base_size != len(base):
        raise Malformed(f"delta: for a base of {base_size} octets, this one has {len(base)}")
    if size > limit:
        raise Malformed(f"delta: makes {size} octets, the limit is {limit}")
    pieces: list[bytes] = []
    made, end = 0, len(delta)
    while at < end:
        code = delta[at]
        at += 1
        if code & 0x80:
            at, start, count = _copy(delta, at, code)
            if start + count > base_size:
                raise Malformed(f"delta: copies octets {start} to {start + count} of a base of {base_size}")
            pieces.append(base[start : start + count])
        elif code and at + code <= end:
            count = code
            pieces.append(delta[at : at + count])
            at += count
        else:
            raise Malformed(f"delta: instruction {code:#04x} at octet {at - 1} of {end}")
        made += count
        if made > size:
            break
    if made != size:
        raise Malformed(f"delta: makes {made} octets or more, it says {size}")
    return b"".join(pieces)


def read_size(delta: bytes, at: int) -> tuple[int, int]:
    """Return where a size ends, and the size. Raises `Malformed`."""
    size = shift = 0
    while at < len(delta) and shift < 64:
        octet = delta[at]
        at += 1
        size |= (octet & 0x7F) << shift
        if octet < 0x80:
            return at, size
        shift += 7
    raise Malformed("delta: a size does not end")


def _copy(delta: bytes, at: int, code: int) -> tuple[int, int, int]:
    """Return where a copy instruction ends, from where it copies, and how much."""
    start = count = 0
    try:
        for bit, shift in STARTS:
            if code & bit:
                start |= delta[at] << shift
                at += 1
        for bit, shift in COUNTS:
            if code & bit:
                count |= delta[at] << shift
                at += 1
    except IndexError:
        raise Malformed("delta: a copy is cut short") from None
    return at, start, count or ZERO_SIZE
