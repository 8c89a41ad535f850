"""The way out of TCP: transmissions to frames, by the path of each connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fata.stack.path import Path
from fata.stack.segmentation import to_frames

if TYPE_CHECKING:
    from fata.proto.tcp.transmission import Transmission
    from fata.stack.counters import Counters
    from fata.stack.ipv4 import Ipv4

MAX_PATHS = 8192  # paths that are remembered; more connections than that only cost time


class Output:
    """Makes frames and hands them to the interface."""

    def __init__(self, ip: Ipv4, counters: Counters) -> None:
        self._ip = ip
        self._counters = counters
        self._paths: dict[bytes, Path] = {}

    def emit(self, key: bytes, transmissions: list[Transmission], now: float) -> None:
        """Send what a connection, known by its key, has flushed."""
        path = self._paths.get(key)
        if path is None:
            path = self._make(key)
        interface = self._ip.interface
        try:
            link, next_hop = self._ip.way(path.remote, now)
        except OSError:  # the way has been lost since the connection began; its timers notice
            self._counters.unreachable += len(transmissions)
            return
        device = interface.capabilities
        for sent in transmissions:
            interface.send(link, next_hop, to_frames(path, link, sent, device), now)

    def _make(self, key: bytes) -> Path:
        if len(self._paths) >= MAX_PATHS:
            self._paths.clear()
        path = self._paths[key] = Path(key)
        return path

    def forget(self, key: bytes) -> None:
        """Forget a connection's path."""
        self._paths.pop(key, None)
