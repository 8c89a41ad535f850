"""ARP packets for IPv4 over Ethernet (RFC 826).

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-------------------------------+-------------------------------+
|          hardware = 1         |       protocol = 0x0800       |
+---------------+---------------+-------------------------------+
| hw length = 6 | pr length = 4 |           operation           |
+---------------+---------------+-------------------------------+
|                  sender's MAC, 6 octets                       |
+                               +-------------------------------+
|                               |  sender's address, 4 octets   |
+-------------------------------+-------------------------------+
|                               |  target's MAC, 6 octets       |
+-------------------------------+                               +
|                                                               |
+---------------------------------------------------------------+
|                  target's address, 4 octets                   |
+---------------------------------------------------------------+
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from fata.errors import WireError

PACKET = Struct("!6sH6s4s6s4s")
PACKET_LENGTH = 28  # octets; Ethernet's padding follows
KIND = b"\x00\x01\x08\x00\x06\x04"  # Ethernet's hardware type, IPv4's ethertype, the lengths of their addresses

REQUEST = 1
REPLY = 2


class Packet(NamedTuple):
    """A question for, or an answer with, a station's MAC. MACs have 6 octets, addresses 4."""

    operation: int  # REQUEST or REPLY; others exist (RFC 5494) and concern nobody here
    sender_mac: bytes
    sender_address: bytes
    target_mac: bytes  # in a request zero, or whatever the asker likes
    target_address: bytes


def parse(data: bytes, start: int, end: int) -> Packet:
    """Read the packet in `data[start:end]`; octets behind it are padding. Raises `WireError`."""
    if end - start < PACKET_LENGTH:
        raise WireError(f"arp: {end - start} octets are no packet of {PACKET_LENGTH}")
    kind, operation, sender_mac, sender_address, target_mac, target_address = PACKET.unpack_from(data, start)
    if kind != KIND:
        raise WireError(f"arp: {kind.hex()} does not say IPv4 over Ethernet, which is {KIND.hex()}")
    return Packet(operation, sender_mac, sender_address, target_mac, target_address)


def serialize(packet: Packet) -> bytes:
    """Return the packet's octets, without Ethernet's header and padding."""
    return PACKET.pack(KIND, *packet)
