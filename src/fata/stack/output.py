"""The way out of TCP: transmissions to frames, by the path of each connection."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from fata.proto.tcp.connection import Connection
from fata.proto.tcp.transmission import transmission_of
from fata.stack.interface import UNRESOLVED
from fata.stack.path import BEGIN_LENGTH, HEAD_LENGTH, IP_LENGTH, TTL, Path, Way
from fata.stack.segmentation import TCP_LENGTH, software, to_frames, without_dont_fragment
from fata.wire.checksum import MODULUS
from fata.wire.tcp import ACK, PSH, TIMESTAMPS_WORD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fata.proto.tcp.time_wait import TimeWait
    from fata.proto.tcp.transmission import Transmission
    from fata.stack.counters import Counters
    from fata.stack.ipv4 import Ipv4

# All that is the same for answers of one length: the headers of card, Ethernet and IPv4, and both ports. The rest of
# TCP's: seq, ack, offset and flags, window, sum; timestamps.
STAMPED = "!{}sIIHHH2xIII"
STAMPED_FLAGS = 0x8000 | ACK | PSH  # its data offset beside an answer's flags
# The same for any segment: up to IPv4's type of service; total length; the four fields that are always the same, in one
# piece; sum; addresses and ports; TCP's header without options.
PLAIN = "!{}sH6sH12sIIHHH2x"
SMALL = 1460  # octets of payload that are sooner copied than gathered
LINK_LIFE = 0.5  # seconds that a neighbor's MAC is used without asking for it again
MAX_PATHS = 8192  # paths that are remembered; more connections than that only cost time
MAX_WAYS = 256  # likewise, of ways


class Output:
    """Makes frames and hands them to the interface."""

    def __init__(self, ip: Ipv4, counters: Counters) -> None:
        self._ip = ip
        self._counters = counters
        self._paths: dict[bytes, Path] = {}
        self._ways: dict[bytes, Way] = {}  # by remote and local address, and a service other than the usual one
        self.connections: dict[bytes, Connection | TimeWait] = {}  # the host's, for whoever makes one to set
        self._services: dict[bytes, tuple[int, int]] = {}  # tos and ttl of connections that have their own
        raw = ip.interface.raw
        self._tcp_header = None if raw is None else raw.tcp_header
        header = len(self._tcp_header or b"")
        self._pack_answer = Struct(STAMPED.format(header + HEAD_LENGTH)).pack
        self._pack = Struct(PLAIN.format(header + BEGIN_LENGTH)).pack

    def emit(self, key: bytes, transmissions: list[Transmission], now: float) -> None:
        """Send what a connection, known by its key, has flushed."""
        path = self._paths.get(key)
        if path is None:
            path = self._make(key)
        way = path.way
        if now >= way.until and not self._find_way(key, way, now):
            self._counters.unreachable += len(transmissions)
            return
        interface = self._ip.interface
        raw = now < way.raw_until
        for sent in transmissions:
            frame = self._make_raw(path, sent) if raw else None
            if frame is not None:
                interface.send_raw([frame])
                continue
            if way.may_fragment:
                frames = [without_dont_fragment(each, self._ip.identify()) for each in software(path, way.link, sent)]
            else:
                frames = to_frames(path, way.link, sent, interface.capabilities)
            interface.send(way.link, way.next_hop, frames, now)

    def _make_raw(self, path: Path, sent: Transmission) -> bytes | None:
        """Return the raw frame of one small segment; None if it is none."""
        seq, ack, flags, window, options, buffers, length, size = sent
        if length > size or length > SMALL:
            return None
        way, tcp_length = path.way, TCP_LENGTH + len(options)
        total = IP_LENGTH + tcp_length + length
        ip_sum = MODULUS - (way.ip_sum + total) % MODULUS
        partial = (way.addresses_sum + tcp_length + length) % MODULUS
        flags |= tcp_length << 10
        head = self._pack(way.begin, total, way.middle, ip_sum, path.ends, seq, ack, flags, window, partial)
        return b"".join((head, options, *buffers))

    def send_answers(self, connections: Iterable[Connection | TimeWait], now: float) -> list[Connection | TimeWait]:
        """Send what is one plain segment each; return those that have, or may have, something else to send."""
        ticks = int(now * 1000)
        pack, paths = self._pack_answer, self._paths
        frames: list[bytes] = []
        others: list[Connection | TimeWait] = []
        for connection in connections:
            answer = connection.answer(now, ticks)
            if answer is None:
                others.append(connection)
                continue
            path = paths.get(connection.key)
            if path is None or now >= path.way.raw_until:
                self.emit(connection.key, [transmission_of(answer)], now)
                continue
            seq, ack, window, stamp, echo, data, _size = answer
            if len(data) != path.answers:
                path.expect_answers(len(data))
            frames.append(
                pack(path.head, seq, ack, STAMPED_FLAGS, window, path.partial, TIMESTAMPS_WORD, stamp, echo) + data
            )
        if frames:
            self._ip.interface.send_raw(frames)
        return others

    def _find_way(self, key: bytes, way: Way, now: float) -> bool:
        """Find the next hop's Ethernet header; while it has one, it is not looked up for every frame."""
        self._confirm(key, way, now)
        try:
            way.link, way.next_hop = self._ip.way(way.remote, now)
        except OSError:  # the way has been lost since the connection began; its timers notice
            return False
        way.may_fragment = self._ip.path_mtus.may_fragment(way.remote)
        way.until = now if way.link is UNRESOLVED else now + LINK_LIFE
        if self._tcp_header is None or way.may_fragment or self._ip.is_own(way.remote):
            way.raw_until = -1.0
        elif way.begin_raw(self._tcp_header):
            for path in self._paths.values():
                path.answers = -1  # what they begin with is out of date
        return True

    def _confirm(self, key: bytes, way: Way, now: float) -> None:
        """Spare a neighbor our question whether it is still there, if TCP made progress since the last look-up."""
        connection = self.connections.get(key)
        if isinstance(connection, Connection) and way.next_hop and connection.progress > way.until - LINK_LIFE:
            self._ip.interface.neighbors.confirm(way.next_hop, now)

    def _make(self, key: bytes) -> Path:
        if len(self._paths) >= MAX_PATHS:
            self._paths.clear()
        service = self._services.get(key)
        kind = key[:8] if service is None else key[:8] + bytes(service)
        way = self._ways.get(kind)
        if way is None:
            if len(self._ways) >= MAX_WAYS:
                self._ways.clear()
            way = self._ways[kind] = Way(key[4:8] + key[:4], *self.service(key))
        path = self._paths[key] = Path(key, way)
        return path

    def service(self, key: bytes) -> tuple[int, int]:
        """Return tos and ttl of a connection's packets."""
        return self._services.get(key, (0, TTL))

    def set_service(self, key: bytes, tos: int, ttl: int) -> None:
        """Change tos and ttl of a connection's packets from now on."""
        self._services[key] = tos, ttl
        self._paths.pop(key, None)

    def forget(self, key: bytes) -> None:
        """Forget a connection's path and service."""
        self._services.pop(key, None)
        self._paths.pop(key, None)
