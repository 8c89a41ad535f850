"""Neighbors on an Ethernet (ARP: RFC 826, RFC 1122 2.3.2): which MAC an IPv4 address has.

A neighbor that is used is asked again, at its own address, before it grows too old; one that is not used is forgotten.
Packets for a neighbor that is being resolved are held. Whatever a packet claims, addresses are learned by RFC 826's
rules only: what we know or want to know is updated, and new is only who asks for us.

The table has a cap. What makes room is, in this order: failed resolutions, neighbors that nothing was ever sent to,
resolutions that hang. A neighbor in use never does; when all are in use, newcomers are refused.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from math import inf
from typing import Generic, NamedTuple, TypeVar

from fata.proto.deadlines import Deadlines
from fata.proto.held_packets import HeldPackets
from fata.proto.own_address import OwnAddress
from fata.wire import arp, ethernet, ipv4

Packet = TypeVar("Packet")  # whatever the caller sends; it is only held here

REQUEST_INTERVAL = 1.0  # seconds, RFC 1122 2.3.2.1: one request a second for a destination is the most
REQUESTS = 3  # before a neighbor counts as unreachable
LOCKED = 1.0  # seconds after learning a MAC in which another one is not believed: of two answers the first counts
UNTAKEN = 4096  # packets that wait to be taken, at most


class Settings(NamedTuple):
    """Times in seconds, and caps."""

    reachable: float = 45.0  # how long an answer is believed
    hold_down: float = 5.0  # after a failed resolution: packets fail at once, and nothing is asked
    neighbors: int = 1024
    held: int = 256  # packets in all
    held_per_neighbor: int = 64  # a datagram of 64 KiB makes 45 fragments


DEFAULTS = Settings()


@dataclass(slots=True)
class Counters:
    """What has happened since the start."""

    received: int = 0
    invalid: int = 0  # no address of a station, or one that is not on this link
    requests: int = 0  # sent
    replies: int = 0  # sent
    learned: int = 0
    changed: int = 0  # a neighbor's MAC became another
    locked: int = 0  # a change right after another, not believed
    unsolicited: int = 0  # replies about neighbors that nobody wants to know
    conflicts: int = 0  # others who use our address
    defended: int = 0
    failed: int = 0  # resolutions
    lost: int = 0  # neighbors that stopped answering
    forgotten: int = 0  # that were not used
    evicted: int = 0
    refused: int = 0  # newcomers, when all are in use
    dropped: int = 0  # ARP packets that nobody took


class Transmission(NamedTuple):
    """An ARP packet to be sent."""

    destination: bytes  # MAC
    packet: arp.Packet


class Released(NamedTuple, Generic[Packet]):
    """A held packet whose neighbor is known now."""

    mac: bytes
    packet: Packet


class Unreachable(NamedTuple, Generic[Packet]):
    """A packet whose neighbor does not answer."""

    address: bytes
    packet: Packet


@dataclass(slots=True)
class Known:
    """A neighbor with its MAC. Times are monotonic seconds."""

    mac: bytes
    learned: float
    confirmed: float  # when it last showed that it receives what we send
    used: float = -inf
    requests: int = 0  # sent since its time was over, to it alone


class Neighbors(Generic[Packet]):
    """An interface's neighbors. An address stands in one of three tables – known, resolving, failed – or in none."""

    def __init__(self, mac: bytes, settings: Settings = DEFAULTS) -> None:
        self.mac = mac
        self.own = OwnAddress()
        self.settings = settings
        self.counters = Counters()
        self._known: dict[bytes, Known] = {}
        self._resolving: OrderedDict[bytes, int] = OrderedDict()  # how many requests were sent; the oldest first
        self._failed: OrderedDict[bytes, None] = OrderedDict()  # the oldest first
        self._unused: OrderedDict[bytes, None] = OrderedDict()  # known, not used when last looked at; the oldest first
        self._deadlines: Deadlines[bytes] = Deadlines()
        self.held: HeldPackets[Packet] = HeldPackets(settings.held, settings.held_per_neighbor)
        self._packets: list[Transmission] = []
        self._released: list[Released[Packet]] = []
        self._unreachable: list[Unreachable[Packet]] = []

    def __len__(self) -> int:
        return len(self._known) + len(self._resolving) + len(self._failed)

    def configure(self, address: bytes | None, prefix: int, now: float) -> None:
        """Take an address with its prefix length (None: have none any more) and announce it (RFC 5227 2.3)."""
        self.own.configure(address, prefix, now)
        self._announce(now)

    def lookup(self, address: bytes, now: float) -> bytes | None:
        """Return a neighbor's MAC; None: hand the packet to `hold`."""
        known = self._known.get(address)
        if known is None:
            return None
        known.used = now
        return known.mac

    def confirm(self, address: bytes, now: float) -> None:
        """Note that a neighbor receives what is sent to it: a transport made progress (RFC 1122 2.3.2.1)."""
        known = self._known.get(address)
        if known is not None and now - known.confirmed >= REQUEST_INTERVAL:
            self._confirm(address, known, now)

    def hold(self, address: bytes, packet: Packet, now: float) -> None:
        """Keep a packet until its neighbor's MAC is known, and ask for it."""
        if address in self._known:
            self._known[address].used = now
            self._released.append(Released(self._known[address].mac, packet))
            return
        if address not in self._resolving:
            if address in self._failed or not self._make_room():
                self._unreachable.append(Unreachable(address, packet))
                return
            self._resolving[address] = 1
            self._request(ethernet.BROADCAST, address)
            self._deadlines.set(address, now + REQUEST_INTERVAL)
        self.held.put(address, packet)

    def receive(self, packet: arp.Packet, now: float) -> None:
        """Take an ARP packet."""
        self.counters.received += 1
        mac, address = packet.sender_mac, packet.sender_address
        if mac == self.mac:
            return  # our own, that a switch sent back
        if ethernet.is_group(mac) or mac == ethernet.UNSPECIFIED:
            self.counters.invalid += 1
        elif address == ipv4.UNSPECIFIED:
            self._answer(packet)  # somebody asks whether the address is free (RFC 5227 2.1.1): nothing to learn
        elif address == self.own.address:
            self._conflict(mac, now)
        elif not self.own.is_on_link(address):
            self.counters.invalid += 1
        else:
            asks = packet.operation == arp.REQUEST and packet.target_address == self.own.address
            if not self._merge(packet, now) and not asks:
                self.counters.unsolicited += packet.operation == arp.REPLY
                return
            if address not in self._known and self._make_room():
                self._learn(address, mac, now)
            self._answer(packet)

    def _answer(self, packet: arp.Packet) -> None:
        own = self.own.address
        if packet.operation != arp.REQUEST or own is None or packet.target_address != own:
            return
        reply = arp.Packet(arp.REPLY, self.mac, own, packet.sender_mac, packet.sender_address)
        self.counters.replies += 1
        self._send(packet.sender_mac, reply)

    def _merge(self, packet: arp.Packet, now: float) -> bool:
        """Update what is known or wanted (RFC 826, "merge flag"); return whether it is."""
        mac, address = packet.sender_mac, packet.sender_address
        known = self._known.get(address)
        if known is None:
            wanted = address in self._resolving or address in self._failed
            if wanted:
                self._learn(address, mac, now)
            return wanted
        if known.mac != mac:
            if now - known.learned < LOCKED:
                self.counters.locked += 1
                return True
            known.mac, known.learned = mac, now
            self.counters.changed += 1
        if packet.operation == arp.REPLY and packet.target_mac == self.mac:
            self._confirm(address, known, now)
        return True

    def _learn(self, address: bytes, mac: bytes, now: float) -> None:
        self.counters.learned += 1
        known = self._known[address] = Known(mac, now, now)
        self._confirm(address, known, now)
        self._failed.pop(address, None)
        self._resolving.pop(address, None)
        released = [Released(mac, packet) for packet in self.held.take(address)]
        if not released:
            self._unused[address] = None
            return
        known.used = now
        self._released += released

    def _confirm(self, address: bytes, known: Known, now: float) -> None:
        known.confirmed = now
        known.requests = 0
        self._deadlines.set(address, now + self.settings.reachable)

    def _conflict(self, mac: bytes, now: float) -> None:
        self.counters.conflicts += 1
        if self.own.address is not None and self.own.conflict(mac, now):
            self.counters.defended += 1
            self._request(ethernet.BROADCAST, self.own.address)

    def _make_room(self) -> bool:
        """Make room for one more; return whether there is any."""
        if len(self) < self.settings.neighbors:
            return True
        while self._unused and not self._failed:
            address = self._unused.popitem(last=False)[0]
            known = self._known.get(address)
            if known is not None and known.used == -inf:
                self._forget(address)
                self.counters.evicted += 1
                return True
        victim = next(iter(self._failed or self._resolving), None)
        if victim is None:
            self.counters.refused += 1
            return False
        self._give_up(victim)
        self._forget(victim)
        self.counters.evicted += 1
        return True

    def _forget(self, address: bytes) -> None:
        self._known.pop(address, None)
        self._unused.pop(address, None)
        self._failed.pop(address, None)
        self._deadlines.discard(address)

    def _give_up(self, address: bytes) -> None:
        """End a resolution, if there is one: its packets fail."""
        self._resolving.pop(address, None)
        self._unreachable += [Unreachable(address, packet) for packet in self.held.take(address)]

    def _request(self, destination: bytes, address: bytes) -> None:
        own = ipv4.UNSPECIFIED if self.own.address is None else self.own.address
        self.counters.requests += 1
        self._send(destination, arp.Packet(arp.REQUEST, self.mac, own, ethernet.UNSPECIFIED, address))

    def _send(self, destination: bytes, packet: arp.Packet) -> None:
        if len(self._packets) >= UNTAKEN:
            self.counters.dropped += 1
            return
        self._packets.append(Transmission(destination, packet))

    def next_deadline(self) -> float:
        """Return when `tick` has something to do; inf if never."""
        return min(self._deadlines.next(), self.own.announce_at)

    def tick(self, now: float) -> None:
        """Ask again, give up, forget, announce: whatever is due."""
        self._announce(now)
        for address in self._deadlines.due(now):
            if address in self._known:
                self._refresh(address, self._known[address], now)
            elif address in self._resolving:
                self._ask_again(address, now)
            else:
                self._forget(address)

    def _announce(self, now: float) -> None:
        if self.own.announce_at > now or self.own.address is None:
            return
        self._request(ethernet.BROADCAST, self.own.address)
        self.own.announced(now)

    def _refresh(self, address: bytes, known: Known, now: float) -> None:
        if known.used < known.confirmed:
            self._forget(address)
            self.counters.forgotten += 1
        elif known.requests >= REQUESTS:
            self._forget(address)
            self.counters.lost += 1
        else:
            known.requests += 1
            self._request(known.mac, address)
            self._deadlines.set(address, now + REQUEST_INTERVAL)

    def _ask_again(self, address: bytes, now: float) -> None:
        if self._resolving[address] < REQUESTS:
            self._resolving[address] += 1
            self._request(ethernet.BROADCAST, address)
            self._deadlines.set(address, now + REQUEST_INTERVAL)
            return
        self._give_up(address)
        self._failed[address] = None
        self._deadlines.set(address, now + self.settings.hold_down)
        self.counters.failed += 1

    def take_packets(self) -> list[Transmission]:
        """Return the ARP packets to be sent."""
        packets, self._packets = self._packets, []
        return packets

    def take_released(self) -> list[Released[Packet]]:
        """Return the held packets that can be sent now, in the order in which they came for each neighbor."""
        released, self._released = self._released, []
        return released

    def take_unreachable(self) -> list[Unreachable[Packet]]:
        """Return the packets whose neighbors do not answer."""
        unreachable, self._unreachable = self._unreachable, []
        return unreachable
