"""Capture files, the new kind (draft-ietf-opsawg-pcapng): blocks, in the byte order that their section says.

+-------------------------------+
|             type              |   section header: the file's begin, byte order
+-------------------------------+   interface description: link type, unit of times, name
|         total length          |   enhanced packet: interface, time, frame
+-------------------------------+   simple packet: frame of interface 0, no time
|  body, padded to 4 octets     |
+-------------------------------+
|     total length, again       |
+-------------------------------+
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from fata.errors import WireError
from fata.wire.pcap import ETHERNET, SECOND, SNAPSHOT_LENGTH

SECTION_HEADER = 0x0A0D0D0A  # the same in both byte orders
INTERFACE = 1
SIMPLE_PACKET = 3
ENHANCED_PACKET = 6
BYTE_ORDER = 0x1A2B3C4D
OVERHEAD = 12  # octets of a block around its body
UNKNOWN_LENGTH = 0xFFFFFFFFFFFFFFFF

END_OF_OPTIONS, NAME, TIME_UNIT, TIME_OFFSET = 0, 2, 9, 14
NANOSECONDS = 9  # as TIME_UNIT: 10 to the power of -9
DEFAULT_UNIT = 6
BINARY_UNIT = 0x80
MAX_EXPONENT = 63  # finer than that no clock is; and no unit makes numbers without bound


class Interface(NamedTuple):
    """Where frames were captured."""

    link_type: int = ETHERNET
    name: str = ""
    snapshot_length: int = SNAPSHOT_LENGTH  # octets; 0: no limit
    unit: int = NANOSECONDS  # of times: 10 (or, with BINARY_UNIT, 2) to the power of minus this many seconds
    offset: int = 0  # seconds, added to every time


class Packet(NamedTuple):
    """A frame as it was captured."""

    interface: int  # counted in its section
    time: int | None  # nanoseconds since 1970
    data: bytes
    length: int  # octets on the link; `data` may be fewer


class Section(NamedTuple):
    """A capture; a file may hold several, one behind the other."""

    interfaces: tuple[Interface, ...]
    packets: tuple[Packet, ...]


def serialize_section() -> bytes:
    """Return what a file begins with."""
    return _block(SECTION_HEADER, Struct("<IHHQ").pack(BYTE_ORDER, 1, 0, UNKNOWN_LENGTH))


def serialize_interface(interface: Interface) -> bytes:
    """Return an interface's description; packets refer to them in order, from 0."""
    octets = Struct("<HHI").pack(interface.link_type, 0, interface.snapshot_length)
    if interface.name:
        octets += _option(NAME, interface.name.encode("utf-8"))
    octets += _option(TIME_UNIT, bytes((interface.unit,)))
    if interface.offset:
        octets += _option(TIME_OFFSET, interface.offset.to_bytes(8, "little", signed=True))
    return _block(INTERFACE, octets + _option(END_OF_OPTIONS, b""))


def serialize_packet(packet: Packet) -> bytes:
    """Return an enhanced packet, for an interface of nanoseconds without offset, or a simple one without time."""
    if packet.time is None:
        return _block(SIMPLE_PACKET, packet.length.to_bytes(4, "little") + packet.data)
    high, low = divmod(packet.time, 1 << 32)
    fields = Struct("<IIIII").pack(packet.interface, high, low, len(packet.data), packet.length)
    return _block(ENHANCED_PACKET, fields + packet.data)


def _option(code: int, value: bytes) -> bytes:
    return Struct("<HH").pack(code, len(value)) + value + bytes(-len(value) % 4)


def _block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = Struct("<I").pack(len(body) + OVERHEAD)
    return Struct("<I").pack(kind) + length + body + length


def parse(octets: bytes) -> tuple[Section, ...]:
    """Read a whole file; blocks of other kinds are passed over. Raises `WireError`."""
    sections: list[Section] = []
    interfaces: list[Interface] = []
    packets: list[Packet] = []
    for kind, order, body in _blocks(octets):
        if kind == SECTION_HEADER:
            if interfaces or packets or sections:
                sections[-1] = Section(tuple(interfaces), tuple(packets))
            sections.append(Section((), ()))
            interfaces, packets = [], []
        elif kind == INTERFACE:
            interfaces.append(_parse_interface(body, order))
        elif kind == ENHANCED_PACKET:
            packets.append(_parse_enhanced(body, order, interfaces))
        elif kind == SIMPLE_PACKET:
            packets.append(_parse_simple(body, order, interfaces))
    sections[-1] = Section(tuple(interfaces), tuple(packets))
    return tuple(sections)


