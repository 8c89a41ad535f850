"""Path: what all frames of one TCP connection have in common, worked out once."""

from __future__ import annotations

from fata.wire.checksum import MODULUS

TTL = 64  # hops, RFC 1700's recommendation for both TCP and UDP
PROTOCOL_TCP = 6
DONT_FRAGMENT = 0x4000  # RFC 1191 3: path MTU discovery wants it on every packet
VERSION_AND_LENGTH = 0x45  # IPv4 with a header of five words
BEGIN = bytes((VERSION_AND_LENGTH, 0))  # that, and no differentiated service


class Path:
    """Addresses and ports of a connection, as they stand in the frames it sends, with their share of the checksums.

    `key` is remote address, local address, remote port and local port, as they stand in a frame it receives.
    """

    __slots__ = ("addresses_sum", "begin", "ends", "ip_sum", "link", "next_hop", "remote", "tcp_sum", "until")

    def __init__(self, key: bytes) -> None:
        self.remote = key[0:4]
        self.ends = key[4:8] + key[0:4] + key[10:12] + key[8:10]
        self.link = b""  # the Ethernet header, good until the time that follows
        self.begin = b""  # that, and the first two octets of IPv4's
        self.next_hop = b""
        self.until = -1.0
        addresses = int.from_bytes(self.ends[:8], "big")
        # One's complement sums are associative: these parts are added to what each frame brings.
        self.ip_sum = ((VERSION_AND_LENGTH << 8) + DONT_FRAGMENT + (TTL << 8) + PROTOCOL_TCP + addresses) % MODULUS
        self.addresses_sum = addresses + PROTOCOL_TCP
        self.tcp_sum = (addresses + PROTOCOL_TCP + int.from_bytes(self.ends[8:], "big")) % MODULUS
