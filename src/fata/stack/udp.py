"""UDP of one host: ports, and datagrams between them and the network."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Protocol

from fata.stack.ipv4 import pseudo_header_sum
from fata.stack.ports import PortTaken, free_port
from fata.wire import ipv4, udp

if TYPE_CHECKING:
    from collections.abc import Callable

    from fata.device.net import Buffer
    from fata.stack.counters import Counters
    from fata.stack.ipv4 import Ipv4


class Port(Protocol):
    """Whoever has a port."""

    def receive(self, source: bytes, src_port: int, payload: bytes) -> None:
        """Take a datagram."""
        ...

    def fail(self, destination: bytes, dst_port: int, error: OSError) -> None:
        """Learn that a datagram to `destination` did not arrive."""
        ...


NOBODY = (None, None)  # has a port that is free


class Udp:
    """The ports of one host."""

    def __init__(self, ip: Ipv4, counters: Counters, chance: Callable[[int], bytes]) -> None:
        self.ip = ip
        self.no_port: Callable[[bytes, float], None] | None = None
        self._ports: dict[int, tuple[Port, bytes | None]] = {}  # whose, and for what is sent to which address only
        self._counters = counters
        self._chance = chance

    def bind(self, port: int, owner: Port, address: bytes | None = None) -> int:
        """Give `owner` a port, 0 for any free one; return its number. Raises `PortTaken`.

        With `address`, it hears only what is sent there: at 127.0.0.1 nothing from outside.
        """
        if port == 0:
            port = free_port(self._ports, self._chance, "UDP")
        elif port in self._ports:
            raise PortTaken("UDP", port)
        self._ports[port] = owner, address
        return port

    def is_free(self, port: int) -> bool:
        """Say whether nobody has a port."""
        return port not in self._ports

    def release(self, port: int) -> None:
        """Take the port back."""
        self._ports.pop(port, None)

    def receive(self, addresses: bytes, data: bytes, start: int, end: int, verified: bool) -> bool:
        """Take a packet's payload; `addresses` are its source and destination. Return False if nobody has the port.

        Raises `WireError`.
        """
        datagram = udp.parse(data, start, end, None if verified else addresses)
        owner, address = self._ports.get(datagram.dst_port, NOBODY)
        if owner is None or (address is not None and address != addresses[4:]):
            self._counters.no_port += 1
            return False
        owner.receive(addresses[:4], datagram.src_port, data[datagram.start : datagram.end])
        return True

    def send(self, source_port: int, destination: bytes, port: int, payload: Buffer, now: float, ttl: int = 64) -> None:
        """Send a datagram. Raises `OSError` for one that is too long, and without a way to its destination."""
        if len(payload) > udp.MAX_PAYLOAD4:
            raise OSError(errno.EMSGSIZE, f"a datagram of {len(payload)} octets, more than {udp.MAX_PAYLOAD4}")
        ip = self.ip
        source = ip.source_for(destination)
        length = udp.HEADER_LENGTH + len(payload)
        if ip.offloads_checksum(length):
            partial = pseudo_header_sum(source + destination, udp.PROTOCOL, length)
            header = udp.HEADER.pack(source_port, port, length, partial)
            offset = udp.CHECKSUM_OFFSET
        else:
            header = udp.serialize_header(source_port, port, payload, source + destination)
            offset = -1
        buffers = (header, payload) if payload else (header,)
        ip.send(destination, ipv4.UDP, buffers, now, source=source, ttl=ttl, checksum_offset=offset)

    def fail(self, source_port: int, destination: bytes, port: int, error: OSError) -> None:
        """Tell who sent a datagram that it did not arrive, as ICMP has reported."""
        owner, _ = self._ports.get(source_port, NOBODY)
        if owner is not None:
            owner.fail(destination, port, error)
