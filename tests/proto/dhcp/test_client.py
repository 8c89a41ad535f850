"""The DHCP client against a server that follows a script: RFC 2131's states, their times, and lost messages."""

from __future__ import annotations

from itertools import pairwise
from math import inf

import pytest

from fata.errors import StateError
from fata.proto.dhcp.client import Cause, Client, Event, Gained, Lost
from fata.proto.dhcp.lease import Lease
from fata.proto.dhcp.questions import Settings
from fata.proto.dhcp.states import Bound, Rebinding, Rebooting, Renewing, Requesting, Selecting, Waiting
from fata.wire import ipv4
from fata.wire.dhcp_options import ACK, DECLINE, DISCOVER, INFINITE, NAK, OFFER, RELEASE, REQUEST
from tests.proto.dhcp.server import ADDRESS, HOUR, MAC, OPTIONS, OTHER, SERVER, Server, middle


def bound(server: Server, now: float = 0.0) -> tuple[Client, Lease]:
    """Return a client with a lease, whose messages and events are taken."""
    client = Client(MAC, middle)
    client.start(now)
    server.serve(client, now)
    client.take_events()
    assert client.lease is not None
    return client, client.lease


def causes(events: list[Event]) -> list[Cause]:
    """Return why addresses were lost."""
    return [event.cause for event in events if isinstance(event, Lost)]


def test_it_discovers_requests_and_is_bound() -> None:
    client, server = Client(MAC, middle), Server()
    client.start(0.0)
    assert server.hear(client) == [DISCOVER]
    discover = server.heard[0]
    assert (discover.source, discover.destination) == (ipv4.UNSPECIFIED, ipv4.BROADCAST)
    assert (discover.message.client_address, discover.message.broadcast) == (ipv4.UNSPECIFIED, True)
    client.receive(server.say(OFFER), 0.1)
    assert server.hear(client) == [REQUEST]
    request = server.heard[1].message
    assert request.options.requested_address == ADDRESS
    assert request.options.server_identifier == SERVER
    assert (request.client_address, request.transaction) == (ipv4.UNSPECIFIED, discover.message.transaction)
    client.receive(server.say(ACK), 0.2)
    lease = client.lease
    assert lease is not None
    assert client.take_events() == [Gained(lease, renewed=False)]
    assert (lease.address, lease.prefix, lease.server, lease.gateway) == (ADDRESS, 24, SERVER, SERVER)
    assert (lease.dns, lease.domain, lease.expires) == ((SERVER, OTHER), "example.net", 0.1 + HOUR)
    assert lease.renews == pytest.approx(HOUR * 0.5, rel=0.02)
    assert lease.rebinds == pytest.approx(HOUR * 0.875, rel=0.02)
    assert (server.hear(client), client.take_events()) == ([], [])


def test_it_asks_again_after_4_8_16_32_64_and_64_seconds() -> None:
    client, server = Client(MAC, middle), Server()
    client.start(0.0)
    times = [0.0]
    for _ in range(6):
        times.append(client.next_deadline())
        client.tick(times[-1])
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits == pytest.approx([4, 8, 16, 32, 64, 64], abs=0.01)
    assert server.hear(client) == [DISCOVER] * 7
    assert [outgoing.message.seconds for outgoing in server.heard] == pytest.approx([0, 4, 12, 28, 60, 124, 188], abs=1)


def test_the_jitter_is_a_second_either_way() -> None:
    for octet, wait in ((b"\0", 3.0), (b"\xff", 5.0)):
        client = Client(MAC, lambda count, octet=octet: octet * count)  # type: ignore[misc]
        client.start(0.0)
        assert client.next_deadline() == pytest.approx(wait)


