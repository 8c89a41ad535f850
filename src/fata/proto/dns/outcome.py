"""What a look-up ends in, and how it is read out of a server's response (RFC 1034 3.6.2 and 4.3.2, RFC 2308)."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, cast

from fata.wire import dns
from fata.wire.dns_data import Soa
from fata.wire.dns_name import Name

MOST_TTL = 86400.0  # seconds; servers that say more are not believed for longer
MOST_NEGATIVE_TTL = 900.0  # seconds; RFC 2308 5 finds one to three hours sensible, for servers with many users
MOST_ALIASES = 16  # in one response, and in all


class Answer(NamedTuple):
    """The records of a name. Their owner is the name itself or what its aliases lead to."""

    records: tuple[dns.Record, ...]
    canonical: Name
    expires: float  # monotonic seconds


class Reason(Enum):
    """Why there is no answer."""

    NO_SUCH_NAME = "no such name"
    NO_DATA = "the name has no such records"
    SERVER_FAILURE = "the servers cannot answer"
    TIMED_OUT = "no server answers"
    NO_SERVERS = "no name server is known: name one (--dns), or ask DHCP"
    OVERLOADED = "too many look-ups at once"


class Failure(NamedTuple):
    """A look-up without an answer."""

    reason: Reason


class Found(NamedTuple):
    """The response has the records; seconds that they live."""

    records: tuple[dns.Record, ...]
    canonical: Name
    ttl: float


class Alias(NamedTuple):
    """The response ends in another name: that one is to be asked for."""

    name: Name
    ttl: float


class Missing(NamedTuple):
    """The response says that there is nothing, and for how long that holds; 0: it does not say."""

    reason: Reason
    ttl: float


class Lame(NamedTuple):
    """The response says nothing: a referral, a loop, an error of the server."""


Reading = Found | Alias | Missing | Lame


def read(message: dns.Message, question: dns.Question) -> Reading:
    """Read a response to `question`. Only what the name's own chain of aliases leads to is believed."""
    if message.rcode not in (dns.NO_ERROR, dns.NAME_ERROR):
        return Lame()
    name, ttl = question.name, MOST_TTL
    for _ in range(MOST_ALIASES + 1):
        owned = [record for record in message.answers if record.name == name and record.klass == dns.IN]
        records = tuple(record for record in owned if record.type == question.type)
        if records:
            return Found(records, name, min(ttl, *(record.ttl for record in records)))
        alias = next((record for record in owned if record.type == dns.CNAME), None)
        if alias is None:
            return _read_nothing(message, question, name, ttl)
        ttl = min(ttl, alias.ttl)
        name = cast(Name, alias.data)  # as the parser reads a CNAME
    return Lame()


def _read_nothing(message: dns.Message, question: dns.Question, name: Name, ttl: float) -> Reading:
    """Read a response whose answers end, after aliases or at once, without the records."""
    reason = Reason.NO_SUCH_NAME if message.rcode == dns.NAME_ERROR else Reason.NO_DATA
    for record in message.authorities:
        if isinstance(record.data, Soa) and is_within(name, record.name):
            return Missing(reason, min(ttl, MOST_NEGATIVE_TTL, record.ttl, record.data.minimum))
    if reason is Reason.NO_SUCH_NAME:
        return Missing(reason, 0.0)
    if name != question.name:
        return Alias(name, ttl)
    if any(record.type == dns.NS for record in message.authorities):
        return Lame()  # a referral: this server does not ask others for us
    return Missing(reason, 0.0)


def is_within(name: Name, zone: Name) -> bool:
    """Say whether a name is a zone's or below it."""
    return len(name) >= len(zone) and name[len(name) - len(zone) :] == zone
