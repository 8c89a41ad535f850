"""The way out of TCP: transmissions to frames, by the path of each connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fata.proto.tcp.connection import Connection
from fata.stack.interface import UNRESOLVED
from fata.stack.path import TTL, VERSION_AND_LENGTH, Path
from fata.stack.segmentation import answer, software, to_frames, without_dont_fragment
from fata.wire.tcp import TIMESTAMPS_ONLY

if TYPE_CHECKING:
    from fata.proto.tcp.time_wait import TimeWait
    from fata.proto.tcp.transmission import Transmission
    from fata.stack.counters import Counters
    from fata.stack.ipv4 import Ipv4

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
        self._completes = ip.interface.capabilities.send_checksum

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
            _seq, _ack, _flags, _window, options, _buffers, length, size = sent
            if path.may_fragment:
                frames = [without_dont_fragment(each, self._ip.identify()) for each in software(path, path.link, sent)]
            elif self._completes and length <= size and len(options) == TIMESTAMPS_ONLY.size:
                frames = [answer(path, sent)]
            else:
                frames = to_frames(path, path.link, sent, device)
            interface.send(path.link, path.next_hop, frames, now)

    def _find_way(self, key: bytes, path: Path, now: float) -> bool:
        """Find the next hop's Ethernet header; while it has one, it is not looked up for every frame."""
        self._confirm(key, path, now)
        try:
            path.link, path.next_hop = self._ip.way(path.remote, now)
            path.begin = path.link + bytes((VERSION_AND_LENGTH, path.tos))
        except OSError:  # the way has been lost since the connection began; its timers notice
            return False
        path.may_fragment = self._ip.path_mtus.may_fragment(path.remote)
        path.until = now if path.link is UNRESOLVED else now + LINK_LIFE
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
