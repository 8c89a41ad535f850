"""IPv4 of one host: whom it is, which way packets go, and the long way in for whatever is not plain TCP or UDP."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, NamedTuple

from fata.device.net import Segmentation, SentFrame
from fata.errors import ConfigError
from fata.proto.path_mtu import PathMtu
from fata.proto.reassembly import Reassembly
from fata.stack.alarm import Alarm
from fata.wire import ethernet, icmpv4, ipv4, ipv4_options
from fata.wire.checksum import MODULUS

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from fata.device.net import Buffer
    from fata.stack.counters import Counters
    from fata.stack.interface import Interface

ETHERNET_LENGTH = ethernet.HEADER_LENGTH
SOURCE_ROUTES = {ipv4_options.LOOSE_SOURCE_ROUTE, ipv4_options.STRICT_SOURCE_ROUTE}  # refused, RFC 7126 4.3 and 4.4


class Addressing(NamedTuple):
    """Who a host is. All addresses have 4 octets."""

    address: bytes
    prefix: int  # bits
    gateway: bytes | None = None
    routes: tuple[tuple[bytes, int, bytes], ...] = ()  # destination, prefix, gateway: RFC 3442

    @property
    def broadcast(self) -> bytes:
        """The address of all hosts of the network (RFC 919)."""
        host_bits = 32 - self.prefix
        return (int.from_bytes(self.address, "big") | (1 << host_bits) - 1).to_bytes(4, "big")

    def reaches(self, address: bytes) -> bool:
        """Say whether `address` is on the same network."""
        difference = int.from_bytes(self.address, "big") ^ int.from_bytes(address, "big")
        return difference >> 32 - self.prefix == 0


def read_addressing(cidr: str | None, gateway: str | None = None) -> Addressing:
    """Read a host's address with its prefix, as in 192.0.2.2/24, and its router's. Raises `ConfigError`.

    Without an address it is `NOBODY`, whom DHCP will make somebody: it brings the router along.
    """
    if cidr is None:
        if gateway is not None:
            raise ConfigError(
                f"the router {gateway} is given, and no address", remedy="DHCP names one; else give --ipv4, too."
            )
        return NOBODY
    address, prefix = ipv4.parse_cidr(cidr)
    if not ipv4.is_host(address, prefix):
        raise ConfigError(
            f"{cidr} is no host's address: it means many, or none, or every host's own",
            remedy="Give one of the network's, as in 192.0.2.2/24.",
        )
    if gateway is None:
        return Addressing(address, prefix)
    router = ipv4.parse_address(gateway)
    addressing = Addressing(address, prefix, router)
    if not addressing.reaches(router):
        raise ConfigError(
            f"the router {gateway} is not in the network {cidr}", remedy="A router is a neighbor: mind the prefix."
        )
    if router == address or not ipv4.is_host(router, prefix):
        raise ConfigError(f"the router {gateway} is no other host of {cidr}", remedy="Give the router's own address.")
    return addressing


def read_addresses(texts: Sequence[str]) -> list[bytes]:
    """Read addresses without prefixes. Raises `ConfigError`."""
    return [ipv4.parse_address(text) for text in texts]


NOBODY = Addressing(ipv4.UNSPECIFIED, 32)


class Ipv4:
    """Routes, sends and receives packets.

    `handlers` take packets by protocol: header, data, start and end of the payload, whether the device has verified
    its checksum, and the time.
    """

    def __init__(
        self, interface: Interface, counters: Counters, loop: asyncio.AbstractEventLoop, identification: int
    ) -> None:
        self.addressing = NOBODY
        self.interface = interface
        self.handlers: dict[int, Callable[[ipv4.Header, bytes, int, int, bool, float], None]] = {}
        self.path_mtus = PathMtu(interface.mtu)
        self.reassembly = Reassembly()
        self.expired: Callable[[list[icmpv4.Quoted], float], None] | None = None
        self.no_handler: Callable[[ipv4.Header, bytes, int, int, float], None] | None = None
        self._counters = counters
        self._identification = identification  # of packets that are fragmented; each has its own
        self._alarm = Alarm(loop, self._tick)
        self._broadcast = ipv4.BROADCAST
        self._network = (0, 0)  # number and mask

    @property
    def address(self) -> bytes:
        """This host's address; 0.0.0.0 before it has one."""
        return self.addressing.address

    def configure(self, addressing: Addressing) -> None:
        """Be somebody from now on."""
        self.addressing = addressing
        self._broadcast = addressing.broadcast if addressing.prefix < 31 else ipv4.BROADCAST
        mask = int.from_bytes(ipv4.netmask(addressing.prefix), "big")
        self._network = (int.from_bytes(addressing.address, "big") & mask, mask)

    # Out.

    def is_own(self, address: bytes) -> bool:
        """Say whether packets to `address` stay here."""
        return address == self.addressing.address or address[0] == ipv4.LOOPBACK_NET

    def is_broadcast(self, address: bytes) -> bool:
        """Say whether `address` means every host of the network."""
        return address in (ipv4.BROADCAST, self._broadcast)

    def next_hop(self, destination: bytes) -> bytes:
        """Return the neighbor that packets to `destination` go to. Raises `OSError` if there is no way."""
        if self.interface.failed is not None:
            raise OSError(errno.ENETDOWN, f"{os.strerror(errno.ENETDOWN)}: {self.interface.failed}")
        number = int.from_bytes(destination, "big")
        network, mask = self._network
        if number & mask == network and mask:
            return destination
        for target, prefix, gateway in self.addressing.routes:
            if number & int.from_bytes(ipv4.netmask(prefix), "big") == int.from_bytes(target, "big"):
                return gateway
        if self.addressing.gateway is None:
            raise OSError(errno.ENETUNREACH, f"{os.strerror(errno.ENETUNREACH)}: {ipv4.format_address(destination)}")
        return self.addressing.gateway

    def way(self, destination: bytes, now: float) -> tuple[bytes, bytes]:
        """Return Ethernet header and next hop. Raises `OSError` if there is no way."""
        if self.is_own(destination):
            return self.interface.own_link(), destination
        if self.is_broadcast(destination):
            return self.interface.group_link(ethernet.BROADCAST), destination
        if ipv4.is_multicast(destination):
            return self.interface.group_link(ethernet.multicast_mac(destination)), destination
        next_hop = self.next_hop(destination)
        return self.interface.link(next_hop, now), next_hop

    def send(
        self,
        destination: bytes,
        protocol: int,
        buffers: tuple[Buffer, ...],
        now: float,
        *,
        source: bytes | None = None,
        ttl: int = ipv4.DEFAULT_TTL,
        checksum_offset: int = -1,
    ) -> None:
        """Send a packet whose payload is `buffers`, in fragments if it is too long for one frame.

        Raises `OSError` without a way, and for what no packet can hold.

        With `checksum_offset` ≥ 0 the device completes the checksum there: only when `offloads_checksum` has said so.
        """
        link, next_hop = self.way(destination, now)
        if source is None:
            source = self.source_for(destination)
        length = sum(map(len, buffers))
        if length > ipv4.MAX_LENGTH - ipv4.HEADER_LENGTH:
            raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
        header = ipv4.Header(source, destination, protocol, ttl)
        frames = []
        if ipv4.HEADER_LENGTH + length <= self.interface.mtu:
            first = link + ipv4.serialize(header, length) + bytes(buffers[0])
            start = ETHERNET_LENGTH + ipv4.HEADER_LENGTH if checksum_offset >= 0 else -1
            frames.append(SentFrame((first, *buffers[1:]), start, max(checksum_offset, 0), Segmentation.NONE, 0, 0))
        else:
            header = header._replace(identification=self.identify())
            for octets, piece in ipv4.fragments(header, b"".join(buffers), self.interface.mtu):
                frames.append(SentFrame((link + octets, piece)))
        self.interface.send(link, next_hop, frames, now)

    def identify(self) -> int:
        """Return the number of the next packet that may be fragmented (RFC 6864 4.1)."""
        self._identification = (self._identification + 1) & 0xFFFF
        return self._identification

    def source_for(self, destination: bytes) -> bytes:
        """Return the address that packets to `destination` come from."""
        return destination if destination[0] == ipv4.LOOPBACK_NET else self.addressing.address

    def offloads_checksum(self, length: int) -> bool:
        """Say whether the device completes the checksum of a packet with so many octets of payload."""
        return self.interface.capabilities.send_checksum and ipv4.HEADER_LENGTH + length <= self.interface.mtu

    # In.

    def receive(self, data: bytes, verified: bool, now: float) -> None:
        """Take a frame with an IPv4 packet. `verified`: the device answers for its checksum. Raises `WireError`."""
        header = ipv4.parse(data, ETHERNET_LENGTH, len(data))
        if not self._is_for_us(header):
            self._counters.for_others += 1
            return
        if header.options and not SOURCE_ROUTES.isdisjoint(kind for kind, _, _ in ipv4_options.ranges(header.options)):
            self._counters.source_routed += 1
            return
        start, end = ETHERNET_LENGTH + header.header_length, ETHERNET_LENGTH + header.total_length
        if header.is_fragment:
            whole = self.reassembly.receive(header, data, start, end, now)
            self._alarm.set(self.reassembly.next_deadline())
            if whole is None:
                return
            header, data, start, end, verified = whole.header, whole.payload, 0, len(whole.payload), False
        self.dispatch(header, data, start, end, verified, now)

    def dispatch(self, header: ipv4.Header, data: bytes, start: int, end: int, verified: bool, now: float) -> None:
        """Hand a whole packet to its protocol."""
        handler = self.handlers.get(header.protocol)
        if handler is not None:
            handler(header, data, start, end, verified, now)
            return
        self._counters.unknown_protocol += 1
        if self.no_handler is not None:
            self.no_handler(header, data, start, end, now)

    def _is_for_us(self, header: ipv4.Header) -> bool:
        destination = header.destination
        if self.is_martian(header.source, destination):
            return False
        if self.addressing == NOBODY:
            return not ipv4.is_multicast(destination)  # an answer of DHCP may come to the address it offers
        return self.is_own(destination) or self.is_broadcast(destination)

    def is_martian(self, source: bytes, destination: bytes) -> bool:
        """Say whether no packet can rightly have these addresses (RFC 1122 3.2.1.3, RFC 6274 3.9).

        From the card: our own address as the source, and whatever only this host may say to itself.
        """
        if ipv4.is_multicast(source) or self.is_broadcast(source):
            return True
        if self.interface.inside:
            return source[0] == ipv4.LOOPBACK_NET and destination[0] != ipv4.LOOPBACK_NET
        return (self.is_own(source) and source != ipv4.UNSPECIFIED) or destination[0] == ipv4.LOOPBACK_NET

    def _tick(self, now: float) -> None:
        self.reassembly.tick(now)
        expired = self.reassembly.take_expired()
        if expired and self.expired is not None:
            self.expired(expired, now)
        self.path_mtus.tick(now)
        self._alarm.set(min(self.reassembly.next_deadline(), self.path_mtus.next_deadline()))

    def close(self) -> None:
        """Stop the clock."""
        self._alarm.cancel()


def pseudo_header_sum(addresses: bytes, protocol: int, length: int) -> int:
    """Return what stands in the checksum field for a device to complete; `addresses` are both, 8 octets."""
    return (int.from_bytes(addresses, "big") + protocol + length) % MODULUS
