"""Path MTU discovery (RFC 1191): how large a packet may be on its way to a destination.

Whatever is not known has the link's MTU. Only a router's "fragmentation needed" lowers an estimate, and only if it
may be true; nothing but time raises it again. Whoever hands such a message over has first checked that it quotes a
packet of ours (RFC 5927): this table cannot know.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from fata.errors import StateError

LEAST_MTU = 68  # octets, RFC 791 3.2: what every router forwards whole
FLOOR = 552  # octets: below it segments are mostly headers, so a forged message would be an attack worth making
LIFETIME = 600.0  # seconds, RFC 1191 6.3
CAPACITY = 1024  # destinations

# Octets, RFC 1191 7: the MTUs that links had, for routers that do not say theirs; without those above Ethernet's jumbo.
PLATEAUS = (32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, LEAST_MTU)


@dataclass(slots=True)
class Counters:
    """What has become of the messages that came."""

    lowered: int = 0
    raised: int = 0  # estimates that have grown old
    implausible: int = 0  # below 68 octets, or the quoted packet would have passed
    ignored: int = 0  # said nothing new
    evicted: int = 0  # estimates that made room for others


class Estimate(NamedTuple):
    """What is known of a path."""

    mtu: int  # octets
    expires: float
    may_fragment: bool  # the path takes less than the floor, so packets must go without "don't fragment"


class PathMtu:
    """A host's estimates, by destination. `link_mtu` is the interface's, in octets."""

    def __init__(self, link_mtu: int, *, floor: int = FLOOR, capacity: int = CAPACITY) -> None:
        if not floor >= LEAST_MTU or capacity < 1:
            raise StateError(f"path mtu: a floor of {floor} octets, {capacity} destinations")
        self.link_mtu = link_mtu
        self.counters = Counters()
        self._floor = min(floor, link_mtu)
        self._capacity = capacity
        self._estimates: OrderedDict[bytes, Estimate] = OrderedDict()  # the next to expire first: all live equally long

    def __len__(self) -> int:
        return len(self._estimates)

    def lookup(self, destination: bytes) -> int:
        """Return how many octets a packet to `destination` may have."""
        estimate = self._estimates.get(destination)
        return self.link_mtu if estimate is None else estimate.mtu

    def may_fragment(self, destination: bytes) -> bool:
        """Return whether routers must be allowed to fragment, because the path takes less than the floor."""
        estimate = self._estimates.get(destination)
        return estimate is not None and estimate.may_fragment

    def receive(self, destination: bytes, mtu: int, quoted_length: int, now: float) -> int | None:
        """Take "fragmentation needed" about a packet of ours; return the new estimate if it is lower than before.

        `mtu` is what the router says, 0 if it is of before 1990; `quoted_length` the total length of the packet that
        did not pass, as quoted. Both in octets.
        """
        current = self.lookup(destination)
        told = mtu or _plateau_below(min(quoted_length, current))
        if told < LEAST_MTU or told >= quoted_length:
            self.counters.implausible += 1
            return None
        estimate = max(told, self._floor)
        may_fragment = told < self._floor
        if estimate >= current and may_fragment <= self.may_fragment(destination):
            self.counters.ignored += 1
            return None
        self._keep(destination, Estimate(estimate, now + LIFETIME, may_fragment))
        self.counters.lowered += 1
        return estimate

    def _keep(self, destination: bytes, estimate: Estimate) -> None:
        if self._estimates.pop(destination, None) is None and len(self._estimates) >= self._capacity:
            self._estimates.popitem(last=False)
            self.counters.evicted += 1
        self._estimates[destination] = estimate

    def next_deadline(self) -> float:
        """Return when the first estimate grows too old; inf if there is none."""
        return next(iter(self._estimates.values())).expires if self._estimates else inf

    def tick(self, now: float) -> list[bytes]:
        """Forget estimates that are too old; return their destinations, to which larger packets may go now."""
        raised = []
        while self._estimates and self.next_deadline() <= now:
            raised.append(self._estimates.popitem(last=False)[0])
        self.counters.raised += len(raised)
        return raised


def _plateau_below(length: int) -> int:
    return next((plateau for plateau in PLATEAUS if plateau < length), 0)
