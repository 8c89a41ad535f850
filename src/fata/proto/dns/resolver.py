"""A stub resolver: a machine that asks DNS servers, one after the other, until one has answered.

Whoever runs it sends what `take_queries` returns from the port that stands there, and hands over what comes to the
ports in `exchanges.by_port`. A response that does not fit into a datagram makes a query over TCP (RFC 7766), which
the caller carries as well. Look-ups of the same name share their queries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Generic, NamedTuple, TypeVar, assert_never

from fata.errors import WireError
from fata.proto.deadlines import Deadlines
from fata.proto.dns.cache import Cache
from fata.proto.dns.exchanges import Exchange, Exchanges, Query
from fata.proto.dns.outcome import (
    MOST_ALIASES,
    Alias,
    Answer,
    Failure,
    Found,
    Lame,
    Missing,
    Reading,
    Reason,
    is_within,
    read,
)
from fata.wire import dns, ipv4
from fata.wire.dns_name import Name

Owner = TypeVar("Owner")  # whoever wants to know; the machine only keeps it

STATIC_TTL = 86400.0  # seconds
LOCALHOST, INVALID = (b"localhost",), (b"invalid",)  # RFC 6761 6.3 and 6.4


class Settings(NamedTuple):
    """Times in seconds, and caps."""

    first_timeout: float = 1.0  # doubled when every server was asked once more
    rounds: int = 3  # how often each server is asked
    stream_timeout: float = 6.0
    mixed_case: bool = False  # draw the case of letters: more for an attacker to guess, but some servers stumble
    lookups: int = 256  # under way
    owners: int = 1024  # waiting
    cache: int = 1024 * 1024  # octets


DEFAULTS = Settings()


@dataclass(slots=True)
class Counters:
    """What has happened since the start."""

    lookups: int = 0  # that needed a server
    shared: int = 0  # that waited for another's query
    queries: int = 0
    truncated: int = 0  # responses that led to TCP
    answered: int = 0
    failed: int = 0
    timed_out: int = 0  # queries, not look-ups
    lame: int = 0  # responses that say nothing
    malformed: int = 0
    strange: int = 0  # responses with another server, id or question than the query: late, or forged
    refused: int = 0  # look-ups beyond the caps


class Result(NamedTuple, Generic[Owner]):
    """The end of a look-up, for one of those who waited."""

    owner: Owner
    outcome: Answer | Failure


@dataclass(slots=True)
class Lookup(Generic[Owner]):
    """A question under way. Its earlier queries stay open: a slow server is a server, too."""

    question: dns.Question
    asked: dns.Question  # the same, or what its alias leads to
    owners: list[Owner]
    ttl: float = inf  # seconds, the least of the aliases on the way
    aliases: int = 0
    attempts: int = 0
    failed: bool = False  # a server has said that it cannot answer
    exchanges: list[Exchange] = field(default_factory=list)


class Resolver(Generic[Owner]):
    """A host's resolver. `entropy(n)` returns n random octets; `is_free(port)` says whether a UDP port may be used."""

    def __init__(
        self,
        servers: Sequence[bytes],
        entropy: Callable[[int], bytes],
        *,
        hosts: Mapping[Name, Sequence[bytes]] | None = None,
        is_free: Callable[[int], bool] = lambda port: True,
        settings: Settings = DEFAULTS,
    ) -> None:
        self.settings = settings
        self.counters = Counters()
        self.cache: Cache[dns.Question, Answer | Failure] = Cache(settings.cache)
        self.exchanges = Exchanges(entropy, is_free)
        self._servers = list(servers)
        self._hosts = dict(hosts or {})
        self._first = 0  # the server to be asked first: the last one that answered
        self._plain: set[bytes] = set()  # servers that do not understand EDNS
        self._lookups: dict[dns.Question, Lookup[Owner]] = {}
        self._owners = 0
        self._deadlines: Deadlines[dns.Question] = Deadlines()
        self._queries: list[Query] = []
        self._results: list[Result[Owner]] = []

    def __len__(self) -> int:
        return len(self._lookups)

    def set_servers(self, servers: Sequence[bytes]) -> None:
        """Ask other servers from now on, as after DHCP. What the old ones said is forgotten: names may be local."""
        self._servers = list(servers)
        self._first = 0
        self._plain.clear()
        self.cache.clear()

    def resolve(self, name: Name, kind: int, owner: Owner, now: float) -> Answer | Failure | None:
        """Look up a name's records of a type; None: the result will be among `take_results`."""
        question = dns.Question(name, kind)
        known = self._local(question, now) or self.cache.get(question, now)
        if known is not None:
            return known
        if not self._servers:
            return Failure(Reason.NO_SERVERS)
        lookup = self._lookups.get(question)
        if self._owners >= self.settings.owners or (lookup is None and len(self) >= self.settings.lookups):
            self.counters.refused += 1
            return Failure(Reason.OVERLOADED)
        self._owners += 1
        if lookup is not None:
            self.counters.shared += 1
            lookup.owners.append(owner)
            return None
        self.counters.lookups += 1
        lookup = self._lookups[question] = Lookup(question, question, [owner])
        self._attempt(lookup, now)
        return None

    def _local(self, question: dns.Question, now: float) -> Answer | Failure | None:
        """Return what needs no server: static entries, and names that no server is to see."""
        name = question.name
        addresses = self._hosts.get(name)
        if addresses is None:
            if is_within(name, INVALID):
                return Failure(Reason.NO_SUCH_NAME)
            if not is_within(name, LOCALHOST):
                return None
            addresses = (ipv4.LOOPBACK,)
        if question.type != dns.A:
            return Failure(Reason.NO_DATA)
        records = tuple(dns.Record(name, dns.A, 0, address) for address in addresses)
        return Answer(records, name, now + STATIC_TTL)

    def _attempt(self, lookup: Lookup[Owner], now: float) -> None:
        """Ask the next server, or give up when all were asked often enough."""
        count = len(self._servers)
        if lookup.attempts >= self.settings.rounds * count:
            self._finish(lookup, Failure(Reason.SERVER_FAILURE if lookup.failed else Reason.TIMED_OUT))
            return
        server = self._servers[(self._first + lookup.attempts) % count]
        timeout = self.settings.first_timeout * 2.0 ** (lookup.attempts // count)
        lookup.attempts += 1
        self._ask(lookup, server, now + timeout)

    def _ask(self, lookup: Lookup[Owner], server: bytes, deadline: float, *, stream: bool = False) -> None:
        # Letters of drawn case only the first time: some servers do not answer them.
        mixed = self.settings.mixed_case and lookup.attempts <= len(self._servers)
        query = self.exchanges.open(
            lookup.question, lookup.asked, server, stream=stream, plain=server in self._plain, mixed=mixed
        )
        self._deadlines.set(lookup.question, deadline)
        if query is None:
            self.counters.timed_out += 1  # no port is free: this attempt is lost, and the next one has its time
            return
        lookup.exchanges.append(self.exchanges.by_number[query.number])
        self.counters.queries += 1
        self._queries.append(query)

    def receive(self, server: bytes, server_port: int, port: int, octets: bytes, now: float) -> None:
        """Take a datagram that came to one of `exchanges.by_port`."""
        exchange = self.exchanges.by_port.get(port)
        if exchange is None or server != exchange.server or server_port != dns.PORT:
            self.counters.strange += 1
            return
        self._respond(exchange, octets, now)

    def receive_stream(self, number: int, octets: bytes | None, now: float) -> None:
        """Take the response to a query over TCP, without its length; None: the connection came to nothing."""
        exchange = self.exchanges.by_number.get(number)
        if exchange is None or exchange.port is not None:
            return
        if octets is None:
            self._attempt(self._closed(exchange), now)
            return
        self._respond(exchange, octets, now)

    def _closed(self, exchange: Exchange) -> Lookup[Owner]:
        """End a query; return its look-up."""
        lookup = self._lookups[exchange.lookup]
        lookup.exchanges.remove(exchange)
        self.exchanges.close(exchange)
        return lookup

    def _close_all(self, lookup: Lookup[Owner]) -> None:
        for exchange in lookup.exchanges:
            self.exchanges.close(exchange)
        lookup.exchanges.clear()

    def _respond(self, exchange: Exchange, octets: bytes, now: float) -> None:
        try:
            message = dns.parse(octets)
        except WireError:
            self.counters.malformed += 1
            return
        if not exchange.matches(message, octets):
            self.counters.strange += 1
            return
        lookup = self._closed(exchange)
        if message.flags & dns.TRUNCATED and exchange.port is not None:
            self.counters.truncated += 1
            self._ask(lookup, exchange.server, now + self.settings.stream_timeout, stream=True)
            return
        if message.rcode in (dns.FORMAT_ERROR, dns.NOT_IMPLEMENTED) and exchange.server not in self._plain:
            self._plain.add(exchange.server)
            self._ask(lookup, exchange.server, now + self.settings.first_timeout, stream=exchange.port is None)
            return
        self._conclude(lookup, exchange, read(message, lookup.asked), len(octets), now)

    def _conclude(self, lookup: Lookup[Owner], exchange: Exchange, reading: Reading, size: int, now: float) -> None:
        """Act on what a response says."""
        if not isinstance(reading, Lame) and exchange.server in self._servers:
            self._first = self._servers.index(exchange.server)
        match reading:
            case Lame():
                self.counters.lame += 1
                lookup.failed = True
                self._attempt(lookup, now)
            case Found(records, canonical, ttl):
                ttl = min(ttl, lookup.ttl)
                self._finish(lookup, Answer(records, canonical, now + ttl), size, ttl, now)
            case Missing(reason, ttl):
                self._finish(lookup, Failure(reason), size, min(ttl, lookup.ttl), now)
            case Alias(name, ttl):
                lookup.aliases += 1
                if lookup.aliases > MOST_ALIASES:
                    self._finish(lookup, Failure(Reason.SERVER_FAILURE))
                    return
                self._close_all(lookup)  # whatever comes late is about a name that is left behind
                lookup.asked = dns.Question(name, lookup.question.type)
                lookup.ttl = min(ttl, lookup.ttl)
                lookup.attempts = 0
                self._attempt(lookup, now)
            case _:
                assert_never(reading)

    def _finish(
        self, lookup: Lookup[Owner], outcome: Answer | Failure, size: int = 0, ttl: float = 0.0, now: float = 0.0
    ) -> None:
        """End a look-up, and keep its outcome for `ttl` seconds."""
        self.counters.answered += isinstance(outcome, Answer)
        self.counters.failed += isinstance(outcome, Failure)
        self.cache.put(lookup.question, outcome, size, ttl, now)
        del self._lookups[lookup.question]
        self._deadlines.discard(lookup.question)
        self._close_all(lookup)
        self._owners -= len(lookup.owners)
        self._results += [Result(owner, outcome) for owner in lookup.owners]

    def next_deadline(self) -> float:
        """Return when `tick` has something to do; inf if never."""
        return self._deadlines.next()

    def tick(self, now: float) -> None:
        """Ask again what was not answered in time."""
        for question in self._deadlines.due(now):
            self.counters.timed_out += 1
            self._attempt(self._lookups[question], now)

    def take_queries(self) -> list[Query]:
        """Return the queries to be sent."""
        queries, self._queries = self._queries, []
        return queries

    def take_results(self) -> list[Result[Owner]]:
        """Return the look-ups that have ended, for each who waited."""
        results, self._results = self._results, []
        return results
