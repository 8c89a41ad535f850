"""Ethernet frames (IEEE 802.3 3.1, "Ethernet II"), without preamble and frame check sequence.

+----------------------------------------------+
|            destination, 6 octets             |
+----------------------------------------------+
|               source, 6 octets               |
+--------------------+-------------------------+
| ethertype, 2       |  payload, 46 to 1500 …  |
+--------------------+-------------------------+
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from fata.errors import WireError

HEADER = Struct("!6s6sH")
HEADER_LENGTH = 14  # octets
MIN_FRAME = 60  # octets without the frame check sequence, IEEE 802.3 4.2.3.3: shorter payload is followed by padding
MTU = 1500  # octets of payload, RFC 894

IPV4 = 0x0800
ARP = 0x0806
VLAN = 0x8100
IPV6 = 0x86DD
MIN_ETHERTYPE = 0x0600  # IEEE 802.3 3.2.6: what is smaller is a length of the other, older kind of frame

BROADCAST = b"\xff\xff\xff\xff\xff\xff"
UNSPECIFIED = bytes(6)
GROUP_BIT = 0x01  # in the first octet of an address
MULTICAST_PREFIX = 0x01005E << 24  # RFC 1112 6.4
MULTICAST_BITS = 0x7FFFFF  # of an IPv4 group, those that fit below the prefix


class Header(NamedTuple):
    """A frame's header; addresses have 6 octets."""

    dst: bytes
    src: bytes
    ethertype: int  # below MIN_ETHERTYPE it is a length: nothing of ours sends such frames


def parse(frame: bytes) -> Header:
    """Read the header; the payload, with its padding, is `frame[HEADER_LENGTH:]`. Raises `WireError`."""
    if len(frame) < HEADER_LENGTH:
        raise WireError(f"ethernet: {len(frame)} octets are no header of {HEADER_LENGTH}")
    return Header._make(HEADER.unpack_from(frame))


def serialize(header: Header) -> bytes:
    """Return the header's octets. Padding to `MIN_FRAME` is the device's to add."""
    return HEADER.pack(*header)


def is_group(mac: bytes) -> bool:
    """Tell a group address (multicast or broadcast) from that of one station."""
    return bool(mac[0] & GROUP_BIT)


def multicast_mac(group: bytes) -> bytes:
    """Return the address to which an IPv4 group's packets go (RFC 1112 6.4): 32 groups share each."""
    return (MULTICAST_PREFIX | int.from_bytes(group, "big") & MULTICAST_BITS).to_bytes(6, "big")


def format_mac(mac: bytes) -> str:
    """Write an address as people read it."""
    return mac.hex(":")
