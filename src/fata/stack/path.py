"""Path: what all frames of one TCP connection have in common, worked out once."""

from __future__ import annotations

from struct import Struct

from fata.wire.checksum import MODULUS

TTL = 64  # hops, RFC 1700's recommendation for both TCP and UDP
PROTOCOL_TCP = 6
DONT_FRAGMENT = 0x4000  # RFC 1191 3: path MTU discovery wants it on every packet
VERSION_AND_LENGTH = 0x45  # IPv4 with a header of five words
MIDDLE = Struct("!HHBB")  # identification, flags and fragment offset, time to live, protocol
IP_LENGTH = 20  # octets, without options
HEAD_LENGTH = 14 + IP_LENGTH + 4  # octets: the headers of Ethernet and IPv4, and TCP's ports
STAMPED_LENGTH = 32  # octets of TCP's header with timestamps
NO_IDENTIFICATION = 0  # RFC 6864 4.1: a packet that may not be fragmented needs none


class Path:
    """Addresses and ports of a connection, as they stand in the frames it sends, with their share of the checksums.

    `key` is remote address, local address, remote port and local port, as they stand in a frame it receives. `tos`
    goes into every packet's field of that name (RFC 9293 MUST-48), `ttl` likewise (MUST-49).
    """

    __slots__ = (
        *(
            "addresses_sum",
            "answers",
            "begin",
            "ends",
            "head",
            "ip_sum",
            "link",
            "may_fragment",
            "middle",
            "next_hop",
            "partial",
            "raw_until",
            "remote",
        ),
        *("tcp_sum", "tos", "ttl", "until"),
    )

    def __init__(self, key: bytes, tos: int = 0, ttl: int = TTL) -> None:
        self.tos = tos
        self.ttl = ttl
        self.remote = key[0:4]
        self.ends = key[4:8] + key[0:4] + key[10:12] + key[8:10]
        self.link = b""  # the Ethernet header, good until the time that follows
        self.begin = b""  # the card's header, the Ethernet header and the first two octets of IPv4's
        self.next_hop = b""
        self.answers = -1  # octets of payload of those that begin with `head`, and have `partial` for their sum
        self.head = b""
        self.partial = 0
        self.middle = MIDDLE.pack(NO_IDENTIFICATION, DONT_FRAGMENT, ttl, PROTOCOL_TCP)
        self.until = self.raw_until = -1.0  # and until when a raw frame may begin with `begin`
        self.may_fragment = False  # the path takes less than proto/path_mtu.py's floor: routers must help
        addresses = int.from_bytes(self.ends[:8], "big")
        # One's complement sums are associative: these parts are added to what each frame brings.
        first_words = (VERSION_AND_LENGTH << 8 | tos) + DONT_FRAGMENT + (ttl << 8 | PROTOCOL_TCP)
        self.ip_sum = (first_words + addresses) % MODULUS
        self.addresses_sum = addresses + PROTOCOL_TCP
        self.tcp_sum = (addresses + PROTOCOL_TCP + int.from_bytes(self.ends[8:], "big")) % MODULUS

    def begin_raw(self, card_header: bytes) -> None:
        """Let raw frames, with the card's header before them, take this way as long as it is known."""
        begin = card_header + self.link + bytes((VERSION_AND_LENGTH, self.tos))
        if begin != self.begin:
            self.begin = begin
            self.answers = -1
        self.raw_until = self.until

    def expect_answers(self, length: int) -> None:
        """Make `head` and `partial` for answers of so many octets; the next one is likely to be as long."""
        segment = STAMPED_LENGTH + length
        total = IP_LENGTH + segment
        ip_sum = MODULUS - (self.ip_sum + total) % MODULUS
        self.head = self.begin + total.to_bytes(2, "big") + self.middle + ip_sum.to_bytes(2, "big") + self.ends
        self.partial = (self.addresses_sum + segment) % MODULUS
        self.answers = length
