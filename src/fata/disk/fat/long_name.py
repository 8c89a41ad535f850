"""Long names: 13 UTF-16 units in each of up to 20 entries before the short one, the last part first.

 0 number, 0x40 on the last part   1 units[5]   11 0x0F   12 0   13 checksum of the short name
14 units[6]   26 0 u16   28 units[2]          after the name: one 0x0000, then 0xFFFF
"""

from __future__ import annotations

from functools import lru_cache

from fata.disk.fat.entry import LONG_NAME, SIZE

UNITS = 13  # in a part
MAX_UNITS = 255  # in a name
MAX_PARTS = 20
LAST = 0x40
_FORBIDDEN = frozenset('"*/:<>?\\|' + "".join(map(chr, range(32))))


def checksum(short: bytes) -> int:
    """Return the octet that ties the parts to their short name."""
    total = 0
    for octet in short:
        total = ((total >> 1 | total << 7) + octet) & 0xFF
    return total


def fault(name: str) -> str | None:
    """Say why a name cannot be given; None if it can."""
    if name in ("", ".", ".."):
        return "is no name"
    if not _FORBIDDEN.isdisjoint(name):
        return f"FAT allows no {next(sign for sign in name if sign in _FORBIDDEN)!r} in a name"
    if name[-1] in " .":
        return "a name cannot end with a space or a dot on FAT"
    if len(name) > MAX_UNITS or len(name.encode("utf-16-le", "surrogatepass")) > MAX_UNITS * 2:
        return f"a name has at most {MAX_UNITS} UTF-16 units on FAT"
    return None


def fold(name: str) -> str:
    """Return what two names that differ only in case have in common."""
    if name.isascii():
        return name.upper()
    return "".join(upper if len(upper := sign.upper()) == 1 else sign for sign in name)


def parts(name: str, short: bytes) -> bytes:
    """Return the entries of a long name, in the order in which they lie before the short one."""
    units = name.encode("utf-16-le")
    count = -(-len(units) // (UNITS * 2))
    if len(units) < count * UNITS * 2:
        units = (units + b"\0\0").ljust(count * UNITS * 2, b"\xff")
    tie = checksum(short)
    entries = []
    for number in range(count, 0, -1):
        piece = units[(number - 1) * UNITS * 2 : number * UNITS * 2]
        order = number | LAST if number == count else number
        entries.append(b"%c%b\x0f\0%c%b\0\0%b" % (order, piece[:10], tie, piece[10:22], piece[22:]))
    return b"".join(entries)


def units_of(part: bytes) -> bytes:
    """Return the 26 octets of name in a part."""
    return part[1:11] + part[14:26] + part[28:32]


def join(found: bytes) -> str | None:
    """Read a name from its parts, which lie as on the disk; None if they are no name.

    Numbers, checksum and padding must be right; what must not be in a name makes it none.
    """
    count = len(found) // SIZE
    units = b"".join(units_of(found[at : at + SIZE]) for at in range((count - 1) * SIZE, -1, -SIZE))
    name = _text(units)
    if name is None or name in ("", ".", "..") or not _FORBIDDEN.isdisjoint(name) or len(units) > MAX_PARTS * 26:
        return None
    return name


@lru_cache(1)
def _padding() -> bytes:
    return b"\xff" * (UNITS * 2)


def _text(units: bytes) -> str | None:
    end = len(units)
    tail = units[-UNITS * 2 :]
    for at in range(0, len(tail), 2):
        if tail[at : at + 2] == b"\0\0":
            if tail[at + 2 :] != _padding()[at + 2 :]:
                return None
            end += at - len(tail)
            break
    text = units[:end].decode("utf-16-le", "replace")
    return text if "\0" not in text and len(units[:end]) <= MAX_UNITS * 2 else None


def belongs(part: bytes | bytearray, number: int, tie: int) -> bool:
    """Say whether 32 octets are part `number` of a name with this checksum."""
    return part[0] & ~LAST == number and part[11] == LONG_NAME and part[13] == tie
