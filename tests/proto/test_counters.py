"""What the machines below TCP count, event by event, where no other test looks at it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fata.proto.dns.resolver import Settings as ResolverSettings
from fata.proto.neighbors import Neighbors, Settings
from fata.proto.path_mtu import PathMtu
from fata.proto.reassembly import Reassembly
from fata.wire import arp, dns, ipv4
from fata.wire.dhcp_options import NAK
from fata.wire.ethernet import UNSPECIFIED
from tests.proto.dhcp import test_client as dhcp
from tests.proto.dhcp.server import Server
from tests.proto.dns.server import address, answer, ask, deliver, only, resolver, respond

MAC, PEER_MAC = b"\2\0\0\0\0\1", b"\2\0\0\0\0\2"
HERE, PEER = b"\x0a\0\0\1", b"\x0a\0\0\2"


def counted(counters: Any) -> dict[str, int]:
    """Return the counters that are not zero."""
    return {name: count for name, count in asdict(counters).items() if count}


def test_a_lease_from_its_beginning_to_its_end() -> None:
    server = Server()
    client, lease = dhcp.bound(server)
    assert counted(client.counters) == {"sent": 2, "received": 2, "bound": 1}
    client.tick(lease.renews)
    server.serve(client, lease.renews)
    assert counted(client.counters) == {"sent": 3, "received": 3, "bound": 1, "renewed": 1}
    assert client.lease is not None
    client.tick(client.lease.expires + 1000)
    assert counted(client.counters)["expired"] == 1

    server = Server()
    client, lease = dhcp.bound(server)
    client.tick(lease.renews)
    server.hear(client)
    client.receive(server.say(NAK), lease.renews)
    assert counted(client.counters) == {"sent": 3, "received": 3, "bound": 1, "refused": 1}

    client, lease = dhcp.bound(Server())
    client.decline(5.0)
    assert counted(client.counters) == {"sent": 3, "received": 2, "bound": 1, "declined": 1}


def test_look_ups_by_their_outcome() -> None:
    machine = resolver()
    ask(machine, "www.example.net")
    answer(machine, address("www.example.net"))
    assert counted(machine.counters) == {"lookups": 1, "queries": 1, "answered": 1}

    machine = resolver()
    ask(machine, "no.example.net")
    answer(machine, rcode=dns.NAME_ERROR)
    assert counted(machine.counters) == {"lookups": 1, "queries": 1, "failed": 1}

    machine = resolver()
    ask(machine, "long.example.net")
    query = only(machine)
    deliver(machine, query, respond(query, flags=dns.RESPONSE | dns.TRUNCATED))
    assert counted(machine.counters) == {"lookups": 1, "queries": 2, "truncated": 1}

    machine = resolver(settings=ResolverSettings(rounds=1))
    ask(machine, "slow.example.net")
    machine.tick(machine.next_deadline())
    assert counted(machine.counters) == {"lookups": 1, "queries": 1, "timed_out": 1, "failed": 1}


def test_questions_and_answers_about_neighbors() -> None:
    machine: Neighbors[str] = Neighbors(MAC, Settings(neighbors=2))
    machine.configure(HERE, 24, -100.0)
    machine.tick(-50.0)
    machine.take_packets()
    requests = machine.counters.requests  # the announcements
    machine.hold(PEER, "packet", 0.0)
    assert machine.counters.requests == requests + 1
    machine.receive(arp.Packet(arp.REPLY, PEER_MAC, PEER, MAC, HERE), 0.1)
    assert (machine.counters.received, machine.counters.learned, machine.counters.replies) == (1, 1, 0)
    for host in (3, 4):  # two who ask: the first has to make room for the second
        machine.receive(arp.Packet(arp.REQUEST, PEER_MAC, bytes((10, 0, 0, host)), UNSPECIFIED, HERE), 0.2)
    assert (machine.counters.received, machine.counters.learned, machine.counters.replies) == (3, 3, 2)
    assert machine.counters.evicted == 1


def test_a_resolution_makes_room_for_another() -> None:
    machine: Neighbors[str] = Neighbors(MAC, Settings(neighbors=1))
    machine.configure(HERE, 24, -100.0)
    machine.hold(PEER, "packet", 0.0)
    machine.hold(bytes((10, 0, 0, 3)), "packet", 0.0)
    assert machine.counters.evicted == 1


def test_a_smaller_path() -> None:
    paths = PathMtu(1500)
    paths.receive(PEER, 1400, 1500, now=0.0)
    assert counted(paths.counters) == {"lowered": 1}


def test_fragments_of_a_datagram() -> None:
    machine = Reassembly()
    header = ipv4.Header(PEER, HERE, 17, identification=7)
    first, last = header._replace(more_fragments=True), header._replace(fragment_offset=8)
    machine.receive(first, bytes(8), 0, 8, 0.0)
    machine.receive(first, bytes(8), 0, 8, 0.0)
    assert machine.receive(last, bytes(8), 0, 8, 0.0) is not None
    assert counted(machine.counters) == {"fragments": 3, "duplicates": 1, "reassembled": 1}
