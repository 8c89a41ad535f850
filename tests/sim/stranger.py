"""Whoever has a bare card, and says with it what no honest host would."""

from __future__ import annotations

from fata.device.net import SentFrame
from fata.driver.net.faults import FaultyNet
from fata.driver.net.line import Faults
from fata.sim.host import Host
from fata.sim.network import Simulation
from fata.wire import ethernet, icmpv4, ipv4, tcp
from fata.wire.checksum import checksum, pseudo_header4
from fata.wire.ipv4 import parse_address


class Stranger:
    """A card that sends IPv4 packets to one host, from any address."""

    def __init__(self, sim: Simulation, victim: Host, name: str = "stranger") -> None:
        self.card: FaultyNet = sim.card(name, link=Faults())
        self.victim = victim
        self.address = parse_address(victim.address)
        mac = victim.stack.host.interface.mac
        self._link = ethernet.serialize(ethernet.Header(mac, self.card.mac, ethernet.IPV4))

    def segment(self, source: bytes, segment: tcp.Segment, payload: bytes = b"") -> bytes:
        """Return a frame with a segment."""
        octets = tcp.serialize_header(segment) + payload
        check = checksum(octets, pseudo_header4(source, self.address, ipv4.TCP, len(octets)))
        return self.packet(source, ipv4.TCP, octets[:16] + check.to_bytes(2, "big") + octets[18:])

    def packet(self, source: bytes, protocol: int, payload: bytes) -> bytes:
        """Return a frame with a packet."""
        header = ipv4.Header(source, self.address, protocol)
        return self._link + ipv4.serialize(header, len(payload)) + payload

    def fragment(self, source: bytes, identification: int, offset: int, payload: bytes) -> bytes:
        """Return a frame with a fragment that is not the last; `offset` in octets."""
        header = ipv4.Header(
            source,
            self.address,
            ipv4.UDP,
            identification=identification,
            fragment_offset=offset,
            more_fragments=True,
        )
        return self._link + ipv4.serialize(header, len(payload)) + payload

    def icmp(self, source: bytes, message: icmpv4.Message) -> bytes:
        """Return a frame with an ICMP message."""
        return self.packet(source, ipv4.ICMP, icmpv4.serialize(message))

    def say(self, *frames: bytes) -> None:
        """Send them."""
        self.card.send([SentFrame((frame,)) for frame in frames])
