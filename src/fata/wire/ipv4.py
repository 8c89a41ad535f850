"""IPv4 packets (RFC 791 3.1).

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-------+-------+---------------+-------------------------------+
|   4   |length |      tos      |         total length          |
+-------+-------+---------------+-----+-------------------------+
|         identification        |0 D M|   fragment offset / 8   |
+---------------+---------------+-----+-------------------------+
|      ttl      |   protocol    |        header checksum        |
+---------------+---------------+-------------------------------+
|                        source address                         |
+---------------------------------------------------------------+
|                      destination address                      |
+---------------------------------------------------------------+
|                 options, up to 40 octets                      |
+---------------------------------------------------------------+
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from fata.errors import ConfigError, StateError, WireError
from fata.wire.checksum import MODULUS, checksum
from fata.wire.ipv4_options import copied

HEADER = Struct("!BBHHHBBH4s4s")
HEADER_LENGTH = 20  # octets, without options
MAX_LENGTH = 0xFFFF  # octets of a packet, header and all
MIN_MTU = 68  # octets, RFC 791 3.2: every link carries as much without fragments
MIN_REASSEMBLED = 576  # octets, RFC 791 3.1: every host takes as much, in fragments or not

VERSION = 4
DONT_FRAGMENT = 0x4000
MORE_FRAGMENTS = 0x2000
OFFSET_BITS = 0x1FFF
OFFSET_UNIT = 8  # octets
DEFAULT_TTL = 64  # RFC 1700

ICMP = 1
TCP = 6
UDP = 17

UNSPECIFIED = bytes(4)
LOOPBACK_NET = 127  # the first octet of each, RFC 1122 3.2.1.3
LOOPBACK = b"\x7f\x00\x00\x01"
BROADCAST = b"\xff\xff\xff\xff"

Buffer = bytes | bytearray | memoryview


class Header(NamedTuple):
    """A packet's header; addresses have 4 octets."""

    source: bytes
    destination: bytes
    protocol: int
    ttl: int = DEFAULT_TTL
    total_length: int = 0  # octets, header and payload; `serialize` computes it
    identification: int = 0
    dont_fragment: bool = False
    more_fragments: bool = False
    fragment_offset: int = 0  # octets, a multiple of 8
    tos: int = 0  # differentiated services (6 bits) and ECN (2 bits), RFC 2474 and 3168
    options: bytes = b""  # padded to whole words; see wire/ipv4_options.py

    @property
    def header_length(self) -> int:
        """Octets of the header with its options: where the payload begins, from the packet's start."""
        return HEADER_LENGTH + len(self.options)

    @property
    def is_fragment(self) -> bool:
        """Whether other packets hold the rest of this one's payload."""
        return self.more_fragments or self.fragment_offset > 0


def parse(data: bytes, start: int, end: int) -> Header:
    """Read and verify the header of the packet in `data[start:end]`.

    The payload is `data[start + header.header_length : start + header.total_length]`; what follows it is Ethernet's
    padding. Raises `WireError` for a wrong version, lengths that do not fit, a wrong checksum and fragments that
    no datagram can have: not in units of 8 octets, or reaching beyond 65,535.
    """
    header = parse_quoted(data, start, end)
    length = header.header_length
    # Any checksum that is right leaves 65535, zero in one's complement.
    if int.from_bytes(data[start : start + length], "big") % MODULUS:
        raise WireError("ipv4: the header's checksum is wrong")
    if not length <= header.total_length <= end - start:
        raise WireError(f"ipv4: total length {header.total_length} is not between {length} and {end - start}")
    if header.more_fragments or header.fragment_offset:
        _check_fragment(header, header.total_length - length)
    return header


def parse_quoted(data: bytes, start: int, end: int) -> Header:
    """Read the header of a packet that may be cut off and altered on its way, as an ICMP error quotes it.

    Only the version and the header's length are checked.
    """
    if end - start < HEADER_LENGTH:
        raise WireError(f"ipv4: {end - start} octets are no header of {HEADER_LENGTH}")
    first, tos, total, identification, fragment, ttl, protocol, _checksum, source, destination = HEADER.unpack_from(
        data, start
    )
    options = b""
    if first != 0x45:
        if first >> 4 != VERSION:
            raise WireError(f"ipv4: version {first >> 4} is not {VERSION}")
        length = (first & 15) * 4
        if not HEADER_LENGTH <= length <= end - start:
            raise WireError(f"ipv4: header length {length} is not between {HEADER_LENGTH} and {end - start}")
        options = bytes(data[start + HEADER_LENGTH : start + length])
    if fragment == DONT_FRAGMENT:  # nearly always: one comparison for four fields
        return Header(source, destination, protocol, ttl, total, identification, True, False, 0, tos, options)
    return Header(
        source,
        destination,
        protocol,
        ttl,
        total,
        identification,
        bool(fragment & DONT_FRAGMENT),
        bool(fragment & MORE_FRAGMENTS),
        (fragment & OFFSET_BITS) * OFFSET_UNIT,
        tos,
        options,
    )


