"""Host: every protocol of one network card, put together."""

from __future__ import annotations

import errno
import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from fata.proto.neighbors import Neighbors
from fata.proto.reassembly import Limits
from fata.proto.tcp.settings import HostSettings, Settings
from fata.stack.counters import Counters
from fata.stack.icmp import Icmp
from fata.stack.input import Input
from fata.stack.interface import Interface
from fata.stack.ipv4 import NOBODY, Addressing, Ipv4
from fata.stack.leasing import Leasing
from fata.stack.loop_calls import LoopCalls
from fata.stack.names import Names
from fata.stack.output import Output
from fata.stack.resolver import Resolver
from fata.stack.tcp import Tcp
from fata.stack.udp import Udp
from fata.wire import ipv4, tcp

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from fata.device.net import Net
    from fata.errors import DeviceError

LOG = logging.getLogger("network")
LAST_WORDS = 0.5  # seconds that a farewell to a DHCP server may take to find it
ASYNCIOS = Settings(nodelay=True)  # as asyncio's own connections


class Host:
    """The parts, joined. `chance(n)` returns n octets that nobody can foresee.

    `settings` are of every connection, but for its segments' size. `caps` are the host's; without them `memory`, if it
    is short, are the octets that the caps on what strangers send are worked out from.
    """

    def __init__(
        self,
        net: Net,
        loop: asyncio.AbstractEventLoop,
        chance: Callable[[int], bytes],
        *,
        settings: Settings = ASYNCIOS,
        caps: HostSettings | None = None,
        memory: int | None = None,
    ) -> None:
        self.loop = loop
        self.counters = Counters()
        self.keeps_servers = False  # the user has named DNS servers: DHCP's do not count
        self.interface = Interface(net, Neighbors(net.mac), loop, self.counters)
        self.ip = Ipv4(self.interface, self.counters, loop, int.from_bytes(chance(2), "big"))
        settings = replace(settings, mss=net.mtu - ipv4.HEADER_LENGTH - tcp.HEADER_LENGTH)
        self.output = Output(self.ip, self.counters)
        if caps is None and memory is not None:
            caps = HostSettings.within(memory)
        self.tcp = Tcp(chance, loop, settings, self.ip, self.output, caps)
        if memory is not None:
            self.ip.reassembly.limits = Limits.within(memory)
        self.udp = Udp(self.ip, self.counters, chance)
        self.icmp = Icmp(self.ip, self.udp, self.tcp, loop, chance)
        self.input = Input(self.ip, self.tcp, self.udp, self.icmp, self.counters, loop)
        self.resolver = Resolver(self.udp, self.tcp, loop, chance)
        self.names = Names(self.resolver.ask)
        self.leasing = Leasing(self, chance)
        self.calls = LoopCalls(self.tcp, self.udp, self.names)

    def start(self) -> None:
        """Begin to receive."""
        self.interface.start(self.input.receive, self.input.receive_raw, self.icmp.undeliverable, self._lose)

    def _lose(self, error: DeviceError) -> None:
        """End everything that goes through the card, which has gone; what this host says to itself goes on."""
        LOG.error("the network has gone: %s", error)
        told = OSError(errno.ENETDOWN, f"{os.strerror(errno.ENETDOWN)}: {error}")
        self.tcp.lose(told)
        for endpoint in tuple(self.calls.endpoints):
            endpoint.lose(told)
        self.icmp.lose(told)
        self.leasing.lose(error)
        for server in tuple(self.calls.servers):
            server.lose(error)

    def configure(self, addressing: Addressing) -> None:
        """Be somebody from now on, and announce it."""
        self.ip.configure(addressing)
        now = self.loop.time()
        address = None if addressing == NOBODY else addressing.address
        broadcast = () if address is None or addressing.prefix >= 31 else (addressing.broadcast,)
        self.icmp.gate.broadcasts = frozenset(broadcast)
        self.interface.neighbors.configure(address, addressing.prefix, now)
        self.interface.settle_neighbors(now)

    def set_name_servers(self, servers: Sequence[bytes]) -> None:
        """Ask these for names."""
        self.resolver.set_servers(servers)

    async def close(self, linger: float) -> None:
        """Stop listening, wait at most `linger` seconds for what was written to be acknowledged, give the card back."""
        for server in tuple(self.calls.servers):
            server.close()
        for endpoint in tuple(self.calls.endpoints):
            endpoint.close()
        await self.tcp.close(linger)
        self.leasing.close()
        self.resolver.close()
        self.icmp.close()
        self.ip.close()
        await self.interface.close(min(linger, LAST_WORDS))
