"""The way out of TCP: transmissions to frames, by the path of each connection."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from fata.proto.tcp.connection import Connection
from fata.proto.tcp.transmission import transmission_of
from fata.stack.interface import UNRESOLVED
from fata.stack.path import HEAD_LENGTH, TTL, Path
from fata.stack.segmentation import software, to_frames, without_dont_fragment
from fata.wire.tcp import ACK, PSH, TIMESTAMPS_WORD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fata.proto.tcp.time_wait import TimeWait
    from fata.proto.tcp.transmission import Transmission
    from fata.stack.counters import Counters
    from fata.stack.ipv4 import Ipv4

# All that is the same for answers of one length: the headers of card, Ethernet and IPv4, and both ports. The rest of
# TCP's: seq, ack, offset and flags, window, sum; timestamps.
STAMPED = "IIHHH2xIII"
STAMPED_FLAGS = 0x8000 | ACK | PSH  # its data offset beside an answer's flags
LINK_LIFE = 0.5  # seconds that a neighbor's MAC is used without asking for it again
MAX_PATHS = 8192  # paths that are remembered; more connections than that only cost time


class Output:
    """Makes frames and hands them to the interface."""

    def __init__(self, ip: Ipv4, counters: Counters) -> None:
        self._ip = ip
        self._counters = counters
        self._paths: dict[bytes, Path] = {}
        self.connections: dict[bytes, Connection | TimeWait] = {}  # the host's, for whoever makes one to set
        self._services: dict[bytes, tuple[int, int]] = {}  # tos and ttl of connections that have their own
        raw = ip.interface.raw
        self._tcp_header = None if raw is None else raw.tcp_header
        self._pack = Struct(f"!{len(self._tcp_header or b'') + HEAD_LENGTH}s{STAMPED}").pack

    def emit(self, key: bytes, transmissions: list[Transmission], now: float) -> None:
        """Send what a connection, known by its key, has flushed."""
        path = self._paths.get(key)
        if path is None:
            path = self._make(key)
        if now >= path.until and not self._find_way(key, path, now):
            self._counters.unreachable += len(transmissions)
            return
        interface = self._ip.interface
        device = interface.capabilities
        for sent in transmissions:
            if path.may_fragment:
                frames = [without_dont_fragment(each, self._ip.identify()) for each in software(path, path.link, sent)]
            else:
                frames = to_frames(path, path.link, sent, device)
            interface.send(path.link, path.next_hop, frames, now)

    def send_answers(self, connections: Iterable[Connection | TimeWait], now: float) -> list[Connection | TimeWait]:
        """Send what is one plain segment each; return those that have, or may have, something else to send."""
        ticks = int(now * 1000)
        pack, paths = self._pack, self._paths
        frames: list[bytes] = []
        others: list[Connection | TimeWait] = []
        for connection in connections:
            answer = connection.answer(now, ticks)
            if answer is None:
                others.append(connection)
                continue
            path = paths.get(connection.key)
            if path is None or now >= path.raw_until:
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

    def _find_way(self, key: bytes, path: Path, now: float) -> bool:
        """Find the next hop's Ethernet header; while it has one, it is not looked up for every frame."""
        self._confirm(key, path, now)
        try:
            path.link, path.next_hop = self._ip.way(path.remote, now)
        except OSError:  # the way has been lost since the connection began; its timers notice
            return False
        path.may_fragment = self._ip.path_mtus.may_fragment(path.remote)
        path.until = now if path.link is UNRESOLVED else now + LINK_LIFE
        if self._tcp_header is not None and not path.may_fragment and not self._ip.is_own(path.remote):
            path.begin_raw(self._tcp_header)
        return True

    def _confirm(self, key: bytes, path: Path, now: float) -> None:
        """Spare a neighbor our question whether it is still there, if TCP made progress since the last look-up."""
        connection = self.connections.get(key)
        if isinstance(connection, Connection) and path.next_hop and connection.progress > path.until - LINK_LIFE:
            self._ip.interface.neighbors.confirm(path.next_hop, now)

    def _make(self, key: bytes) -> Path:
        if len(self._paths) >= MAX_PATHS:
            self._paths.clear()
        path = self._paths[key] = Path(key, *self.service(key))
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