def test_a_lost_offer_and_a_lost_ack_cost_time_only() -> None:
    client, server = Client(MAC, middle), Server()
    client.start(0.0)
    server.hear(client)
    client.tick(client.next_deadline())
    server.hear(client)
    client.receive(server.say(OFFER), 5.0)
    server.hear(client)
    client.tick(client.next_deadline())
    assert server.hear(client) == [REQUEST]
    assert server.heard[-1].message.seconds == server.heard[1].message.seconds > 0  # as its DISCOVER said
    client.receive(server.say(ACK), 10.0)
    assert isinstance(client.state, Bound)
    assert client.state.lease.expires == 5.0 + HOUR  # it counts from the first request


def test_a_server_that_offers_and_then_is_silent_is_left_after_a_minute() -> None:
    client, server = Client(MAC, middle), Server()
    client.start(0.0)
    server.hear(client)
    client.receive(server.say(OFFER), 0.0)
    while isinstance(client.state, Requesting):
        now = client.next_deadline()
        client.tick(now)
    assert now == pytest.approx(60, abs=0.1)
    assert server.hear(client) == [REQUEST] * 4 + [DISCOVER]


def test_a_refusal_makes_it_start_anew_ever_more_slowly() -> None:
    client, server = Client(MAC, middle), Server(refuses=True)
    client.start(0.0)
    waits, now = [], 0.0
    for _ in range(9):
        server.serve(client, now)
        assert isinstance(client.state, Waiting)
        waits.append(client.next_deadline() - now)
        now = client.next_deadline()
        client.tick(now)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 64, 64]
    server.refuses = False
    server.serve(client, now)
    assert isinstance(client.state, Bound)
    assert client.take_events() == [Gained(client.state.lease, renewed=False)]


def test_it_renews_at_half_time_with_its_own_server() -> None:
    server = Server()
    client, lease = bound(server)
    now = client.next_deadline()
    assert now == lease.renews
    client.tick(now)
    assert server.hear(client) == [REQUEST]
    source, destination, request = server.heard[-1]
    assert (source, destination, request.client_address, request.broadcast) == (ADDRESS, SERVER, ADDRESS, False)
    assert (request.options.requested_address, request.options.server_identifier) == (None, None)
    client.receive(server.say(ACK), now + 0.1)
    assert client.take_events() == [Gained(client.state.lease, renewed=True)]  # type: ignore[union-attr]
    assert client.lease is not None
    assert client.lease.expires == now + HOUR


def test_while_renewing_it_asks_when_half_of_the_time_is_over_but_not_more_than_once_a_minute() -> None:
    server = Server()
    client, lease = bound(server)
    times = []
    client.tick(lease.renews)
    while isinstance(client.state, Renewing):
        times.append(client.next_deadline())
        client.tick(times[-1])
    assert times[0] == pytest.approx((lease.renews + lease.rebinds) / 2)
    assert min(later - earlier for earlier, later in pairwise(times[:-1])) >= 60
    assert times[-1] == lease.rebinds


def test_it_rebinds_with_any_server() -> None:
    server = Server()
    client, lease = bound(server)
    client.tick(lease.renews)
    server.hear(client)
    client.tick(lease.rebinds)
    assert server.hear(client) == [REQUEST]
    source, destination, request = server.heard[-1]
    assert (source, destination, request.client_address) == (ADDRESS, ipv4.BROADCAST, ADDRESS)
    server.identifier = OTHER
    client.receive(server.say(ACK), lease.rebinds)
    assert client.lease is not None
    assert client.lease.server == OTHER


def test_a_lease_that_nobody_prolongs_is_lost_when_it_ends() -> None:
    server = Server()
    client, lease = bound(server)
    while isinstance(client.state, Bound | Renewing | Rebinding):
        now = client.next_deadline()
        assert client.take_events() == []
        client.tick(now)
    assert (now, client.take_events()) == (lease.expires, [Lost(lease, Cause.EXPIRED)])
    assert server.hear(client)[-1] == DISCOVER


def test_a_host_that_slept_through_everything_starts_anew() -> None:
    client, lease = bound(Server())
    client.tick(lease.expires + 100_000)
    assert isinstance(client.state, Selecting)
    assert causes(client.take_events()) == [Cause.EXPIRED]


