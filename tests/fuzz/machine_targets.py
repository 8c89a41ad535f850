"""Targets for the machines beside TCP: scripts of damaged packets, calls and time, under caps that are soon reached."""

from __future__ import annotations

from fata.errors import WireError
from fata.proto.dhcp.client import Client
from fata.proto.dhcp.states import Rebinding, Rebooting, Renewing, Requesting, Selecting
from fata.proto.dns.exchanges import Exchange
from fata.proto.dns.resolver import Resolver
from fata.proto.dns.resolver import Settings as ResolverSettings
from fata.proto.icmp import ErrorGate, report
from fata.proto.neighbors import Neighbors
from fata.proto.neighbors import Settings as NeighborSettings
from fata.proto.path_mtu import FLOOR, PathMtu
from fata.proto.reassembly import Limits, Reassembly
from fata.wire import arp, dhcp, dns, icmpv4, ipv4
from tests.fuzz.script import read, written
from tests.fuzz.target import Target
from tests.wire import dhcp_messages, dns_messages
from tests.wire.captured import FRAMES, packet, transport

LIMITS = Limits(octets_per_source=6000, octets=9000, fragments=4)
CAPS = NeighborSettings(neighbors=4, held=4, held_per_neighbor=2)
RESOLVER_CAPS = ResolverSettings(lookups=3, owners=4, cache=4096)
MAC, HERE, PEER = b"\2\0\0\0\0\1", b"\xc0\0\2\1", b"\xc0\0\2\2"

ARPS = [packet(frame) for name, frame in FRAMES.items() if name.startswith("ARP")]
PACKETS = [packet(frame) for name, frame in FRAMES.items() if not name.startswith("ARP")]
ERRORS = [transport(frame) for frame in FRAMES.values() if frame[23] == ipv4.ICMP and frame[34] == icmpv4.UNREACHABLE]


def one(count: int) -> bytes:
    """Return octets that are no surprise."""
    return b"\1" * count


def attempt_neighbors(octets: bytes) -> None:
    """Hold, look up, confirm, receive."""
    machine: Neighbors[bytes] = Neighbors(MAC, CAPS)
    machine.configure(HERE, 24, 0.0)
    now = 0.0
    for step, verb, data in read(octets):
        now += step
        machine.tick(now)
        address = data[:4].ljust(4, b"\0")
        if verb == 1:
            machine.hold(address, data, now)
        elif verb == 2:
            machine.lookup(address, now)
            machine.confirm(address, now)
        else:
            try:
                machine.receive(arp.parse(data, 0, len(data)), now)
            except WireError:
                continue
        for transmission in machine.take_packets():
            assert arp.parse(arp.serialize(transmission.packet), 0, arp.PACKET_LENGTH) == transmission.packet
        machine.take_released()
        machine.take_unreachable()
        assert len(machine) <= CAPS.neighbors
        assert len(machine.held) <= CAPS.held
        assert machine.next_deadline() > now


def attempt_reassembly(octets: bytes) -> None:
    """Receive fragments; anything that is a packet counts as one."""
    machine, now = Reassembly(LIMITS), 0.0
    for step, _verb, data in read(octets):
        now += step
        machine.tick(now)
        for quoted in machine.take_expired():
            assert icmpv4.serialize(icmpv4.TimeExceeded(icmpv4.REASSEMBLY_TIME_EXCEEDED, quoted))
        try:
            header = ipv4.parse_quoted(data, 0, len(data))
        except WireError:
            continue
        whole = machine.receive(header, data, header.header_length, len(data), now)
        if whole is not None:
            assert whole.header.total_length == whole.header.header_length + len(whole.payload) <= ipv4.MAX_LENGTH
        assert machine.octets <= LIMITS.octets
        assert machine.octets_of(header.source) <= LIMITS.octets_per_source
    machine.tick(now + 1000)
    assert (machine.octets, len(machine)) == (0, 0)


def attempt_icmp(octets: bytes) -> None:
    """Read errors and lower path MTUs by them; ask whether to answer the packets that they quote."""
    paths, gate, now = PathMtu(1500, capacity=2), ErrorGate(one), 0.0
    for step, _verb, data in read(octets):
        now += step
        paths.tick(now)
        if len(data) >= icmpv4.HEADER_LENGTH:
            data = icmpv4.serialize(icmpv4.Other(data[0], data[1], data[4:8], data[8:]))  # the checksum is right
        try:
            message = icmpv4.parse(data, 0, len(data))
        except WireError:
            continue
        said = report(message)
        if said is not None:
            destination = said.key[:4]
            paths.receive(destination, said.mtu, said.length, now)
            assert FLOOR <= paths.lookup(destination) <= 1500
            assert len(paths) <= 2
        if isinstance(message, icmpv4.Unreachable | icmpv4.TimeExceeded):
            gate.permit(message.quoted.header, message.quoted.data, now)