def _check_fragment(header: Header, payload_length: int) -> None:
    if header.more_fragments and (payload_length % OFFSET_UNIT or not payload_length):
        raise WireError(f"ipv4: {payload_length} octets in a fragment that others follow, not a multiple of 8")
    if header.fragment_offset + payload_length > MAX_LENGTH - header.header_length:
        raise WireError(
            f"ipv4: a fragment of {payload_length} octets at {header.fragment_offset} "
            f"ends beyond {MAX_LENGTH - header.header_length}"
        )


def serialize(header: Header, payload_length: int) -> bytes:
    """Return the header's octets, checksum included, for a payload of so many octets.

    `total_length` is not looked at. A field out of range is the caller's bug (`struct.error`).
    """
    source, destination, protocol, ttl, _total, identification, dont, more, offset, tos, options = header
    fragment = offset // OFFSET_UNIT | dont * DONT_FRAGMENT | more * MORE_FRAGMENTS
    length = HEADER_LENGTH + len(options)
    first = VERSION << 4 | length >> 2
    total = length + payload_length
    octets = HEADER.pack(first, tos, total, identification, fragment, ttl, protocol, 0, source, destination) + options
    return octets[:10] + checksum(octets).to_bytes(2, "big") + octets[12:]


def fragments(header: Header, payload: Buffer, mtu: int) -> list[tuple[bytes, Buffer]]:
    """Cut a payload for a link of `mtu` octets: (header, view of its payload) for each packet (RFC 791 3.2).

    The first one has all options, the others those that are to be copied. One packet that fits stays whole.
    Raises `StateError` for what must not or cannot be cut.
    """
    if header.header_length + len(payload) <= mtu:
        return [(serialize(header, len(payload)), payload)]
    if header.dont_fragment:
        raise StateError(f"ipv4: {header.header_length + len(payload)} octets in an MTU of {mtu}, not to be fragmented")
    if mtu < MIN_MTU:
        raise StateError(f"ipv4: an MTU of {mtu} octets, below {MIN_MTU}")
    view = memoryview(payload)
    later = header._replace(options=copied(header.options))
    packets: list[tuple[bytes, Buffer]] = []
    at = 0
    while at < len(payload):
        this = header if at == 0 else later
        room = (mtu - this.header_length) // OFFSET_UNIT * OFFSET_UNIT
        if this.header_length + len(payload) - at <= mtu:
            room = len(payload) - at
        piece = view[at : at + room]
        more = header.more_fragments or at + room < len(payload)
        this = this._replace(more_fragments=more, fragment_offset=header.fragment_offset + at)
        packets.append((serialize(this, len(piece)), piece))
        at += room
    return packets


def is_multicast(address: bytes) -> bool:
    """Tell 224.0.0.0/4 (RFC 1112 4) from other addresses."""
    return address[0] & 0xF0 == 0xE0


def is_host(address: bytes, prefix: int) -> bool:
    """Tell whether one host can have `address` in a network of `prefix` bits (RFC 1122 3.2.1.3)."""
    bits = 32 - prefix
    host = int.from_bytes(address, "big") & (1 << bits) - 1
    all_hosts = bits > 1 and host in (0, (1 << bits) - 1)  # of two addresses both are hosts' (RFC 3021)
    return prefix > 0 and 0 < address[0] < 0xE0 and address[0] != LOOPBACK_NET and not all_hosts


def netmask(prefix: int) -> bytes:
    """Return the mask of a network whose prefix has so many bits, 0 to 32."""
    return (0xFFFFFFFF << 32 - prefix & 0xFFFFFFFF).to_bytes(4, "big")


def parse_address(text: str) -> bytes:
    """Read `192.0.2.1`: four decimal numbers without leading zeros. Raises `ConfigError`."""
    parts = text.split(".")
    # A leading zero means octal to some programs: 010.0.0.1 is refused, not guessed at.
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and str(int(part[:4])) == part for part in parts):
        raise ConfigError(f"{text!r} is no IPv4 address", remedy="write four numbers from 0 to 255: 192.0.2.1")
    numbers = [int(part) for part in parts]
    if max(numbers) > 255:
        raise ConfigError(f"{text!r} is no IPv4 address: {max(numbers)} is more than 255")
    return bytes(numbers)


def parse_cidr(text: str) -> tuple[bytes, int]:
    """Read `192.0.2.1/24`: a host's address and the bits of its network's prefix. Raises `ConfigError`."""
    address, slash, prefix = text.partition("/")
    if not slash or not (prefix.isascii() and prefix.isdigit() and len(prefix) <= 2 and int(prefix) <= 32):
        raise ConfigError(f"{text!r} is no address with a prefix", remedy="write as in 192.0.2.1/24")
    return parse_address(address), int(prefix)


def format_address(address: bytes) -> str:
    """Write an address as people read it."""
    first, second, third, fourth = address
    return f"{first}.{second}.{third}.{fourth}"