def test_a_refusal_while_renewing_takes_the_address_away() -> None:
    server = Server()
    client, lease = bound(server)
    client.tick(lease.renews)
    server.hear(client)
    client.receive(server.say(NAK), lease.renews)
    assert client.take_events() == [Lost(lease, Cause.REFUSED)]
    assert isinstance(client.state, Waiting)


def test_an_endless_lease_is_never_renewed() -> None:
    server = Server()
    server.options = OPTIONS._replace(lease_time=INFINITE)
    client, lease = bound(server)
    assert (client.next_deadline(), lease.expires) == (inf, inf)


def test_times_of_the_server_count() -> None:
    server = Server()
    server.options = OPTIONS._replace(renewal_time=100, rebinding_time=200)
    _client, lease = bound(server)
    assert lease.renews == pytest.approx(100, rel=0.02)
    assert lease.rebinds == pytest.approx(200, rel=0.02)


def test_an_address_from_before_is_asked_for_at_once() -> None:
    client, server = Client(MAC, middle), Server()
    client.start(0.0, ADDRESS)
    assert server.hear(client) == [REQUEST]
    request = server.heard[-1].message
    assert request.options.requested_address == ADDRESS
    assert request.options.server_identifier is None
    client.receive(server.say(ACK), 0.1)
    assert isinstance(client.state, Bound)


def test_an_address_from_another_network_is_given_up_at_the_first_no() -> None:
    client, server = Client(MAC, middle), Server()
    client.start(0.0, b"\xc0\xa8\1\1")
    server.hear(client)
    client.receive(server.say(NAK), 0.1)
    assert (server.hear(client), client.take_events()) == ([DISCOVER], [])


def test_an_address_from_before_that_nobody_confirms_is_given_up_soon() -> None:
    client, server = Client(MAC, middle), Server()
    client.start(0.0, ADDRESS)
    while isinstance(client.state, Rebooting):
        now = client.next_deadline()
        client.tick(now)
    assert now == pytest.approx(12, abs=0.1)
    assert server.hear(client) == [REQUEST, REQUEST, DISCOVER]


def test_a_conflict_is_told_to_the_server_and_another_address_asked_for_later() -> None:
    server = Server()
    client, lease = bound(server)
    client.decline(5.0)
    assert server.hear(client) == [DECLINE]
    _source, destination, decline = server.heard[-1]
    assert (destination, decline.client_address) == (ipv4.BROADCAST, ipv4.UNSPECIFIED)
    assert decline.options.requested_address == ADDRESS
    assert client.take_events() == [Lost(lease, Cause.DECLINED)]
    assert client.next_deadline() == 15.0
    client.decline(6.0)
    assert server.hear(client) == []
    client.tick(15.0)
    assert server.hear(client) == [DISCOVER]


def test_an_address_is_given_back() -> None:
    server = Server()
    client, lease = bound(server)
    client.stop(1.0)
    assert server.hear(client) == [RELEASE]
    source, destination, release = server.heard[-1]
    assert (source, destination, release.client_address) == (ADDRESS, SERVER, ADDRESS)
    assert release.options.server_identifier == SERVER
    assert (client.take_events(), client.next_deadline()) == ([Lost(lease, Cause.RELEASED)], inf)
    client.start(2.0)
    with pytest.raises(StateError, match="Selecting"):
        client.start(2.0)


def test_it_can_stop_without_a_word() -> None:
    server = Server()
    client, _lease = bound(server)
    client.stop(1.0, release=False)
    assert server.hear(client) == []


def test_it_says_its_names() -> None:
    client, server = Client(MAC, middle, Settings("www", b"\1" + MAC, broadcast=False)), Server()
    client.start(0.0)
    server.hear(client)
    discover = server.heard[0].message
    assert discover.options.host_name == b"www"
    assert discover.options.client_identifier == b"\1" + MAC
    assert not discover.broadcast
