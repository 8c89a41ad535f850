"""Options of IPv4 packets (RFC 791 3.1; router alert: RFC 2113).

+---------------+---------------+------------------------------+
|C cls  number  |    length     |  data, length - 2 octets     |   C: copied into every fragment
+---------------+---------------+------------------------------+

End (0) and no-operation (1) have neither length nor data. Routes and timestamps begin their data with a pointer,
from 1 at the option's first octet, to where the next router writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from fata.errors import WireError

MAX_OPTIONS = 40  # octets
COPIED = 0x80

END = 0
NO_OPERATION = 1
RECORD_ROUTE = 7
TIMESTAMP = 68
LOOSE_SOURCE_ROUTE = 131
STRICT_SOURCE_ROUTE = 137
ROUTER_ALERT = 148

ROUTES = (RECORD_ROUTE, LOOSE_SOURCE_ROUTE, STRICT_SOURCE_ROUTE)
FIRST_ROUTE_POINTER = 4
FIRST_TIMESTAMP_POINTER = 5
STAMPS_ONLY = 0  # a timestamp's flag: entries of 4 octets; the others have an address before each stamp


class Route(NamedTuple):
    """A record route, or a source route: such packets are refused by whoever does not route (RFC 7126 4.3 to 4.5)."""

    kind: int  # one of ROUTES
    pointer: int
    addresses: tuple[bytes, ...]  # all slots, also those behind the pointer


class Timestamps(NamedTuple):
    """Milliseconds since midnight, universal time, from routers on the way."""

    pointer: int
    overflow: int  # routers that found no room
    flag: int
    entries: tuple[bytes, ...]  # slots of 4 octets, or of 8 with the address first


class RouterAlert(NamedTuple):
    """Asks every router on the way to look at the packet (RFC 2113)."""

    value: int


class Unknown(NamedTuple):
    """Any other option."""

    kind: int
    data: bytes


Option = Route | Timestamps | RouterAlert | Unknown


def ranges(options: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (kind, start, end) of each option, without no-operations. Raises `WireError` for a length that lies."""
    at = 0
    while at < len(options):
        kind = options[at]
        if kind == END:
            return
        if kind == NO_OPERATION:
            at += 1
            continue
        length = options[at + 1] if at + 1 < len(options) else 0
        if not 2 <= length <= len(options) - at:
            raise WireError(f"ipv4: option {kind} of {length} octets, where {len(options) - at} are left")
        yield kind, at, at + length
        at += length


def parse(options: bytes) -> tuple[Option, ...]:
    """Read what `Header.options` holds. Raises `WireError`."""
    return tuple(_parse_one(kind, options[start + 2 : end]) for kind, start, end in ranges(options))


def _parse_one(kind: int, data: bytes) -> Option:
    if kind in ROUTES:
        if not data or (len(data) - 1) % 4:
            raise WireError(f"ipv4: route option {kind} of {len(data) + 2} octets holds no whole number of addresses")
        _check_pointer(kind, data[0], FIRST_ROUTE_POINTER)
        return Route(kind, data[0], _slots(data[1:], 4))
    if kind == TIMESTAMP:
        if len(data) < 2:
            raise WireError(f"ipv4: timestamp option of {len(data) + 2} octets, at least 4 are needed")
        size = 4 if data[1] & 15 == STAMPS_ONLY else 8
        if (len(data) - 2) % size:
            raise WireError(f"ipv4: timestamp option of {len(data) + 2} octets holds no whole number of entries")
        _check_pointer(kind, data[0], FIRST_TIMESTAMP_POINTER)
        return Timestamps(data[0], data[1] >> 4, data[1] & 15, _slots(data[2:], size))
    if kind == ROUTER_ALERT:
        if len(data) != 2:
            raise WireError(f"ipv4: router alert of {len(data) + 2} octets, not 4")
        return RouterAlert(int.from_bytes(data, "big"))
    return Unknown(kind, data)


def _check_pointer(kind: int, pointer: int, first: int) -> None:
    if pointer < first:
        raise WireError(f"ipv4: pointer {pointer} of option {kind} is less than {first}")


def _slots(data: bytes, size: int) -> tuple[bytes, ...]:
    return tuple(data[at : at + size] for at in range(0, len(data), size))


def serialize(options: tuple[Option, ...]) -> bytes:
    """Return the octets for `Header.options`, padded to whole words. More than 40 are a mistake of the caller's."""
    return _padded(b"".join(map(_serialize_one, options)))


def _serialize_one(option: Option) -> bytes:
    match option:
        case Route(kind, pointer, addresses):
            data = bytes((pointer,)) + b"".join(addresses)
        case Timestamps(pointer, overflow, flag, entries):
            kind, data = TIMESTAMP, bytes((pointer, overflow << 4 | flag)) + b"".join(entries)
        case RouterAlert(value):
            kind, data = ROUTER_ALERT, value.to_bytes(2, "big")
        case Unknown(kind, data):
            pass
    return bytes((kind, len(data) + 2)) + data


def source_routed(options: bytes) -> bool:
    """Whether the sender says which way the packet has to go. Raises `WireError` for options that do not parse."""
    return any(kind in (LOOSE_SOURCE_ROUTE, STRICT_SOURCE_ROUTE) for kind, _start, _end in ranges(options))


def copied(options: bytes) -> bytes:
    """Return, padded, those options that belong into every fragment."""
    return _padded(b"".join(options[start:end] for kind, start, end in ranges(options) if kind & COPIED))


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)
