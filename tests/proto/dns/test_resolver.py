"""The resolver against servers that follow a script: sharing, caching, retrying, TCP, and failures."""

from __future__ import annotations

from math import inf

import pytest

from fata.proto.dns.outcome import MOST_NEGATIVE_TTL, Answer, Failure, Reason
from fata.proto.dns.resolver import Resolver, Result, Settings
from fata.wire import dns
from fata.wire.dns_name import parse_text, serialize_name
from tests.proto.dns.server import (
    FIRST,
    SECOND,
    THIRD,
    WWW,
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

WWW_NAME = parse_text("www.example.net")
NO_SUCH_NAME, TIMED_OUT = Failure(Reason.NO_SUCH_NAME), Failure(Reason.TIMED_OUT)


def outcome(machine: Resolver[str]) -> Answer | Failure:
    """Return the outcome of the only look-up that has ended."""
    (result,) = machine.take_results()
    return result.outcome


def test_a_name_is_asked_for_and_answered() -> None:
    machine = resolver()
    assert ask(machine, "www.example.net") is None
    query = only(machine)
    asked = dns.parse(query.message)
    assert (query.server, asked.questions) == (FIRST, (dns.Question(WWW_NAME, dns.A),))
    assert not asked.flags & dns.RESPONSE
    deliver(machine, query, respond(query, address("www.example.net")))
    expected = Answer((address("www.example.net"),), WWW_NAME, 300.1)
    assert machine.take_results() == [Result("me", expected)]
    assert (len(machine), machine.next_deadline(), machine.exchanges.by_port, machine.exchanges.by_number) == (
        0,
        inf,
        {},
        {},
    )


def test_an_answer_is_known_as_long_as_it_lives() -> None:
    machine = resolver()
    ask(machine, "www.example.net")
    answer(machine, address("www.example.net", ttl=10), address("www.example.net", ttl=20))
    known = outcome(machine)
    assert ask(machine, "WWW.Example.NET.", 10.0) == known
    assert ask(machine, "www.example.net", 10.1) is None
    assert len(machine.take_queries()) == 1


def test_an_answer_that_does_not_live_is_still_an_answer() -> None:
    machine = resolver()
    ask(machine, "www.example.net")
    answer(machine, address("www.example.net", ttl=0))
    assert isinstance(outcome(machine), Answer)
    assert ask(machine, "www.example.net", 0.1) is None


def test_who_asks_for_the_same_shares_the_query() -> None:
    machine = resolver()
    for owner in ("one", "two", "three"):
        assert machine.resolve(parse_text("www.example.net"), dns.A, owner, 0.0) is None
    ask(machine, "www.example.net", 0.0, dns.AAAA)
    first, _second = machine.take_queries()
    deliver(machine, first, respond(first, address("www.example.net")))
    assert [result.owner for result in machine.take_results()] == ["one", "two", "three"]
    assert (machine.counters.shared, machine.counters.queries) == (2, 2)


def test_a_server_that_is_silent_is_asked_again_ever_more_slowly() -> None:
    machine = resolver()
    ask(machine, "www.example.net")
    times = []
    while machine.next_deadline() < inf:
        times.append(machine.next_deadline())
        machine.tick(times[-1])
    assert times == [1.0, 3.0, 7.0]
    queries = machine.take_queries()
    assert (
        len({query.port for query in queries}) == len({dns.parse(query.message).identifier for query in queries}) == 3
    )
    assert outcome(machine) == TIMED_OUT
    assert (machine.exchanges.by_port, machine.counters.timed_out) == ({}, 3)


def test_servers_take_turns_and_who_answers_is_asked_first_from_then_on() -> None:
    machine = resolver(FIRST, SECOND, THIRD)
    ask(machine, "a.example.net")
    machine.tick(1.0)
    first, second = machine.take_queries()
    assert (first.server, second.server) == (FIRST, SECOND)
    deliver(machine, second, respond(second, address("a.example.net")), 1.1)
    ask(machine, "b.example.net", 2.0)
    assert [query.server for query in machine.take_queries()] == [SECOND]


def test_an_answer_that_comes_late_still_counts() -> None:
    machine = resolver(FIRST, SECOND)
    ask(machine, "www.example.net")
    machine.tick(1.0)
    first, _second = machine.take_queries()
    deliver(machine, first, respond(first, address("www.example.net")), 1.5)
    assert isinstance(outcome(machine), Answer)
    assert machine.exchanges.by_port == {}


@pytest.mark.parametrize("rcode", [dns.SERVER_FAILURE, dns.REFUSED])
def test_a_server_that_cannot_makes_room_for_the_next_at_once(rcode: int) -> None:
    machine = resolver(FIRST, SECOND)
    ask(machine, "www.example.net")
    answer(machine, rcode=rcode)
    answer(machine, address("www.example.net"))
    assert isinstance(outcome(machine), Answer)


def test_when_no_server_can_the_look_up_fails() -> None:
    machine = resolver(FIRST, SECOND)
    ask(machine, "www.example.net")
    for _ in range(6):
        answer(machine, rcode=dns.SERVER_FAILURE)
    assert outcome(machine) == Failure(Reason.SERVER_FAILURE)
    assert machine.take_queries() == []


def test_a_server_that_does_not_understand_edns_is_asked_without() -> None:
    machine = resolver()
    ask(machine, "a.example.net")
    query = only(machine)
    assert dns.parse(query.message).edns
    deliver(machine, query, respond(query, rcode=dns.FORMAT_ERROR))
    query = only(machine)
    assert not dns.parse(query.message).edns
    deliver(machine, query, respond(query, address("a.example.net")))
    assert isinstance(outcome(machine), Answer)
    ask(machine, "b.example.net", 1.0)
    query = only(machine)
    assert not dns.parse(query.message).edns
    deliver(machine, query, respond(query, rcode=dns.FORMAT_ERROR))
    assert machine.counters.lame == 1


def test_no_such_name_is_remembered_as_long_as_the_zone_says() -> None:
    machine = resolver()
    ask(machine, "no.example.net")
    answer(machine, rcode=dns.NAME_ERROR, authorities=(soa("example.net", ttl=300, minimum=60),))
    assert outcome(machine) == NO_SUCH_NAME
    assert ask(machine, "no.example.net", 60.0) == NO_SUCH_NAME
    assert ask(machine, "no.example.net", 60.1) is None


def test_no_such_name_is_not_remembered_for_long_whatever_the_zone_says() -> None:
    machine = resolver()
    ask(machine, "no.example.net")
    answer(machine, rcode=dns.NAME_ERROR, authorities=(soa("", ttl=80_000, minimum=90_000),), now=0.0)
    assert ask(machine, "no.example.net", MOST_NEGATIVE_TTL) is None


def test_without_a_zone_nothing_negative_is_remembered() -> None:
    machine = resolver()
    for authority in ((), (soa("example.com"),)):
        ask(machine, "no.example.net")
        answer(machine, rcode=dns.NAME_ERROR, authorities=authority)
        assert outcome(machine) == NO_SUCH_NAME


def test_no_data_is_another_failure() -> None:
    machine = resolver()
    ask(machine, "www.example.net", 0.0, dns.AAAA)
    answer(machine, authorities=(soa("example.net"),))
    assert outcome(machine) == Failure(Reason.NO_DATA)
    assert ask(machine, "www.example.net", 1.0, dns.AAAA) == Failure(Reason.NO_DATA)
    assert ask(machine, "www.example.net", 1.0) is None


def test_a_referral_says_nothing() -> None:
    machine = resolver(FIRST, SECOND)
    ask(machine, "www.example.net")
    answer(machine, authorities=(nameserver("net"),))
    answer(machine, address("www.example.net"))
    assert isinstance(outcome(machine), Answer)


def test_aliases_are_followed_within_a_response_and_live_as_long_as_the_shortest() -> None:
    machine = resolver()
    ask(machine, "www.example.net")
    chain = (
        address("c.example.com"),
        alias("b.example.com", "C.example.com", 50),
        alias("WWW.example.net", "b.example.com"),
    )
    answer(machine, *chain, now=0.0)
    assert outcome(machine) == Answer((address("c.example.com"),), parse_text("c.example.com"), 50.0)


def test_an_alias_that_the_server_does_not_follow_is_asked_for() -> None:
    machine = resolver()
    ask(machine, "www.example.net")
    answer(machine, alias("www.example.net", "cdn.example.com", 20), now=0.0)
    query = only(machine)
    assert dns.parse(query.message).questions == (dns.Question(parse_text("cdn.example.com"), dns.A),)
    deliver(machine, query, respond(query, address("cdn.example.com")), 1.0)
    assert outcome(machine) == Answer((address("cdn.example.com"),), parse_text("cdn.example.com"), 21.0)
    assert ask(machine, "www.example.net", 20.0) is not None


def test_what_comes_late_about_a_name_with_an_alias_is_passed_over() -> None:
    machine = resolver(FIRST, SECOND)
    ask(machine, "www.example.net")
    machine.tick(1.0)
    first, second = machine.take_queries()
    deliver(machine, second, respond(second, alias("www.example.net", "cdn.example.com")), 1.1)
    deliver(machine, first, respond(first, address("www.example.net", b"\6\6\6\6")), 1.2)
    assert (machine.take_results(), machine.counters.strange) == ([], 1)
    answer(machine, address("cdn.example.com"))
    assert isinstance(outcome(machine), Answer)


def test_an_alias_into_nothing_is_no_such_name() -> None:
    machine = resolver()
    ask(machine, "www.example.net")
    answer(machine, alias("www.example.net", "x.example.com"), rcode=dns.NAME_ERROR, authorities=(soa("example.com"),))
    assert outcome(machine) == NO_SUCH_NAME


def test_aliases_in_a_circle_come_to_an_end() -> None:
    machine = resolver()
    ask(machine, "a.net")
    for _ in range(3):
        answer(machine, alias("a.net", "b.net"), alias("b.net", "a.net"))
    assert outcome(machine) == Failure(Reason.SERVER_FAILURE)


def test_aliases_without_an_end_come_to_one() -> None:
    machine = resolver()
    ask(machine, "0.net")
    for number in range(17):
        answer(machine, alias(f"{number}.net", f"{number + 1}.net"))
    assert outcome(machine) == Failure(Reason.SERVER_FAILURE)
    assert machine.take_queries() == []


def test_a_response_that_does_not_fit_is_asked_for_over_tcp() -> None:
    machine = resolver()
    ask(machine, "big.example.net")
    answer(machine, flags=dns.RESPONSE | dns.TRUNCATED)
    query = only(machine)
    assert (query.server, query.port) == (FIRST, None)
    deliver(machine, query, respond(query, address("big.example.net")))
    assert isinstance(outcome(machine), Answer)
    assert machine.exchanges.by_number == {}


def test_when_tcp_comes_to_nothing_the_next_server_is_asked() -> None:
    machine = resolver(FIRST, SECOND)
    ask(machine, "big.example.net")
    answer(machine, flags=dns.RESPONSE | dns.TRUNCATED)
    query = only(machine)
    machine.receive_stream(query.number, None, 0.5)
    machine.receive_stream(query.number, None, 0.5)
    query = only(machine)
    assert query.server == SECOND
    deliver(machine, query, respond(query, flags=dns.RESPONSE | dns.TRUNCATED))
    machine.take_queries()
    machine.tick(machine.next_deadline())
    assert [query.port is None for query in machine.take_queries()] == [False]


def test_static_names_and_those_of_rfc_6761_need_no_server() -> None:
    machine: Resolver[str] = Resolver((), numbers(), hosts={(b"printer",): [WWW]})
    found = ask(machine, "Printer.")
    assert isinstance(found, Answer)
    assert found.records == (address("printer", ttl=0),)
    assert ask(machine, "printer", 0.0, dns.AAAA) == Failure(Reason.NO_DATA)
    found = ask(machine, "db.localhost")
    assert isinstance(found, Answer)
    assert found.records[0].data == b"\x7f\0\0\1"
    assert ask(machine, "what.invalid") == NO_SUCH_NAME
    assert ask(machine, "www.example.net") == Failure(Reason.NO_SERVERS)


def test_other_servers_are_asked_after_dhcp_and_what_the_old_ones_said_is_forgotten() -> None:
    machine = resolver()
    ask(machine, "www.example.net")
    answer(machine, address("www.example.net"))
    machine.set_servers([SECOND])
    assert ask(machine, "www.example.net", 1.0) is None
    assert [query.server for query in machine.take_queries()] == [SECOND]
    machine.set_servers([])
    machine.tick(2.0)
    assert [result.outcome for result in machine.take_results()][1:] == [TIMED_OUT]


def test_the_case_of_letters_is_drawn_and_must_come_back() -> None:
    machine = resolver(settings=Settings(mixed_case=True))
    ask(machine, "www.example.net")
    query = only(machine)
    sent = query.message[dns.HEADER_LENGTH : dns.HEADER_LENGTH + 17]
    assert sent != sent.lower() == serialize_name(WWW_NAME)
    deliver(machine, query, respond(query, question=dns.Question(WWW_NAME, dns.A)))
    assert (machine.take_results(), machine.counters.strange) == ([], 1)
    machine.tick(1.0)
    again = only(machine)
    assert again.message[dns.HEADER_LENGTH : dns.HEADER_LENGTH + 17] == sent.lower()
    deliver(machine, query, respond(query, address("www.example.net")))
    assert isinstance(outcome(machine), Answer)