def attempt_dhcp_client(octets: bytes) -> None:
    """Receive what answers the last question; decline, stop and start now and then."""
    client, now = Client(MAC, one), 0.0
    client.start(now)
    for step, verb, data in read(octets):
        now += step
        client.tick(now)
        if verb == 1:
            client.decline(now)
        elif verb == 2:
            client.stop(now)
            client.start(now, data[:4] if len(data) >= 4 else None)
        else:
            try:
                message = dhcp.parse(data, 0, len(data))
            except WireError:
                continue
            client.receive(message, now)
            # The golden messages' numbers are never the client's: what is asked now is answered by the same.
            own = isinstance(client.state, Selecting | Requesting | Rebooting | Renewing | Rebinding)
            transaction = client.state.exchange.transaction if own else 0  # type: ignore[union-attr]
            client.receive(message._replace(transaction=transaction, client_mac=MAC), now)
        for outgoing in client.take_messages():
            again = dhcp.serialize(outgoing.message)
            assert dhcp.parse(again, 0, len(again)) == outgoing.message
        client.take_events()
        assert client.lease is None or client.lease.expires > now


def attempt_resolver(octets: bytes) -> None:
    """Ask for names; give each response the number and the question that are expected, or leave it as it is."""
    machine: Resolver[int] = Resolver((HERE, PEER), one, settings=RESOLVER_CAPS)
    now, waiting = 0.0, 0
    for step, verb, data in read(octets):
        now += step
        machine.tick(now)
        if verb == 1:
            try:
                question = dns.parse(data).questions[:1]
            except WireError:
                continue
            for name, kind, _class in question:
                waiting += machine.resolve(name, kind, 0, now) is None
        else:
            for exchange in list(machine.exchanges.by_number.values()):
                respond(machine, exchange, data, verb != 2, now)
        machine.take_queries()
        waiting -= len(machine.take_results())
        assert 0 <= waiting <= RESOLVER_CAPS.owners
        assert machine.cache.octets <= RESOLVER_CAPS.cache
    while len(machine):
        machine.tick(machine.next_deadline())
    assert (len(machine.take_results()), machine.exchanges.by_number) == (waiting, {})


def respond(machine: Resolver[int], exchange: Exchange, data: bytes, fitting: bool, now: float) -> None:
    """Hand over a response, with the id that is expected if it is to be `fitting`."""
    if fitting:
        data = exchange.identifier.to_bytes(2, "big") + data[2:]
    if exchange.port is None:
        machine.receive_stream(exchange.number, data or None, now)
    else:
        machine.receive(exchange.server, dns.PORT, exchange.port, data, now)


NEIGHBOR_CALLS = [(0, 1, PEER + b"held"), (0, 0, ARPS[1]), (4, 2, PEER), (0, 0, ARPS[0]), (8, 1, PEER), (5, 1, HERE)]

ACK = dhcp_messages.OFFER.replace(b"\x35\x01\x02", b"\x35\x01\x05")
DHCP_SCRIPTS = (
    written((0, 0, dhcp_messages.OFFER), (4, 0, ACK), (9, 0, ACK), (5, 1, b""), (7, 0, dhcp_messages.OFFER)),
    written((0, 2, HERE), (4, 0, dhcp_messages.NAK), (8, 0, dhcp_messages.OFFER), (4, 0, ACK), (9, 0, ACK)),
)
QUESTION = dns_messages.QUERY
CALLS = [written((0, 1, octets), (4, 0, octets)) for octets in dns_messages.MESSAGES.values()]
DNS_SCRIPTS = (*CALLS, b"".join(CALLS), written((0, 1, QUESTION), (5, 2, QUESTION), (6, 0, QUESTION)))

TARGETS = {
    "neighbors": Target((written(*NEIGHBOR_CALLS), written(*((5, 0, octets) for octets in ARPS))), attempt_neighbors),
    "reassembly": Target(
        (written(*((3, 0, octets) for octets in PACKETS)), written(*((0, 0, octets) for octets in PACKETS[::-1]))),
        attempt_reassembly,
    ),
    "icmp": Target((written(*((4, 0, octets) for octets in ERRORS)),), attempt_icmp),
    "dhcp_client": Target(DHCP_SCRIPTS, attempt_dhcp_client),
    "resolver": Target(DNS_SCRIPTS, attempt_resolver),
}
