"""The DHCP client and the resolver against dnsmasq, carried by the kernel's UDP and TCP, in namespaces."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from fata.driver.entropy.os import OsEntropy
from fata.proto.dhcp.client import Client, Gained, Lost
from fata.proto.dhcp.questions import Settings
from fata.proto.dns.outcome import Answer, Failure, Reason
from fata.proto.dns.resolver import Resolver
from fata.wire import dhcp, dns
from fata.wire.dns_name import parse_text
from fata.wire.ipv4 import format_address, parse_address
from tests.network_namespace import Namespace, namespace

pytestmark = [pytest.mark.root, pytest.mark.peer]

MAC = b"\2\0\0\0\0\7"
SERVER = parse_address("10.98.0.1")
WAIT = 5.0  # seconds for an answer
OPTIONS = """
no-resolv
no-hosts
no-poll
no-ping
bind-interfaces
interface=v1
user=root
leasefile-ro
log-queries
log-dhcp
log-facility=-
dhcp-authoritative
dhcp-range=10.98.0.50,10.98.0.60,255.255.255.0,2m
domain=example.net
local=/example.net/
dhcp-option=option:mtu,1400
dhcp-option=option:ntp-server,10.98.0.9
dhcp-option=option:classless-static-route,0.0.0.0/0,10.98.0.1,10.1.0.0/16,10.98.0.2
address=/www.example.net/10.98.0.7
cname=alias.example.net,host.example.net
host-record=host.example.net,10.98.0.8
"""


class Link(NamedTuple):
    """Two namespaces; we are in the first, at v0."""

    near: Namespace
    log: Path


@pytest.fixture
def link(tmp_path: Path) -> Iterator[Link]:
    """Lay a veth pair with dnsmasq at its far end."""
    config, log = tmp_path / "dnsmasq.conf", tmp_path / "log"
    texts = [f'txt-record=big.example.net,"{number:0240}"' for number in range(8)]  # more than 1,232 octets
    config.write_text(OPTIONS + "\n".join(texts))
    with namespace() as near, namespace() as far:
        near.ip(f"link add v0 address {MAC.hex(':')} type veth peer name v1 netns {far.name}")
        far.ip("address add 10.98.0.1/24 dev v1")
        for space, interface in ((near, "v0"), (far, "v1")):
            space.ip(f"link set {interface} up")
        for space, interface in ((near, "v0"), (far, "v1")):
            space.await_carrier(interface)
        with log.open("w") as output, far.entered():
            server = subprocess.Popen(["dnsmasq", "--keep-in-foreground", "-C", str(config)], stderr=output)
        try:
            await_text(log, "started")
            yield Link(near, log)
        finally:
            server.terminate()
            server.wait(WAIT)


def await_text(log: Path, text: str) -> str:
    """Wait until the server has written something that matches; return it."""
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        found = re.search(text, log.read_text())
        if found:
            return found.group()
        time.sleep(0.01)  # a process's log cannot be waited for
    raise AssertionError(f"no {text!r} in {log.read_text()}")


class Card:
    """Carries a client's messages by a UDP socket of the kernel's."""

    def __init__(self, link: Link, client: Client) -> None:
        self.client = client
        with link.near.entered():
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"v0\0")
        self.socket.bind(("0.0.0.0", dhcp.CLIENT_PORT))
        self.socket.settimeout(WAIT)

    def send(self) -> int:
        """Send what the client says; return how many messages."""
        messages = self.client.take_messages()
        for outgoing in messages:
            address = (format_address(outgoing.destination), dhcp.SERVER_PORT)
            self.socket.sendto(dhcp.serialize(outgoing.message), address)
        return len(messages)

    def exchange(self, now: float) -> None:
        """Send what the client says and hand over the answers, until it has nothing to say."""
        while self.send():
            octets = self.socket.recv(2048)
            self.client.receive(dhcp.parse(octets, 0, len(octets)), now)


def test_dnsmasq_grants_prolongs_and_takes_back_an_address(link: Link) -> None:
    client = Client(MAC, OsEntropy().octets, Settings("fata-test"))
    card = Card(link, client)
    with card.socket:
        client.start(0.0)
        card.exchange(0.0)
        (gained,) = client.take_events()
        assert isinstance(gained, Gained)
        lease = gained.lease
        assert (lease.prefix, lease.server, lease.gateway, lease.dns) == (24, SERVER, SERVER, (SERVER,))
        assert (lease.expires, lease.mtu, lease.domain) == (120.0, 1400, "example.net")
        assert lease.ntp == (parse_address("10.98.0.9"),)
        assert [(route.network, route.prefix) for route in lease.routes] == [(parse_address("10.1.0.0"), 16)]
        ours = format_address(lease.address)
        await_text(link.log, f"DHCPACK.*{ours} .*fata-test")
        link.near.ip(f"address add {ours}/24 dev v0")
        client.tick(lease.renews)
        card.exchange(lease.renews)
        (gained,) = client.take_events()
        assert isinstance(gained, Gained)
        assert (gained.renewed, gained.lease.address, gained.lease.expires) == (True, lease.address, lease.renews + 120)
        client.stop(61.0)
        assert card.send() == 1
        assert isinstance(client.take_events()[0], Lost)
        await_text(link.log, f"DHCPRELEASE.*{ours}")


def test_dnsmasq_confirms_an_address_from_before_refuses_another_and_hears_of_a_conflict(link: Link) -> None:
    client = Client(MAC, OsEntropy().octets)
    card = Card(link, client)
    with card.socket:
        client.start(0.0, parse_address("192.168.77.5"))
        card.exchange(0.0)
        await_text(link.log, "DHCPNAK")
        first = client.lease
        assert first is not None
        client.stop(1.0, release=False)
        client.start(1.0, first.address)
        card.exchange(1.0)
        second = client.lease
        assert second is not None
        assert second.address == first.address
        client.decline(2.0)
        card.send()
        await_text(link.log, f"DHCPDECLINE.*{format_address(first.address)}")
        client.tick(client.next_deadline())
        card.exchange(12.0)
        third = client.lease
        assert third is not None
        assert third.address != first.address


def look_up(link: Link, machine: Resolver[str], name: str, kind: int) -> Answer | Failure:
    """Look a name up, carried by the kernel's sockets."""
    assert machine.resolve(parse_text(name), kind, name, 0.0) is None
    for _ in range(3):
        for query in machine.take_queries():
            with link.near.entered():
                carrier = socket.SOCK_STREAM if query.port is None else socket.SOCK_DGRAM
                wire = socket.socket(socket.AF_INET, carrier)
            with wire:
                wire.settimeout(WAIT)
                wire.bind(("10.98.0.20", query.port or 0))
                wire.connect((format_address(query.server), dns.PORT))
                if query.port is None:
                    wire.sendall(len(query.message).to_bytes(2, "big") + query.message)
                    size = int.from_bytes(wire.recv(2, socket.MSG_WAITALL), "big")
                    machine.receive_stream(query.number, wire.recv(size, socket.MSG_WAITALL), 0.0)
                else:
                    wire.send(query.message)
                    machine.receive(query.server, dns.PORT, query.port, wire.recv(4096), 0.0)
        for result in machine.take_results():
            assert result.owner == name
            return result.outcome
    raise AssertionError(f"{name} has no outcome")


def test_dnsmasq_answers_the_resolver(link: Link) -> None:
    link.near.ip("address add 10.98.0.20/24 dev v0")
    machine: Resolver[str] = Resolver([SERVER], OsEntropy().octets)
    found = look_up(link, machine, "www.example.net", dns.A)
    assert isinstance(found, Answer)
    assert [record.data for record in found.records] == [parse_address("10.98.0.7")]
    found = look_up(link, machine, "alias.example.net", dns.A)
    assert isinstance(found, Answer)
    assert (found.records[0].data, found.canonical) == (parse_address("10.98.0.8"), parse_text("host.example.net"))
    assert look_up(link, machine, "host.example.net", dns.MX) == Failure(Reason.NO_DATA)
    assert look_up(link, machine, "none.example.net", dns.A) == Failure(Reason.NO_SUCH_NAME)
    found = look_up(link, machine, "big.example.net", dns.TXT)
    assert isinstance(found, Answer)
    assert (len(found.records), machine.counters.truncated) == (8, 1)
    assert look_up(link, machine, "www.elsewhere.example", dns.A) == Failure(Reason.SERVER_FAILURE)
