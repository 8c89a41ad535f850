"""Opening our own TCP/IP over a network interface of the host."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fata.driver.clock.real import RealClock
from fata.driver.entropy.os import OsEntropy
from fata.driver.net.interface import driver_of
from fata.driver.net.pcap import PcapFile, PcapNet
from fata.errors import StateError, Unavailable
from fata.runtime.stack import made_ready
from fata.stack.direct import DirectStack
from fata.stack.ipv4 import read_addresses, read_addressing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fata.device.net import Net
    from fata.device.poller import Poller

RINGS = "ring:"  # before an interface's name: less CPU for a frame, more waiting (docs/design/net.md)
TAP = "tun"  # what Linux calls the driver of TAP interfaces


async def open_direct_stack(
    interface: str,
    ipv4: str | None = None,
    ipv4_gateway: str | None = None,
    *,
    dhcp: bool = False,
    dns: Sequence[str] = (),
    pcap: str | None = None,
    stats: bool = False,
    offload: bool = True,
) -> DirectStack:
    """Open a stack over a TAP or Ethernet interface; it lends its network to the running loop, which must be fata's.

    `ipv4` is an address with its prefix, as in 192.0.2.2/24; with `dhcp` a server is asked for one instead.
    Raises `ConfigError` and `Unavailable`.
    """
    loop: Any = asyncio.get_running_loop()
    poller: Poller | None = getattr(loop, "poller", None)
    if poller is None:
        raise StateError(f"{type(loop).__name__} has no poller: run the program in fata's own loop")
    if dhcp is (ipv4 is not None):
        reason = "the stack has an address twice: by --dhcp and by --ipv4" if dhcp else "the stack has no address"
        raise Unavailable(reason, "Give --dhcp, or an address with its prefix: --ipv4 192.0.2.2/24")
    addressing = read_addressing(ipv4, ipv4_gateway)
    net = open_interface(poller, interface, offload=offload)
    if pcap is not None:
        net = PcapNet(net, PcapFile(pcap), RealClock())
    stack = DirectStack(net, addressing, OsEntropy().octets, servers=read_addresses(dns), lend=True)
    return await made_ready(stack, dhcp=dhcp, report=stack.report if stats else None)


def open_interface(poller: Poller, name: str, *, offload: bool = True) -> Net:
    """Open a TAP interface, or any other that is Ethernet; `ring:NAME` the latter with rings. Raises `Unavailable`."""
    if name.startswith(RINGS):
        from fata.driver.net.ring_packet import RingPacket

        name = name.removeprefix(RINGS)
        if driver_of(name) == TAP:  # its other end is the program's; here there would be nobody to talk to
            raise Unavailable(f"{name}: a TAP interface has no rings", f"Give it without them: --interface {name}")
        return RingPacket(poller, name, offload=offload)
    if driver_of(name) in (TAP, None):  # for None the TAP driver knows the remedy
        from fata.driver.net.tap import Tap

        return Tap(poller, name, offload=offload)
    from fata.driver.net.packet import Packet

    return Packet(poller, name, offload=offload)
