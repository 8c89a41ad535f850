"""The way in: a list of frames to connections and ports, the common ones by the shortest way."""

from __future__ import annotations

from operator import length_hint
from struct import Struct
from typing import TYPE_CHECKING, TypeVar

from fata.device.net import Checksum
from fata.errors import WireError
from fata.proto.tcp.connection import PREDICTED
from fata.wire import ethernet, icmpv4, ipv4
from fata.wire.checksum import MODULUS, quartered
from fata.wire.tcp import ACK, TIMESTAMPS_WORD, parse

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from fata.device.net import ReceivedFrame
    from fata.stack.counters import Counters
    from fata.stack.icmp import Icmp
    from fata.stack.ipv4 import Ipv4
    from fata.stack.tcp import Tcp
    from fata.stack.udp import Udp

# Destination; ethertype; IPv4: version and length, total length, flags and fragment offset, protocol.
FIELDS = Struct("!6s6xHBxHxxHxB")
PLAIN_IPV4 = b"\x08\x00\x45"
STAMPED_START = 66  # where the payload behind a TCP header with timestamps begins
HEADERS = 34  # octets of Ethernet and of IPv4 without options
PLAIN = 0x45  # IPv4, five words of header
FRAGMENT_BITS = 0x3FFF  # "more fragments" and the offset
ADDRESSES = slice(26, 34)
ENDS = slice(26, 38)  # addresses and ports: a connection's key
# A raw frame up to IPv4's type of service. IPv4: total length; flags, fragment offset, time to live and protocol in one
# piece; addresses and ports likewise. TCP: seq, ack, data offset and flags, window; timestamps, its only option.
RAW = "!{}sHxxIxx12sIIHH4xIII"
BEGIN = 16  # octets of the first field, behind the card's header
UNFRAGMENTED, UNFRAGMENTED_TCP = 0x3FFF00FF, ipv4.TCP  # in IPv4's piece: a mask, and what is to be left of it
KIND, STAMPED_ACK = 0xFF00 | PREDICTED, 0x8000 | ACK  # in TCP's, likewise: eight words
MAX_BEGINS = 64  # peers on the link, by tens of their frames' kinds, that are known at a time
UNKNOWN = Checksum.UNKNOWN
from_bytes = int.from_bytes

F = TypeVar("F")  # a frame, raw or not


