"""Targets for frames and packets. Where a checksum would stop nearly every damaged input, it is put right first."""

from __future__ import annotations

from fata.errors import WireError
from fata.wire import arp, ethernet, icmpv4, ipv4, ipv4_options, tcp, udp
from fata.wire.checksum import checksum
from tests.fuzz.target import Target
from tests.wire.captured import FRAMES, addresses, packet, transport

# What the captured connection had no reason for: acknowledged blocks; 40 octets of options.
TCP_SACK = bytes.fromhex(
    "1f9000500000000100000002d01001f4000000000101080a00000001000000020101051200000064000000c80000012c00000190"
)
TCP_FULL = (
    bytes.fromhex("1f9000500000000100000002f01001f400000000")
    + b"\x01\x01\x05\x22"
    + bytes(range(32))
    + bytes(4)
    + b"data"
)

ARPS = tuple(packet(frame) for name, frame in FRAMES.items() if name.startswith("ARP"))
PACKETS = tuple(packet(frame) for name, frame in FRAMES.items() if not name.startswith("ARP"))
DATAGRAMS = tuple(frame for name, frame in FRAMES.items() if name.startswith("UDP"))
SEGMENTS = (*(transport(frame) for name, frame in FRAMES.items() if name.startswith("TCP")), TCP_SACK, TCP_FULL)
MESSAGES = tuple(
    transport(frame)
    for frame in FRAMES.values()
    if frame[23] == ipv4.ICMP and int.from_bytes(frame[20:22], "big") & ~ipv4.DONT_FRAGMENT == 0
)
OPTIONS = tuple(octets[20 : (octets[0] & 15) * 4] for octets in PACKETS if octets[0] != 0x45)


def with_checksum(octets: bytes, at: int, length: int) -> bytes:
    """Return octets with the checksum at `at` right for the first `length` octets."""
    covered = octets[:at] + bytes(2) + octets[at + 2 : length]
    return covered[:at] + checksum(covered).to_bytes(2, "big") + covered[at + 2 :] + octets[length:]


def attempt_ethernet(octets: bytes) -> None:
    """Parse, serialize, compare."""
    header = ethernet.parse(octets)
    assert ethernet.serialize(header) == octets[: ethernet.HEADER_LENGTH]


def attempt_arp(octets: bytes) -> None:
    """Parse, serialize, compare."""
    assert arp.serialize(arp.parse(octets, 0, len(octets))) == octets[: arp.PACKET_LENGTH]


def attempt_ipv4(octets: bytes) -> None:
    """Parse, serialize, parse again; read the options; cut it up where that is allowed."""
    if len(octets) >= ipv4.HEADER_LENGTH:
        octets = with_checksum(octets, 10, (octets[0] & 15) * 4)
    header = ipv4.parse(octets, 0, len(octets))
    payload = octets[header.header_length : header.total_length]
    again = ipv4.serialize(header, len(payload))
    assert ipv4.parse(again + payload, 0, header.total_length) == header
    try:
        ipv4_options.parse(header.options)
        pieces = ipv4.fragments(header._replace(dont_fragment=False), payload, ipv4.MIN_MTU)
    except WireError:
        return
    assert b"".join(piece for _header, piece in pieces) == payload
    for octets, piece in pieces:
        ipv4.parse(octets + bytes(piece), 0, len(octets) + len(piece))


def attempt_ipv4_options(octets: bytes) -> None:
    """Parse, serialize, parse again."""
    options = ipv4_options.parse(octets)
    assert ipv4_options.parse(ipv4_options.serialize(options)) == options


def attempt_icmpv4(octets: bytes) -> None:
    """Parse, serialize, parse again."""
    if len(octets) >= icmpv4.HEADER_LENGTH:
        octets = with_checksum(octets, 2, len(octets))
    message = icmpv4.parse(octets, 0, len(octets))
    again = icmpv4.serialize(message)
    assert icmpv4.parse(again, 0, len(again)) == message


def attempt_udp(frame: bytes) -> None:
    """Parse what follows the IPv4 header in a frame, serialize, parse again."""
    octets, ends = transport(frame.ljust(34, b"\0")), addresses(frame.ljust(34, b"\0"))
    try:
        datagram = udp.parse(octets, 0, len(octets), ends)
    except WireError:
        datagram = udp.parse(octets, 0, len(octets))  # as from a device that has verified the checksum
    payload = octets[datagram.start : datagram.end]
    again = udp.serialize_header(datagram.src_port, datagram.dst_port, payload, ends) + payload
    assert udp.parse(again, 0, len(again), ends)[:2] == datagram[:2]


def attempt_tcp(octets: bytes) -> None:
    """Parse, serialize, parse again, where the options find room when each is padded."""
    segment = tcp.parse(octets, 0, len(octets))
    payload = octets[segment.start : segment.end]
    if len(tcp.serialize_options(segment.options, segment.timestamp, segment.echo)) <= tcp.MAX_OPTIONS:
        again = tcp.serialize_header(segment)
        whole = again + payload
        moved = segment._replace(data=whole, start=len(again), end=len(whole))
        assert tcp.parse(whole, 0, len(whole)) == moved


TARGETS = {
    "ethernet": Target(tuple(FRAMES.values()), attempt_ethernet),
    "arp": Target(ARPS, attempt_arp),
    "ipv4": Target(PACKETS, attempt_ipv4),
    "ipv4_options": Target(OPTIONS, attempt_ipv4_options),
    "icmpv4": Target(MESSAGES, attempt_icmpv4),
    "tcp": Target(SEGMENTS, attempt_tcp),
    "udp": Target(DATAGRAMS, attempt_udp),
}
