"""ICMP messages for IPv4 (RFC 792; next-hop MTU: RFC 1191 4; codes: RFC 1122 3.2.2.1, RFC 1812 5.2.7).

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+---------------+---------------+-------------------------------+
|     type      |     code      |           checksum            |
+---------------+---------------+-------------------------------+
|      rest: identifier and sequence number of an echo,         |
|      MTU, pointer or gateway of an error                      |
+---------------------------------------------------------------+
|      an echo's data; of the packet that caused an error       |
|      the header and at least 8 octets                         |
+---------------------------------------------------------------+
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple, assert_never

from fata.errors import WireError
from fata.wire import ipv4
from fata.wire.checksum import checksum, residue

HEADER = Struct("!BBH4s")
HEADER_LENGTH = 8  # octets
PAIR = Struct("!HH")
MIN_QUOTE = 8  # octets of the quoted packet's payload, RFC 792; fewer only if it had fewer
# RFC 1812 4.3.2.3: an error quotes as much as leaves the whole packet within 576 octets.
MAX_QUOTE = ipv4.MIN_REASSEMBLED - ipv4.HEADER_LENGTH - HEADER_LENGTH

ECHO_REPLY = 0
UNREACHABLE = 3
SOURCE_QUENCH = 4  # RFC 6633: ignored
REDIRECT = 5
ECHO_REQUEST = 8
TIME_EXCEEDED = 11
PARAMETER_PROBLEM = 12

# Codes of UNREACHABLE.
NET_UNREACHABLE = 0
HOST_UNREACHABLE = 1
PROTOCOL_UNREACHABLE = 2
PORT_UNREACHABLE = 3
FRAGMENTATION_NEEDED = 4
SOURCE_ROUTE_FAILED = 5
NET_UNKNOWN = 6
HOST_UNKNOWN = 7
SOURCE_HOST_ISOLATED = 8
NET_PROHIBITED = 9
HOST_PROHIBITED = 10
NET_UNREACHABLE_FOR_TOS = 11
HOST_UNREACHABLE_FOR_TOS = 12
COMMUNICATION_PROHIBITED = 13
HOST_PRECEDENCE_VIOLATION = 14
PRECEDENCE_CUTOFF = 15

# Codes of TIME_EXCEEDED.
TTL_EXCEEDED = 0
REASSEMBLY_TIME_EXCEEDED = 1


class Quoted(NamedTuple):
    """The packet that an error is about."""

    header: ipv4.Header  # as it came to whoever complains: not verified
    data: bytes  # its payload's first octets

    @property
    def ports(self) -> tuple[int, int] | None:
        """Source and destination port, if it was TCP or UDP and not a later fragment."""
        if self.header.protocol not in (ipv4.TCP, ipv4.UDP) or self.header.fragment_offset or len(self.data) < 4:
            return None
        source, destination = PAIR.unpack_from(self.data)
        return source, destination

    @property
    def seq(self) -> int | None:
        """The sequence number, if it was TCP and not a later fragment: RFC 5927's check of an error's truth."""
        if self.header.protocol != ipv4.TCP or self.header.fragment_offset or len(self.data) < 8:
            return None
        return int.from_bytes(self.data[4:8], "big")


class Echo(NamedTuple):
    """A request, or the reply to one."""

    request: bool
    identifier: int
    sequence: int
    data: bytes


class Unreachable(NamedTuple):
    """The packet did not reach its destination."""

    code: int
    quoted: Quoted
    next_hop_mtu: int = 0  # octets, with FRAGMENTATION_NEEDED; 0 from routers older than RFC 1191


class TimeExceeded(NamedTuple):
    """The packet lived too long, or its fragments did not all arrive."""

    code: int
    quoted: Quoted


class ParameterProblem(NamedTuple):
    """The packet's header has a mistake."""

    code: int
    quoted: Quoted
    pointer: int = 0  # octet of the quoted header


