"""A host's own address on an Ethernet (RFC 5227): who is on its network, when it is announced, how it is defended."""

from __future__ import annotations

from math import inf

from fata.wire import ipv4

DEFEND_INTERVAL = 10.0  # seconds, RFC 5227 1.1
ANNOUNCEMENTS = 2  # RFC 5227 1.1
ANNOUNCE_INTERVAL = 2.0  # seconds, RFC 5227 1.1
UNTAKEN = 4096  # conflicts that wait to be taken, at most


class OwnAddress:
    """The address, if the host has one. It says when to send an announcement; `Neighbors` sends it."""

    def __init__(self) -> None:
        self.address: bytes | None = None
        self.announce_at = inf
        self._prefix = 0
        self._announcements = 0  # still to be made
        self._defended = -inf
        self._conflicts: list[bytes] = []

    def configure(self, address: bytes | None, prefix: int, now: float) -> None:
        """Take an address with its prefix length (None: have none any more); it is to be announced (RFC 5227 2.3)."""
        self.address = address
        self._prefix = prefix
        self._defended = -inf
        self._announcements = ANNOUNCEMENTS if address is not None else 0
        self.announce_at = now if address is not None else inf

    def is_on_link(self, address: bytes) -> bool:
        """Say whether a station on our network may have this address."""
        if ipv4.is_multicast(address) or address == ipv4.BROADCAST or self.address is None:
            return False
        bits = 32 - self._prefix
        host = int.from_bytes(address, "big") & (1 << bits) - 1
        if bits > 1 and host in (0, (1 << bits) - 1):
            return False
        return int.from_bytes(address, "big") >> bits == int.from_bytes(self.address, "big") >> bits

    def announced(self, now: float) -> None:
        """Note an announcement, the next of which may be due."""
        self._announcements -= 1
        self.announce_at = now + ANNOUNCE_INTERVAL if self._announcements else inf

    def conflict(self, mac: bytes, now: float) -> bool:
        """Note that somebody else uses the address; say whether to defend it.

        That is so seldom that two defenders do not fill the network (RFC 5227 2.4, c).
        """
        if len(self._conflicts) < UNTAKEN:
            self._conflicts.append(mac)
        if now - self._defended < DEFEND_INTERVAL:
            return False
        self._defended = now
        return True

    def take_conflicts(self) -> list[bytes]:
        """Return the MACs of others who were seen using the address since the last call."""
        conflicts, self._conflicts = self._conflicts, []
        return conflicts
