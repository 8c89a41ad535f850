"""What all packets between two addresses have in common, and all frames of one TCP connection: worked out once."""

from __future__ import annotations

from struct import Struct

from fata.wire.checksum import MODULUS
from fata.wire.ipv4 import DONT_FRAGMENT, TCP

TTL = 64  # hops, RFC 1700's recommendation for both TCP and UDP
VERSION_AND_LENGTH = 0x45  # IPv4 with a header of five words
MIDDLE = Struct("!HHBB")  # identification, flags and fragment offset, time to live, protocol
IP_LENGTH = 20  # octets, without options
BEGIN_LENGTH = 14 + 2  # octets: the header of Ethernet, and of IPv4's what comes before its length
HEAD_LENGTH = 14 + IP_LENGTH + 4  # octets: the headers of Ethernet and IPv4, and TCP's ports
STAMPED_LENGTH = 32  # octets of TCP's header with timestamps
NO_IDENTIFICATION = 0  # RFC 6864 4.1: a packet that may not be fragmented needs none


class Way:
    """Two addresses, as they stand in the frames that are sent, with their share of the checksums, and the next hop.

    `tos` goes into every packet's field of that name (RFC 9293 MUST-48), `ttl` likewise (MUST-49).
    """

    __slots__ = (
        *("addresses", "addresses_sum", "begin", "ip_sum", "link", "may_fragment", "middle", "next_hop", "raw_until"),
        *("remote", "tos", "ttl", "until"),
    )

    def __init__(self, addresses: bytes, tos: int = 0, ttl: int = TTL) -> None:
        self.tos = tos
        self.ttl = ttl
        self.addresses = addresses  # ours and the other
        self.remote = addresses[4:]
        self.link = b""  # the Ethernet header, good until the time that follows
        self.begin = b""  # the card's header, the Ethernet header and the first two octets of IPv4's
        self.next_hop = b""
        self.middle = MIDDLE.pack(NO_IDENTIFICATION, DONT_FRAGMENT, ttl, TCP)  # RFC 1191 3: path MTU discovery
        self.until = self.raw_until = -1.0  # and until when a raw frame may begin with `begin`
        self.may_fragment = False  # the way takes less than proto/path_mtu.py's floor: routers must help
        words = int.from_bytes(addresses, "big")
        # One's complement sums are associative: these parts are added to what each frame brings.
        first_words = (VERSION_AND_LENGTH << 8 | tos) + DONT_FRAGMENT + (ttl << 8 | TCP)
        self.ip_sum = (first_words + words) % MODULUS
        self.addresses_sum = words % MODULUS + TCP

    def begin_raw(self, card_header: bytes) -> bool:
        """Let raw frames, with the card's header before them, take this way; say whether they begin otherwise now."""
        before = self.begin
        self.begin = card_header + self.link + bytes((VERSION_AND_LENGTH, self.tos))
        self.raw_until = self.until
        return before not in (b"", self.begin)


class Path:
    """The way of one connection, and its ports.

    `key` is remote address, local address, remote port and local port, as they stand in a frame it receives.
    """

    __slots__ = ("answers", "ends", "head", "partial", "way")

    def __init__(self, key: bytes, way: Way) -> None:
        self.way = way
        self.ends = way.addresses + key[10:12] + key[8:10]
        self.answers = -1  # octets of payload of those that begin with `head`, and have `partial` for their sum
        self.head = b""
        self.partial = 0

    @property
    def tcp_sum(self) -> int:
        """Addresses, protocol and ports in TCP's checksum."""
        return self.way.addresses_sum + int.from_bytes(self.ends[8:], "big")

    def expect_answers(self, length: int) -> None:
        """Make `head` and `partial` for answers of so many octets; the next one is likely to be as long."""
        way = self.way
        segment = STAMPED_LENGTH + length
        total = IP_LENGTH + segment
        ip_sum = MODULUS - (way.ip_sum + total) % MODULUS
        self.head = way.begin + total.to_bytes(2, "big") + way.middle + ip_sum.to_bytes(2, "big") + self.ends
        self.partial = (way.addresses_sum + segment) % MODULUS
        self.answers = length
