"""An address from DHCP: carries the client's messages, and makes the host who its lease says."""

from __future__ import annotations

import asyncio
import logging
import math
from typing import TYPE_CHECKING

from fata.device.lease import Lease as LeaseTold
from fata.errors import StateError, Unavailable, WireError
from fata.proto.dhcp.client import Cause, Client, Gained, Lost
from fata.proto.dhcp.questions import Settings
from fata.stack.alarm import Alarm
from fata.stack.ipv4 import NOBODY, Addressing
from fata.wire import dhcp, ipv4, udp

if TYPE_CHECKING:
    from collections.abc import Callable

    from fata.proto.dhcp.lease import Lease
    from fata.stack.host import Host

LOG = logging.getLogger("dhcp")
IMPATIENCE = 5.0  # seconds after which who waits for a lease is told what for
PROBATION = 10.0  # seconds; two announcements and their answers take four


class Leasing:
    """Owns UDP port 68 from `start` to `close`. `changed` is called whenever the lease is another, or lost (None)."""

    def __init__(self, host: Host, chance: Callable[[int], bytes], host_name: str = "") -> None:
        self.machine = Client(host.interface.mac, chance, Settings(host_name=host_name))
        self.changed: Callable[[Lease | None], None] | None = None
        self._host = host
        self._alarm = Alarm(host.loop, self._tick)
        self._waiting: list[asyncio.Future[Lease]] = []
        self._started = False
        self._became = -math.inf  # when the host got its address
        host.interface.conflict = self.conflict

    @property
    def lease(self) -> Lease | None:
        """What was granted, while it holds."""
        return self.machine.lease

    async def get(self, wait: float) -> Lease:
        """Begin, unless that has been done, and return the lease.

        Raises `Unavailable` when no server has granted one within `wait` seconds, and when the host was given an
        address instead.
        """
        if not self._started:
            if self._host.ip.addressing != NOBODY:
                raise Unavailable("the address was given, not leased", "Ask for one by --dhcp instead of --ipv4.")
            self._started = True
            self._host.udp.bind(dhcp.CLIENT_PORT, self)
            self.machine.start(self._host.loop.time())
        if self.machine.lease is not None:
            return self.machine.lease
        waiting: asyncio.Future[Lease] = self._host.loop.create_future()
        self._waiting.append(waiting)
        self._settle()
        hint = self._host.loop.call_later(IMPATIENCE, LOG.warning, "no server has answered yet")
        try:
            async with asyncio.timeout(wait):
                return await waiting
        except TimeoutError:
            raise Unavailable(
                f"no DHCP server has given an address within {wait:g} s",
                "Is one on this network? Else give an address: --ipv4 192.0.2.2/24",
            ) from None
        finally:
            hint.cancel()

    # What a port's owner is told: see `fata.stack.udp.Port`.

    def receive(self, source: bytes, src_port: int, payload: bytes) -> None:
        """Take a server's message."""
        if src_port != dhcp.SERVER_PORT:
            return
        try:
            message = dhcp.parse(payload, 0, len(payload))
        except WireError:
            self._host.counters.malformed += 1
            return
        self.machine.receive(message, self._host.loop.time())
        self._settle()

    def fail(self, destination: bytes, dst_port: int, error: OSError) -> None:
        """Pass over an ICMP error: time tells."""

    def conflict(self, now: float) -> None:
        """Tell the server that somebody else uses our new address; another one is asked for (RFC 2131 4.4.1).

        Not later than `PROBATION` after it was granted: else whoever can send two ARP packets takes it away.
        """
        if self.machine.lease is not None and now - self._became < PROBATION:
            self._became = -math.inf
            self._host.loop.call_soon(self._decline)

    def _decline(self) -> None:
        self.machine.decline(self._host.loop.time())
        self._settle()

    def _settle(self) -> None:
        now = self._host.loop.time()
        for outgoing in self.machine.take_messages():
            payload = dhcp.serialize(outgoing.message)
            header = udp.serialize_header(
                dhcp.CLIENT_PORT, dhcp.SERVER_PORT, payload, outgoing.source + outgoing.destination
            )
            try:
                self._host.ip.send(outgoing.destination, ipv4.UDP, (header, payload), now, source=outgoing.source)
            except OSError as error:
                LOG.warning("a message cannot be sent: %s", error)
        for event in self.machine.take_events():  # after the messages: a RELEASE still leaves from the old address
            if isinstance(event, Lost) and event.cause is Cause.RELEASED:
                continue  # the host closes; who asks for the server's MAC still needs an address
            if isinstance(event, Lost):
                LOG.warning("the address %s is lost: %s", ipv4.format_address(event.lease.address), event.cause.value)
            self._become(event.lease if isinstance(event, Gained) else None)
        self._alarm.set(self.machine.next_deadline())

    def _become(self, lease: Lease | None) -> None:
        host = self._host
        if lease is None:
            host.configure(NOBODY)
        else:
            addressing = addressing_of(lease)
            if addressing != host.ip.addressing:
                self._became = host.loop.time()
                host.configure(addressing)
                LOG.info("%s", describe(lease))
            if not host.keeps_servers:
                host.set_name_servers(lease.dns)
            for waiting in self._waiting:
                if not waiting.done():
                    waiting.set_result(lease)
            self._waiting.clear()
        if self.changed is not None:
            self.changed(lease)

    def lose(self, error: Exception) -> None:
        """Ask nobody any more: the network has gone."""
        self._alarm.cancel()
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(error)
        self._waiting.clear()

    def _tick(self, now: float) -> None:
        self.machine.tick(now)
        self._settle()

    def close(self) -> None:
        """Give the address back to its server."""
        if not self._started:
            return
        self._alarm.cancel()
        self.changed = None
        try:
            self.machine.stop(self._host.loop.time())
            self._settle()
        except StateError:
            pass  # stopped before
        self._alarm.cancel()
        self._host.udp.release(dhcp.CLIENT_PORT)


def addressing_of(lease: Lease) -> Addressing:
    """Return who a lease makes of a host."""
    routes = tuple((route.network, route.prefix, route.gateway) for route in lease.routes)
    return Addressing(lease.address, lease.prefix, lease.gateway, routes)


def told(lease: Lease, now: float) -> LeaseTold:
    """Return a lease as applications see it."""
    return LeaseTold(
        ipv4.format_address(lease.address),
        lease.prefix,
        ipv4.format_address(lease.server),
        None if lease.gateway is None else ipv4.format_address(lease.gateway),
        tuple(map(ipv4.format_address, lease.dns)),
        lease.domain,
        max(0.0, lease.renews - now),
        max(0.0, lease.rebinds - now),
        max(0.0, lease.expires - now),
    )


def describe(lease: Lease) -> str:
    """Return a lease as a line for people."""
    parts = [f"address {ipv4.format_address(lease.address)}/{lease.prefix}"]
    if lease.gateway is not None:
        parts.append(f"router {ipv4.format_address(lease.gateway)}")
    if lease.dns:
        parts.append("name servers " + " ".join(map(ipv4.format_address, lease.dns)))
    if lease.domain:
        parts.append(f"domain {lease.domain}")
    return ", ".join([*parts, f"from {ipv4.format_address(lease.server)}"])
