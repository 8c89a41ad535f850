"""Ephemeral ports (RFC 6056, algorithm 3), and what is wrong with ports and addresses."""

from __future__ import annotations

from collections.abc import Container

from fata.errors import Unavailable
from fata.proto.tcp.isn import keyed

TRIES = 4096  # ports that are looked at before giving up


class PortInUse(Unavailable):
    """The port is taken by another listener or connection."""


class NoPortFree(Unavailable):
    """Every ephemeral port towards that peer is taken."""


class TooManyConnections(Unavailable):
    """The host's cap on connections is reached."""


class BadAddress(Unavailable):
    """Nobody can be connected to at that address."""


class Ports:
    """Chooses local ports: hard to guess from outside, and each reused as late as possible."""

    __slots__ = ("_counter", "_first", "_range", "_secret")

    def __init__(self, secret: bytes, first: int, last: int) -> None:
        self._secret = secret
        self._first = first
        self._range = last - first + 1
        self._counter = 0

    def choose(self, remote: bytes, local: bytes, remote_port: int, taken: Container[bytes]) -> int:
        """Return a port for which no key is in `taken`. Raises `NoPortFree`."""
        head = remote + local + remote_port.to_bytes(2, "big")
        offset = keyed(self._secret, b"port", head)
        for _ in range(min(TRIES, self._range)):
            port = self._first + (offset + self._counter) % self._range
            self._counter += 1
            if head + port.to_bytes(2, "big") not in taken:
                return port
        raise NoPortFree(f"no free port among {self._range} from {self._first} on, towards port {remote_port}")


def is_unicast(address: bytes) -> bool:
    """Whether one host can have this address; a network's own broadcast address is for the IP layer to know."""
    if len(address) == 4:
        return 0 < address[0] < 224  # RFC 1122 3.2.1.3: 0 is "this host", 224 and up multicast and reserved
    return address[0] != 0xFF and any(address)
