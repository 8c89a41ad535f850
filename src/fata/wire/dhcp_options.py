"""DHCP's options as values (RFC 2132; domain search: RFC 3397; classless routes: RFC 3442)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from fata.errors import WireError
from fata.wire.dns_name import Name, parse_name, serialize_name

# Values of MESSAGE_TYPE.
DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)

# Codes, as a client lists them in its wishes.
SUBNET_MASK, ROUTERS, DNS_SERVERS, HOST_NAME, DOMAIN_NAME, MTU, BROADCAST_ADDRESS = 1, 3, 6, 12, 15, 26, 28
NTP_SERVERS, REQUESTED_ADDRESS, LEASE_TIME, MESSAGE_TYPE, SERVER_IDENTIFIER, PARAMETER_REQUESTS = 42, 50, 51, 53, 54, 55
TEXT, MAX_MESSAGE_SIZE, RENEWAL_TIME, REBINDING_TIME, VENDOR_CLASS, CLIENT_IDENTIFIER = 56, 57, 58, 59, 60, 61
DOMAIN_SEARCH, CLASSLESS_ROUTES = 119, 121

INFINITE = 0xFFFFFFFF  # seconds: a lease without end, RFC 2131 3.3
MIN_MTU = 68  # octets, RFC 2132 5.1
MIN_MESSAGE_SIZE = 576  # octets, RFC 2132 9.10


class Route(NamedTuple):
    """A network and how to get there; the gateway 0.0.0.0 means: it is on this link."""

    network: bytes
    prefix: int  # bits
    gateway: bytes


class Options(NamedTuple):
    """Options with a meaning here; None and () mean absent. Addresses have 4 octets, times are seconds."""

    message_type: int | None = None
    server_identifier: bytes | None = None
    requested_address: bytes | None = None
    lease_time: int | None = None
    renewal_time: int | None = None
    rebinding_time: int | None = None
    subnet_mask: bytes | None = None
    broadcast_address: bytes | None = None
    routers: tuple[bytes, ...] = ()
    classless_routes: tuple[Route, ...] | None = None  # where present, even empty, `routers` do not count: RFC 3442
    dns_servers: tuple[bytes, ...] = ()
    domain_name: bytes | None = None
    domain_search: tuple[Name, ...] = ()
    ntp_servers: tuple[bytes, ...] = ()
    mtu: int | None = None  # octets
    host_name: bytes | None = None
    client_identifier: bytes | None = None
    vendor_class: bytes | None = None
    max_message_size: int | None = None  # octets, with the headers of IP and UDP
    parameter_requests: bytes = b""  # codes
    text: bytes | None = None  # why a server says no
    others: tuple[tuple[int, bytes], ...] = ()  # code and data, in the order of their codes


class Codec(NamedTuple):
    """How an option's value is read and written."""

    field: str
    read: Callable[[bytes], Any]
    write: Callable[[Any], bytes]


def _number(field: str, size: int, least: int = 0) -> Codec:
    def read(octets: bytes) -> int:
        if len(octets) != size:
            raise WireError(f"dhcp: {field} has {len(octets)} octets, not {size}")
        value = int.from_bytes(octets, "big")
        if value < least:
            raise WireError(f"dhcp: {field} is {value}, less than {least}")
        return value

    return Codec(field, read, lambda value: value.to_bytes(size, "big"))


def _address(field: str) -> Codec:
    def read(octets: bytes) -> bytes:
        if len(octets) != 4:
            raise WireError(f"dhcp: {field} has {len(octets)} octets, not 4")
        return octets

    return Codec(field, read, bytes)


def _addresses(field: str) -> Codec:
    def read(octets: bytes) -> tuple[bytes, ...]:
        if not octets or len(octets) % 4:
            raise WireError(f"dhcp: {field} of {len(octets)} octets holds no whole number of addresses")
        return tuple(octets[at : at + 4] for at in range(0, len(octets), 4))

    return Codec(field, read, b"".join)


def _text(field: str) -> Codec:
    # Some servers end texts with zeros, which do not count (RFC 2132 2).
    return Codec(field, lambda octets: octets.rstrip(b"\0"), bytes)


def _octets(field: str) -> Codec:
    return Codec(field, bytes, bytes)


def _read_names(octets: bytes) -> tuple[Name, ...]:
    names, at = [], 0
    while at < len(octets):
        name, at = parse_name(octets, at, len(octets))
        names.append(name)
    return tuple(names)


def _write_names(names: tuple[Name, ...]) -> bytes:
    octets = bytearray()
    known: dict[Name, int] = {}
    for name in names:
        octets += serialize_name(name, len(octets), known)
    return bytes(octets)


def _read_routes(octets: bytes) -> tuple[Route, ...]:
    routes, at = [], 0
    while at < len(octets):
        prefix = octets[at]
        size = (prefix + 7) // 8  # octets of the network that are there
        if prefix > 32 or at + 1 + size + 4 > len(octets):
            raise WireError(f"dhcp: a route of prefix {prefix}, {len(octets) - at} octets are left")
        network = octets[at + 1 : at + 1 + size].ljust(4, b"\0")
        at += 1 + size + 4
        routes.append(Route(network, prefix, octets[at - 4 : at]))
    return tuple(routes)


def _write_routes(routes: tuple[Route, ...]) -> bytes:
    return b"".join(
        bytes((route.prefix,)) + route.network[: (route.prefix + 7) // 8] + route.gateway for route in routes
    )


CODECS = {
    MESSAGE_TYPE: _number("message_type", 1, least=1),
    SERVER_IDENTIFIER: _address("server_identifier"),
    REQUESTED_ADDRESS: _address("requested_address"),
    LEASE_TIME: _number("lease_time", 4),
    RENEWAL_TIME: _number("renewal_time", 4),
    REBINDING_TIME: _number("rebinding_time", 4),
    SUBNET_MASK: _address("subnet_mask"),
    BROADCAST_ADDRESS: _address("broadcast_address"),
    CLASSLESS_ROUTES: Codec("classless_routes", _read_routes, _write_routes),
    ROUTERS: _addresses("routers"),
    DNS_SERVERS: _addresses("dns_servers"),
    DOMAIN_NAME: _text("domain_name"),
    DOMAIN_SEARCH: Codec("domain_search", _read_names, _write_names),
    NTP_SERVERS: _addresses("ntp_servers"),
    MTU: _number("mtu", 2, least=MIN_MTU),
    HOST_NAME: _text("host_name"),
    CLIENT_IDENTIFIER: _octets("client_identifier"),
    VENDOR_CLASS: _octets("vendor_class"),
    MAX_MESSAGE_SIZE: _number("max_message_size", 2, least=MIN_MESSAGE_SIZE),
    PARAMETER_REQUESTS: _octets("parameter_requests"),
    TEXT: _text("text"),
}


def decode(found: Mapping[int, bytes]) -> Options:
    """Read options, each put together from its parts. Raises `WireError`."""
    values = {CODECS[code].field: CODECS[code].read(octets) for code, octets in found.items() if code in CODECS}
    return Options(**values, others=tuple(sorted(item for item in found.items() if item[0] not in CODECS)))


def encode(options: Options) -> Iterator[tuple[int, bytes]]:
    """Yield code and octets of each option that is there, the message's type first."""
    for code, codec in CODECS.items():
        value = getattr(options, codec.field)
        empty = value is None or (value == () and code != CLASSLESS_ROUTES)
        if not empty and not (value == b"" and code == PARAMETER_REQUESTS):
            yield code, codec.write(value)
    yield from options.others