class Input:
    """Looks at every frame that arrives. Nothing that a frame holds raises out of here."""

    def __init__(
        self, ip: Ipv4, tcp: Tcp, udp: Udp, icmp: Icmp, counters: Counters, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._ip = ip
        self._tcp = tcp
        self._udp = udp
        self._icmp = icmp
        self._counters = counters
        self._loop = loop
        raw = ip.interface.raw
        self._header = raw.header_length if raw is not None else 0  # octets before a raw frame
        self._begins: dict[bytes, bool] = {}  # how plain IPv4 for our MAC begins: whether TCP's checksum is verified
        header = self._header
        places = header + ethernet.HEADER_LENGTH, header + HEADERS, header + STAMPED_START
        self._fixed = (Struct(RAW.format(header + BEGIN)).unpack_from, self._begins, tcp.host.connections, *places)
        ip.handlers[ipv4.TCP] = self._long_tcp
        ip.handlers[ipv4.UDP] = self._long_udp
        ip.handlers[ipv4.ICMP] = icmp.receive

    def receive(self, frames: list[ReceivedFrame]) -> None:
        """Take the frames of one wake-up; protocols are told, and what they answer is handed over, at the end."""
        now = self._loop.time()
        if self._tcp.loopback and not self._ip.interface.inside and self._tcp.talks_to_itself():
            frames = [frame for frame in frames if not self._feigns_loopback(frame.data)]
        self._counters.received += len(frames)
        waiting = iter(frames)
        try:
            self._take_frames(waiting, now)
        except MemoryError:
            self._take_rest(self._take_frames, waiting, now)
        self._tcp.settle(now)

    def _take_frames(self, frames: Iterator[ReceivedFrame], now: float) -> None:
        for data, checksum, _segmentation, _size in frames:
            self._counters.received_octets += len(data)
            self._receive_any(data, checksum, now)

    def _take_rest(self, take: Callable[[Iterator[F], float], None], waiting: Iterator[F], now: float) -> None:
        """There was no memory for a frame: have `take` take all behind it but those for which there is none either."""
        for _ in range(length_hint(waiting) + 1):  # bounded, were there no memory for a call either
            self._counters.no_memory += 1
            try:
                take(waiting, now)
                return
            except MemoryError:
                continue

    def receive_raw(self, frames: list[bytes]) -> None:
        """As `receive`, with the card's header before each."""
        now, header = self._loop.time(), self._header
        if self._tcp.loopback and self._tcp.talks_to_itself():
            frames = [data for data in frames if not self._feigns_loopback(data, header)]
        waiting = iter(frames)
        try:
            self._take_raw(waiting, now)
        except MemoryError:
            self._take_rest(self._take_raw, waiting, now)
        self._counters.received += len(frames)
        self._counters.received_octets += sum(map(len, frames)) - header * len(frames)
        self._tcp.settle(now)

    def _take_raw(self, frames: Iterator[bytes], now: float) -> None:
        unpack, begins, connections, ip, tcp, start = self._fixed
        news = self._tcp.news
        last = verified = None
        for data in frames:
            if len(data) < start:
                self._interpret(data, now)
                continue
            begin, total, middle, key, seq, ack, control, window, prefix, stamp, echo = unpack(data)
            if begin != last:
                last, verified = begin, begins.get(begin)
            if (
                verified is None
                or middle & UNFRAGMENTED != UNFRAGMENTED_TCP
                or not start <= (end := ip + total) <= len(data)
                or from_bytes(data[ip:tcp], "big") % MODULUS
                or not (verified or not is_damaged(data, ip, end))
            ):
                self._interpret(data, now)
                continue
            # Nearly every segment of nearly every connection.
            if control & KIND == STAMPED_ACK and prefix == TIMESTAMPS_WORD:
                connection = connections.get(key)
                if connection is not None:
                    events = connection.receive_predicted(seq, ack, window, (data, start, end), stamp, echo, now)
                    if events is not None:
                        news[connection] = news[connection] | events if connection in news else events
                        continue
            self._receive_segment(key, data, tcp, end, now)

    def _interpret(self, octets: bytes, now: float) -> None:
        """Take a raw frame; remember how it begins, if that is how plain IPv4 to us does."""
        interface = self._ip.interface
        frame = interface.interpret(octets)
        if frame is None:
            return
        data, checksum, _segmentation, _size = frame
        if data[:6] == interface.mac and data[12:15] == PLAIN_IPV4:
            if len(self._begins) >= MAX_BEGINS:
                self._begins.clear()
            self._begins[octets[: self._header + BEGIN]] = checksum is not UNKNOWN
        self._receive_any(data, checksum, now)

    def _feigns_loopback(self, data: bytes, begin: int = 0) -> bool:
        """Say whether a frame from outside claims to be this host's own; its key would be one of our connections."""
        kind, addresses = data[begin + 12 : begin + 14], data[begin + 26 : begin + HEADERS]
        if kind != PLAIN_IPV4[:2] or len(addresses) < 8 or not self._ip.is_martian(addresses[:4], addresses[4:]):
            return False
        self._counters.for_others += 1
        return True

    def _receive_any(self, data: bytes, checksum: Checksum, now: float) -> None:
        """Take a frame by the shortest way but one."""
        end = 0
        if len(data) >= HEADERS:
            destination, ethertype, version, total, fragment, protocol = FIELDS.unpack_from(data)
            if version == PLAIN and destination == self._ip.interface.mac and ethertype == ethernet.IPV4:
                end = 0 if fragment & FRAGMENT_BITS else ethernet.HEADER_LENGTH + total
        if not HEADERS <= end <= len(data):
            self._take(data, checksum is not UNKNOWN, now)
        elif from_bytes(data[14:34], "big") % MODULUS:
            self._counters.bad_checksum += 1
        elif protocol == ipv4.TCP:
            self._short_tcp(data, end, checksum is UNKNOWN, now)
        elif protocol == ipv4.UDP:
            self._short_udp(data, end, checksum is not UNKNOWN, now)
        else:
            self._take(data, checksum is not UNKNOWN, now)

    def _short_tcp(self, data: bytes, end: int, unverified: bool, now: float) -> None:
        if unverified and is_damaged(data, ethernet.HEADER_LENGTH, end):
            self._counters.bad_checksum += 1
            return
        self._receive_segment(data[ENDS], data, HEADERS, end, now)

    def _receive_segment(self, key: bytes, data: bytes, start: int, end: int, now: float) -> None:
        """Take a TCP segment whose checksums are right, in a frame for us."""
        try:
            segment = parse(data, start, end)
        except WireError:
            self._counters.malformed += 1
            return
        tcp = self._tcp
        connection = tcp.host.connections.get(key)
        if connection is not None:
            tcp.news[connection] = tcp.news.get(connection, 0) | connection.receive(segment, now)
        elif self._ip.is_own(key[4:8]) and not self._ip.is_martian(key[:4], key[4:8]):
            tcp.host.receive(key, segment, now)
        else:
            self._counters.for_others += 1

    def _short_udp(self, data: bytes, end: int, verified: bool, now: float) -> None:
        ip, source, destination = self._ip, data[26:30], data[30:34]
        mine = ip.is_own(destination) or ip.address == ipv4.UNSPECIFIED
        if not mine or ip.is_martian(source, destination):
            self._counters.for_others += 1
            return
        try:
            if not self._udp.receive(data[ADDRESSES], data, HEADERS, end, verified):
                self._icmp.port_unreachable(data, now)
        except WireError:
            self._counters.malformed += 1

    def _take(self, data: bytes, verified: bool, now: float) -> None:
        """Take a frame the long way."""
        try:
            header = ethernet.parse(data)
            if header.dst != self._ip.interface.mac and not ethernet.is_group(header.dst):
                self._counters.for_others += 1
            elif header.ethertype == ethernet.IPV4:
                self._ip.receive(data, verified, now)
            elif header.ethertype == ethernet.ARP:
                self._ip.interface.receive_arp(data, now)
            else:
                self._counters.unknown_protocol += 1
        except WireError:
            self._counters.malformed += 1

    def _long_tcp(self, header: ipv4.Header, data: bytes, start: int, end: int, verified: bool, now: float) -> None:
        if not self._ip.is_own(header.destination):
            return  # RFC 9293 MUST-57: no connection with a broadcast or multicast address
        if not verified:
            tail = data[start:end] + (b"\0" if (end - start) & 1 else b"")
            number = int.from_bytes(header.source + header.destination + tail, "big")
            if (number + ipv4.TCP + end - start) % MODULUS:
                self._counters.bad_checksum += 1
                return
        segment = parse(data, start, end)
        key = header.source + header.destination + data[start : start + 4]
        connection = self._tcp.host.connections.get(key)
        if connection is not None:
            news = self._tcp.news
            news[connection] = news.get(connection, 0) | connection.receive(segment, now)
        else:
            self._tcp.host.receive(key, segment, now)

    def _long_udp(self, header: ipv4.Header, data: bytes, start: int, end: int, verified: bool, now: float) -> None:
        addresses = header.source + header.destination
        if not self._udp.receive(addresses, data, start, end, verified) and self._ip.is_own(header.destination):
            self._icmp.unreachable(header, data, start, end, icmpv4.PORT_UNREACHABLE, now)


def is_damaged(data: bytes, ip: int, end: int) -> bool:
    """Say whether the TCP segment up to `end`, in plain IPv4 that begins at `ip`, is not what its checksum says."""
    # Addresses and segment stand together, and with protocol and length they are what TCP sums.
    return (quartered(data, ip + 12, end) + ipv4.TCP + end - ip - 20) % MODULUS != 0