class Redirect(NamedTuple):
    """A better first hop exists."""

    code: int
    quoted: Quoted
    gateway: bytes = ipv4.UNSPECIFIED


class Other(NamedTuple):
    """Any other message."""

    type: int
    code: int
    rest: bytes  # 4 octets
    data: bytes


Message = Echo | Unreachable | TimeExceeded | ParameterProblem | Redirect | Other


def parse(data: bytes, start: int, end: int) -> Message:
    """Read and verify the message in `data[start:end]`. Raises `WireError`."""
    if end - start < HEADER_LENGTH:
        raise WireError(f"icmp: {end - start} octets are no header of {HEADER_LENGTH}")
    kind, code, check, rest = HEADER.unpack_from(data, start)
    if residue(memoryview(data)[start:end]):
        raise WireError(f"icmp: the checksum {check:#06x} is wrong")
    body = start + HEADER_LENGTH
    if kind in (ECHO_REQUEST, ECHO_REPLY):
        identifier, sequence = PAIR.unpack(rest)
        return Echo(kind == ECHO_REQUEST, identifier, sequence, bytes(data[body:end]))
    if kind == UNREACHABLE:
        mtu = PAIR.unpack(rest)[1] if code == FRAGMENTATION_NEEDED else 0
        return Unreachable(code, parse_quoted(data, body, end), mtu)
    if kind == TIME_EXCEEDED:
        return TimeExceeded(code, parse_quoted(data, body, end))
    if kind == PARAMETER_PROBLEM:
        return ParameterProblem(code, parse_quoted(data, body, end), rest[0])
    if kind == REDIRECT:
        return Redirect(code, parse_quoted(data, body, end), rest)
    return Other(kind, code, rest, bytes(data[body:end]))


def parse_quoted(data: bytes, start: int, end: int) -> Quoted:
    """Read the beginning of a packet that an error quotes; what follows its own end (RFC 4884) is cut off."""
    header = ipv4.parse_quoted(data, start, end)
    length = header.header_length
    if header.total_length < length:
        raise WireError(f"icmp: a quoted packet of {header.total_length} octets, less than its header of {length}")
    payload = bytes(data[start + length : min(end, start + header.total_length)])
    if len(payload) < min(MIN_QUOTE, header.total_length - length):
        raise WireError(f"icmp: {len(payload)} octets of a quoted packet's payload, at least {MIN_QUOTE} are due")
    return Quoted(header, payload)


def quote(data: bytes, start: int, end: int) -> Quoted:
    """Take from the packet in `data[start:end]`, which `ipv4.parse` has read, what an error about it carries."""
    return parse_quoted(data, start, min(end, start + MAX_QUOTE))


def serialize(message: Message) -> bytes:
    """Return the message's octets, checksum included."""
    match message:
        case Echo(request, identifier, sequence, data):
            kind, code, rest, body = ECHO_REQUEST if request else ECHO_REPLY, 0, PAIR.pack(identifier, sequence), data
        case Unreachable(code, quoted, mtu):
            kind, rest, body = UNREACHABLE, PAIR.pack(0, mtu), _serialize_quoted(quoted)
        case TimeExceeded(code, quoted):
            kind, rest, body = TIME_EXCEEDED, bytes(4), _serialize_quoted(quoted)
        case ParameterProblem(code, quoted, pointer):
            kind, rest, body = PARAMETER_PROBLEM, bytes((pointer, 0, 0, 0)), _serialize_quoted(quoted)
        case Redirect(code, quoted, gateway):
            kind, rest, body = REDIRECT, gateway, _serialize_quoted(quoted)
        case Other(kind, code, rest, body):
            pass
        case _:
            assert_never(message)
    return HEADER.pack(kind, code, checksum(HEADER.pack(kind, code, 0, rest) + body), rest) + body


def _serialize_quoted(quoted: Quoted) -> bytes:
    return ipv4.serialize(quoted.header, quoted.header.total_length - quoted.header.header_length) + quoted.data
