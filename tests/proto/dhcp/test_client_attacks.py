"""The DHCP client among messages that are not meant for it, that lie, and that come in any order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.proto.dhcp.client import Client, Gained, Lost
from fata.proto.dhcp.states import Bound, Requesting, Selecting, State
from fata.wire import dhcp
from fata.wire.dhcp_options import ACK, DISCOVER, INFINITE, INFORM, NAK, OFFER, Options
from tests.proto.dhcp.server import ADDRESS, MAC, OPTIONS, OTHER, SERVER, Server, middle


def selecting() -> tuple[Client, Server]:
    """Return a client that waits for offers."""
    client, server = Client(MAC, middle), Server()
    client.start(0.0)
    server.hear(client)
    return client, server


def state(client: Client) -> type[State]:
    """Return the kind of a client's state."""
    return type(client.state)


@pytest.mark.parametrize(
    "fields",
    [{"transaction": 1}, {"client_mac": b"\2\0\0\0\0\2"}, {"operation": dhcp.REQUEST}],
    ids=lambda fields: next(iter(fields)),
)
def test_messages_for_others_are_passed_over(fields: dict[str, object]) -> None:
    client, server = selecting()
    client.receive(server.say(OFFER, **fields), 0.1)
    assert state(client) is Selecting
    assert client.counters.foreign == 1


@pytest.mark.parametrize("kind", [ACK, NAK, DISCOVER, INFORM, 99])
def test_only_an_offer_answers_a_discover(kind: int) -> None:
    client, server = selecting()
    client.receive(server.say(kind), 0.1)
    assert state(client) is Selecting
    assert client.counters.foreign == 1


def test_an_offer_that_makes_no_sense_is_passed_over() -> None:
    client, server = selecting()
    server.address = b"\xff\xff\xff\xff"
    client.receive(server.say(OFFER), 0.1)
    client.receive(server.say(OFFER, options=Options()), 0.1)
    assert state(client) is Selecting
    server.address = ADDRESS
    client.receive(server.say(OFFER), 0.2)
    assert state(client) is Requesting
    assert client.counters.invalid == 1


def test_the_first_offer_is_taken_and_the_other_server_has_no_say() -> None:
    client, server = selecting()
    client.receive(server.say(OFFER), 0.1)
    server.hear(client)
    other = Server(b"\x0a\0\0\x18", OTHER, heard=server.heard)
    for kind in (OFFER, ACK, NAK):
        client.receive(other.say(kind), 0.2)
    client.receive(server.say(ACK, your_address=b"\x0a\0\0\x19"), 0.2)
    assert state(client) is Requesting
    assert client.counters.foreign == 4
    client.receive(server.say(ACK), 0.3)
    assert state(client) is Bound


def test_a_lease_that_is_over_before_its_ack_arrives_is_none() -> None:
    client, server = selecting()
    server.options = OPTIONS._replace(lease_time=30)
    client.receive(server.say(OFFER), 0.0)
    server.hear(client)
    client.tick(28.5)
    client.receive(server.say(ACK), 30.0)
    assert (client.lease, client.take_events()) == (None, [])


def test_a_bound_client_listens_to_nobody() -> None:
    client, server = selecting()
    client.receive(server.say(OFFER), 0.1)
    server.serve(client, 0.2)
    lease = client.lease
    for kind in (OFFER, ACK, NAK):
        client.receive(server.say(kind), 0.3)
    assert (client.lease, len(client.take_events())) == (lease, 1)


def test_messages_that_nobody_takes_have_a_cap() -> None:
    client = Client(MAC, middle)
    client.start(0.0)
    for _ in range(1000):
        client.tick(client.next_deadline())
    assert len(client.take_messages()) + client.counters.dropped == client.counters.sent == 1001


KINDS = st.sampled_from((OFFER, OFFER, ACK, ACK, NAK, DISCOVER))
LEASES = st.sampled_from((60, 3600, INFINITE, 3, 0))
STEP = (
    st.tuples(st.just("say"), KINDS, st.sampled_from((SERVER, OTHER)), LEASES)
    | st.tuples(st.just("wait"), st.sampled_from((0.0, 1.0, 5.0, 100.0, 5000.0)))
    | st.tuples(st.sampled_from(("decline", "stop", "start", "reboot", "due")))
)


@given(st.lists(STEP, max_size=60))
def test_whatever_comes_gains_and_losses_alternate_and_time_goes_on(steps: list[tuple[object, ...]]) -> None:
    client, server, now, has = Client(MAC, middle), Server(), 0.0, False
    for step in steps:
        now = act(client, server, step, now)
        server.hear(client)
        for event in client.take_events():
            assert isinstance(event, Gained | Lost)
            assert has == (isinstance(event, Lost) or event.renewed)
            has = isinstance(event, Gained)
        assert has == (client.lease is not None)
        assert client.next_deadline() > now or step[0] == "say"
        assert client.lease is None or client.lease.expires > now


def act(client: Client, server: Server, step: tuple[object, ...], now: float) -> float:
    """Let one thing happen; return the time after it."""
    match step:
        case "say", int(kind), bytes(identifier), int(time) if server.heard:
            server.identifier = identifier
            server.options = OPTIONS._replace(lease_time=time)
            client.receive(server.say(kind), now)
        case "wait", float(seconds_passed):
            now += seconds_passed
        case ("due",) if client.next_deadline() < 1e9:
            now = max(now, client.next_deadline())
        case ("decline",):
            client.decline(now)
        case ("stop",):
            client.stop(now)
        case ("start",):
            client.stop(now)
            client.start(now)
        case ("reboot",):
            client.stop(now)
            client.start(now, ADDRESS)
    client.tick(now)
    return now
