"""The resolver among forged responses, floods and garbage."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.proto.dns.exchanges import Query
from fata.proto.dns.outcome import Answer, Failure, Reason
from fata.proto.dns.resolver import Resolver, Settings
from fata.wire import dns
from fata.wire.dns_name import parse_text
from tests.proto.dns.server import (
    FIRST,
    SECOND,
    address,
    alias,
    answer,
    ask,
    deliver,
    nameserver,
    numbers,
    only,
    resolver,
    respond,
    soa,
)

EVIL = address("www.example.net", b"\6\6\6\6")


def asked() -> tuple[Resolver[str], Query]:
    """Return a resolver that waits for a response, and the query."""
    machine = resolver()
    ask(machine, "www.example.net")
    return machine, only(machine)


def test_from_another_host_or_port_nothing_is_believed() -> None:
    machine, query = asked()
    assert query.port is not None
    forged = respond(query, EVIL)
    machine.receive(SECOND, dns.PORT, query.port, forged, 0.1)
    machine.receive(FIRST, 5353, query.port, forged, 0.1)
    machine.receive(FIRST, dns.PORT, query.port + 1, forged, 0.1)
    assert (machine.take_results(), machine.counters.strange) == ([], 3)


FORGED = {
    "another id": {"identifier": 1},
    "a query": {"flags": 0},
    "another opcode": {"flags": dns.RESPONSE | 4 << dns.OPCODE_SHIFT},
    "another name": {"question": dns.Question(parse_text("www.example.com"), dns.A)},
    "another type": {"question": dns.Question(parse_text("www.example.net"), dns.AAAA)},
    "another class": {"question": dns.Question(parse_text("www.example.net"), dns.A, 3)},
}


@pytest.mark.parametrize("fields", FORGED.values(), ids=FORGED.keys())
def test_a_response_to_something_else_is_passed_over(fields: dict[str, int]) -> None:
    machine, query = asked()
    deliver(machine, query, respond(query, EVIL, **fields))  # type: ignore[arg-type]
    assert (machine.take_results(), machine.counters.strange, len(machine)) == ([], 1, 1)
    deliver(machine, query, respond(query, address("www.example.net")))
    assert len(machine.take_results()) == 1


def test_records_that_nobody_asked_for_are_not_believed() -> None:
    machine, query = asked()
    message = dns.parse(respond(query, address("bank.example.com"), address("www.example.net")))
    poisoned = message._replace(additionals=(address("bank.example.com"),), authorities=(nameserver("com"),))
    deliver(machine, query, dns.serialize(poisoned))
    (result,) = machine.take_results()
    assert isinstance(result.outcome, Answer)
    assert result.outcome.records == (address("www.example.net"),)
    assert ask(machine, "bank.example.com", 0.2) is None


def test_garbage_is_passed_over() -> None:
    machine, query = asked()
    for octets in (b"", b"\0" * 11, b"\xff" * 100, respond(query)[:-1]):
        deliver(machine, query, octets)
    assert (machine.counters.malformed, len(machine)) == (4, 1)


def test_a_response_over_tcp_that_is_truncated_is_read_as_it_is() -> None:
    machine, query = asked()
    deliver(machine, query, respond(query, flags=dns.RESPONSE | dns.TRUNCATED))
    answer(machine, address("www.example.net"), flags=dns.RESPONSE | dns.TRUNCATED)
    (result,) = machine.take_results()
    assert isinstance(result.outcome, Answer)


def test_a_datagram_does_not_answer_a_query_over_tcp_nor_the_other_way_round() -> None:
    machine, query = asked()
    machine.receive_stream(query.number, respond(query, EVIL), 0.1)
    machine.receive_stream(99, respond(query, EVIL), 0.1)
    assert (machine.take_results(), len(machine)) == ([], 1)


def test_look_ups_and_those_who_wait_have_caps() -> None:
    machine = resolver(settings=Settings(lookups=3, owners=5))
    outcomes = [ask(machine, f"{number}.net") for number in range(5)]
    assert outcomes == [None] * 3 + [Failure(Reason.OVERLOADED)] * 2
    assert [ask(machine, "0.net") for _ in range(3)] == [None, None, Failure(Reason.OVERLOADED)]
    assert machine.counters.refused == 3
    query = machine.take_queries()[0]
    deliver(machine, query, respond(query, address("0.net")))
    assert len(machine.take_results()) == 3
    assert ask(machine, "4.net") is None


def test_when_no_port_is_free_the_look_up_times_out() -> None:
    machine: Resolver[str] = Resolver((FIRST,), numbers(), is_free=lambda port: False)
    ask(machine, "www.example.net")
    while machine.next_deadline() < inf:
        machine.tick(machine.next_deadline())
    (result,) = machine.take_results()
    assert (result.outcome, machine.take_queries()) == (Failure(Reason.TIMED_OUT), [])


def test_ports_are_those_that_are_free() -> None:
    machine: Resolver[str] = Resolver((FIRST,), numbers(), is_free=lambda port: port % 8 == 0)
    for number in range(20):
        ask(machine, f"{number}.net")
    ports = [query.port for query in machine.take_queries()]
    assert len(set(ports)) == 20
    assert all(port is not None and port >= 1024 and port % 8 == 0 for port in ports)


NAMES = ("a.net", "b.net", "c.net", "A.com")
RECORD = (
    st.builds(address, st.sampled_from(NAMES), st.just(b"\1\2\3\4"), st.sampled_from((0, 5, 300)))
    | st.builds(alias, st.sampled_from(NAMES), st.sampled_from(NAMES), st.sampled_from((0, 5, 300)))
    | st.builds(soa, st.sampled_from(("net", "com", ".")))
    | st.builds(nameserver, st.just("net"))
)
RECORDS = st.lists(RECORD, max_size=4)
RCODES = st.sampled_from((0, 0, 0, 1, 2, 3, 5))
STEP = (
    st.tuples(st.just("ask"), st.sampled_from(NAMES), st.sampled_from((dns.A, dns.AAAA, dns.CNAME)))
    | st.tuples(st.just("respond"), st.integers(0, 9), RECORDS, RECORDS, RCODES, st.sampled_from((0, dns.TRUNCATED)))
    | st.tuples(st.just("garbage"), st.integers(0, 9), st.binary(max_size=40))
    | st.tuples(st.just("wait"), st.sampled_from((0.0, 0.5, 1.0, 4.0, 400.0)))
    | st.tuples(st.just("servers"), st.integers(0, 2))
)
SMALL = Settings(lookups=3, owners=4, cache=8192)


@given(st.lists(STEP, max_size=60), st.booleans())
def test_whatever_comes_every_look_up_ends_once(steps: list[tuple[object, ...]], mixed: bool) -> None:
    machine, now, open_queries = resolver(FIRST, SECOND, settings=SMALL._replace(mixed_case=mixed)), 0.0, list[Query]()
    waiting = 0
    for step in steps:
        match step:
            case "ask", str(name), int(kind):
                waiting += ask(machine, name, now, kind) is None
            case "respond", int(at), list(answers), list(authorities), int(rcode), int(truncated) if open_queries:
                query = open_queries[at % len(open_queries)]
                flags = dns.RESPONSE | truncated
                octets = respond(query, *answers, authorities=authorities, rcode=rcode, flags=flags)
                deliver(machine, query, octets, now)
            case "garbage", int(at), bytes(octets) if open_queries:
                deliver(machine, open_queries[at % len(open_queries)], octets, now)
            case "wait", float(seconds):
                now += seconds
                machine.tick(now)
                assert machine.next_deadline() > now
            case "servers", int(count):
                machine.set_servers((FIRST, SECOND)[:count])
        open_queries += machine.take_queries()
        waiting -= len(machine.take_results())
        assert 0 <= waiting <= SMALL.owners
        assert len(machine) <= SMALL.lookups
        assert machine.cache.octets <= SMALL.cache
    while machine.next_deadline() < inf:
        now = machine.next_deadline()
        machine.tick(now)
    waiting -= len(machine.take_results())
    assert (waiting, len(machine), machine.exchanges.by_port, machine.exchanges.by_number) == (0, 0, {}, {})
