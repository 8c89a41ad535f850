"""DNS servers for tests: responses to what a resolver asks, made by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

from fata.proto.dns.exchanges import Query
from fata.proto.dns.outcome import Answer, Failure
from fata.proto.dns.resolver import Resolver, Settings
from fata.wire import dns
from fata.wire.dns_data import Soa
from fata.wire.dns_name import parse_text

FIRST, SECOND, THIRD = b"\x0a\0\0\1", b"\x0a\0\0\2", b"\x0a\0\0\3"
WWW = b"\xc0\0\2\7"


def numbers() -> Callable[[int], bytes]:
    """Return an entropy that counts: no two ids or ports are equal."""
    counter = count(2000)
    return lambda size: next(counter).to_bytes(max(size, 2), "big")[-size:]


def resolver(*servers: bytes, settings: Settings | None = None) -> Resolver[str]:
    """Return a resolver whose owners are texts."""
    return Resolver(servers or (FIRST,), numbers(), settings=settings or Settings())


def address(name: str, octets: bytes = WWW, ttl: int = 300) -> dns.Record:
    """Return an A record."""
    return dns.Record(parse_text(name), dns.A, ttl, octets)


def alias(name: str, target: str, ttl: int = 300) -> dns.Record:
    """Return a CNAME record."""
    return dns.Record(parse_text(name), dns.CNAME, ttl, parse_text(target))


def soa(zone: str, ttl: int = 300, minimum: int = 60) -> dns.Record:
    """Return a SOA record."""
    return dns.Record(parse_text(zone), dns.SOA, ttl, Soa((), (), 1, 2, 3, 4, minimum))


def nameserver(zone: str) -> dns.Record:
    """Return an NS record."""
    return dns.Record(parse_text(zone), dns.NS, 300, parse_text("ns." + zone))


def ask(machine: Resolver[str], name: str, now: float = 0.0, kind: int = dns.A) -> Answer | Failure | None:
    """Look a name up for "me"."""
    return machine.resolve(parse_text(name), kind, "me", now)


def respond(
    query: Query,
    *answers: dns.Record,
    authorities: Sequence[dns.Record] = (),
    rcode: int = dns.NO_ERROR,
    flags: int = dns.RESPONSE,
    identifier: int | None = None,
    question: dns.Question | None = None,
) -> bytes:
    """Return the response to a query: right, but for what is given."""
    asked = dns.parse(query.message)
    questions = asked.questions if question is None else (question,)
    number = asked.identifier if identifier is None else identifier
    message = dns.Message(number, flags | rcode, questions, answers, tuple(authorities))
    octets = dns.serialize(message)
    if question is not None:
        return octets
    name_end = query.message.index(b"\0", dns.HEADER_LENGTH)
    return octets[: dns.HEADER_LENGTH] + query.message[dns.HEADER_LENGTH : name_end] + octets[name_end:]


def deliver(machine: Resolver[str], query: Query, octets: bytes, now: float = 0.1) -> None:
    """Let the server that was asked send octets back."""
    if query.port is None:
        machine.receive_stream(query.number, octets, now)
    else:
        machine.receive(query.server, dns.PORT, query.port, octets, now)


def only(machine: Resolver[str]) -> Query:
    """Return the only query that there is."""
    (query,) = machine.take_queries()
    return query


def answer(
    machine: Resolver[str],
    *answers: dns.Record,
    now: float = 0.1,
    authorities: Sequence[dns.Record] = (),
    rcode: int = dns.NO_ERROR,
    flags: int = dns.RESPONSE,
) -> None:
    """Respond to the only query that there is."""
    query = only(machine)
    deliver(machine, query, respond(query, *answers, authorities=authorities, rcode=rcode, flags=flags), now)
