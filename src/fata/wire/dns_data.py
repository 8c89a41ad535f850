"""The data of DNS records, by type: addresses, names, numbers and names; any other type's as octets."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import NamedTuple, cast

from fata.errors import WireError
from fata.wire.dns_name import Name, parse_name, serialize_name

A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, OPT = 1, 2, 5, 6, 12, 15, 16, 28, 33, 41
NUMBERS = Struct("!IIIII")
SERVICE = Struct("!HHH")
OPTION = Struct("!HH")


class Soa(NamedTuple):
    """Start of a zone of authority (RFC 1035 3.3.13); seconds. RFC 2308: `minimum` bounds how long a "no" is kept."""

    primary: Name
    mailbox: Name
    serial: int
    refresh: int
    retry: int
    expire: int
    minimum: int


class Mx(NamedTuple):
    """A mail exchange."""

    preference: int
    exchange: Name


class Srv(NamedTuple):
    """Where a service is (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: Name


class Option(NamedTuple):
    """One of EDNS's options."""

    code: int
    data: bytes


class Texts(NamedTuple):
    """TXT: strings of up to 255 octets each."""

    strings: tuple[bytes, ...]


# A, AAAA and unknown types: octets. NS, CNAME, PTR: a name. OPT: options.
Data = bytes | Name | Soa | Mx | Srv | Texts | tuple[Option, ...]


def parse_data(kind: int, message: bytes, start: int, end: int) -> Data:
    """Read the data of a record of type `kind` in `message[start:end]`. Raises `WireError`."""
    reader = READERS.get(kind)
    return reader(message, start, end) if reader else message[start:end]


def _address(length: int) -> Callable[[bytes, int, int], Data]:
    def read(message: bytes, start: int, end: int) -> Data:
        if end - start != length:
            raise WireError(f"dns: an address of {end - start} octets, not {length}")
        return message[start:end]

    return read


def _name(message: bytes, start: int, end: int) -> Name:
    name, behind = parse_name(message, start, end)
    if behind != end:
        raise WireError(f"dns: {end - behind} octets behind the name in a record's data")
    return name


def _soa(message: bytes, start: int, end: int) -> Soa:
    primary, at = parse_name(message, start, end)
    mailbox, at = parse_name(message, at, end)
    if end - at != NUMBERS.size:
        raise WireError(f"dns: {end - at} octets of numbers in SOA, not {NUMBERS.size}")
    return Soa(primary, mailbox, *NUMBERS.unpack_from(message, at))


def _mx(message: bytes, start: int, end: int) -> Mx:
    if end - start < 3:
        raise WireError(f"dns: MX of {end - start} octets, at least 3 are needed")
    return Mx(int.from_bytes(message[start : start + 2], "big"), _name(message, start + 2, end))


def _srv(message: bytes, start: int, end: int) -> Srv:
    if end - start < SERVICE.size + 1:
        raise WireError(f"dns: SRV of {end - start} octets, at least {SERVICE.size + 1} are needed")
    priority, weight, port = SERVICE.unpack_from(message, start)
    return Srv(priority, weight, port, _name(message, start + SERVICE.size, end))


def _texts(message: bytes, start: int, end: int) -> Texts:
    strings = []
    while start < end:
        length = message[start]
        if start + 1 + length > end:
            raise WireError(f"dns: a string of {length} octets, where {end - start - 1} are left")
        strings.append(message[start + 1 : start + 1 + length])
        start += 1 + length
    return Texts(tuple(strings))


def _options(message: bytes, start: int, end: int) -> tuple[Option, ...]:
    options = []
    while start < end:
        if end - start < OPTION.size:
            raise WireError(f"dns: {end - start} octets are no EDNS option")
        code, length = OPTION.unpack_from(message, start)
        start += OPTION.size
        if length > end - start:
            raise WireError(f"dns: EDNS option {code} of {length} octets, where {end - start} are left")
        options.append(Option(code, message[start : start + length]))
        start += length
    return tuple(options)


READERS: dict[int, Callable[[bytes, int, int], Data]] = {
    A: _address(4),
    AAAA: _address(16),
    NS: _name,
    CNAME: _name,
    PTR: _name,
    SOA: _soa,
    MX: _mx,
    TXT: _texts,
    SRV: _srv,
    OPT: _options,
}


def serialize_data(kind: int, data: Data, at: int, known: dict[Name, int]) -> bytes:
    """Return the octets of a record's data, which will stand at `at` in the message; see `serialize_name`."""
    match data:
        case bytes():
            return data
        case Soa(primary, mailbox):
            octets = serialize_name(primary, at, known)
            return octets + serialize_name(mailbox, at + len(octets), known) + NUMBERS.pack(*data[2:])
        case Mx(preference, exchange):
            return preference.to_bytes(2, "big") + serialize_name(exchange, at + 2, known)
        case Srv(priority, weight, port, target):  # RFC 2782: never compressed
            return SERVICE.pack(priority, weight, port) + serialize_name(target)
        case Texts(strings):
            return b"".join(bytes((len(string),)) + string for string in strings)
    if kind == OPT:
        options = cast(tuple[Option, ...], data)
        return b"".join(OPTION.pack(option.code, len(option.data)) + option.data for option in options)
    return serialize_name(cast(Name, data), at, known)