def _blocks(octets: bytes) -> Iterator[tuple[int, str, bytes]]:
    """Yield (type, byte order, body) of each block."""
    at, order = 0, ""
    while at < len(octets) or not order:
        if octets[at : at + 4] == b"\x0a\x0d\x0d\x0a":
            order = _byte_order(octets[at + 8 : at + 12])
        elif not order:
            raise WireError(f"pcapng: {octets[:4].hex()} is no section header")
        if len(octets) - at < OVERHEAD:
            raise WireError(f"pcapng: {len(octets) - at} octets at {at} are no block")
        kind, length = Struct(order + "II").unpack_from(octets, at)
        if length % 4 or not OVERHEAD <= length <= len(octets) - at:
            raise WireError(f"pcapng: a block of {length} octets at {at}, where {len(octets) - at} are left")
        (again,) = Struct(order + "I").unpack_from(octets, at + length - 4)
        if again != length:
            raise WireError(f"pcapng: a block of {length} octets at {at} says {again} at its end")
        body = octets[at + 8 : at + length - 4]
        if kind == SECTION_HEADER:
            _check_section(body, order)
        yield kind, order, body
        at += length


def _byte_order(octets: bytes) -> str:
    for order, name in (("<", "little"), (">", "big")):
        if octets == BYTE_ORDER.to_bytes(4, "little" if name == "little" else "big"):
            return order
    raise WireError(f"pcapng: {octets.hex()} is no byte order")


def _check_section(body: bytes, order: str) -> None:
    _check_length("section header", body, 16)
    major = Struct(order + "H").unpack_from(body, 4)[0]
    if major != 1:
        raise WireError(f"pcapng: version {major} is not 1")


def _check_length(what: str, body: bytes, least: int) -> None:
    if len(body) < least:
        raise WireError(f"pcapng: {what} of {len(body)} octets, at least {least} are needed")


def _options(body: bytes, at: int, order: str) -> Iterator[tuple[int, bytes]]:
    while at < len(body):
        _check_length("option", body[at:], 4)
        code, length = Struct(order + "HH").unpack_from(body, at)
        if code == END_OF_OPTIONS:
            return
        at += 4
        if length > len(body) - at:
            raise WireError(f"pcapng: option {code} of {length} octets, where {len(body) - at} are left")
        yield code, body[at : at + length]
        at += length + -length % 4


def _parse_interface(body: bytes, order: str) -> Interface:
    _check_length("interface", body, 8)
    link_type, _reserved, snapshot_length = Struct(order + "HHI").unpack_from(body)
    interface = Interface(link_type, "", snapshot_length, DEFAULT_UNIT)
    for code, value in _options(body, 8, order):
        if code == NAME:
            interface = interface._replace(name=value.decode("utf-8", "replace"))
        elif code == TIME_UNIT:
            if len(value) != 1 or value[0] & ~BINARY_UNIT > MAX_EXPONENT:
                raise WireError(f"pcapng: {value.hex()} is no unit of time")
            interface = interface._replace(unit=value[0])
        elif code == TIME_OFFSET:
            if len(value) != 8:
                raise WireError(f"pcapng: an offset of {len(value)} octets, not 8")
            interface = interface._replace(offset=Struct(order + "q").unpack(value)[0])
    return interface


def _parse_enhanced(body: bytes, order: str, interfaces: list[Interface]) -> Packet:
    _check_length("enhanced packet", body, 20)
    number, high, low, here, length = Struct(order + "IIIII").unpack_from(body)
    if number >= len(interfaces):
        raise WireError(f"pcapng: interface {number} of {len(interfaces)}")
    if here > len(body) - 20:
        raise WireError(f"pcapng: a packet of {here} octets, where {len(body) - 20} are left")
    return Packet(number, _nanoseconds(high << 32 | low, interfaces[number]), body[20 : 20 + here], length)


def _parse_simple(body: bytes, order: str, interfaces: list[Interface]) -> Packet:
    _check_length("simple packet", body, 4)
    if not interfaces:
        raise WireError("pcapng: a simple packet before any interface")
    (length,) = Struct(order + "I").unpack_from(body)
    here = min(length, interfaces[0].snapshot_length or length)
    if here > len(body) - 4:
        raise WireError(f"pcapng: a packet of {here} octets, where {len(body) - 4} are left")
    return Packet(0, None, body[4 : 4 + here], length)


def _nanoseconds(time: int, interface: Interface) -> int:
    exponent = interface.unit & ~BINARY_UNIT
    if interface.unit & BINARY_UNIT:
        return interface.offset * SECOND + (time * SECOND >> exponent)
    return interface.offset * SECOND + time * SECOND // int("1" + "0" * exponent)
