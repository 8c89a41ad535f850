"""DNS messages (RFC 1035 4; AAAA: RFC 3596; SRV: RFC 2782; EDNS: RFC 6891).

+---------------------------------------------------------------+
|          identifier           |Q opcode A T R|R Z A C   rcode |
+-------------------------------+-------------------------------+
|      number of questions      |       number of answers       |
+-------------------------------+-------------------------------+
|    number of authorities      |     number of additionals     |
+-------------------------------+-------------------------------+
|  questions: name, type, class                                 |
|  records: name, type, class, time to live, length, data       |
+---------------------------------------------------------------+
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from fata.errors import WireError
from fata.wire.dns_data import Data, parse_data, serialize_data
from fata.wire.dns_name import ROOT, Name, parse_name, serialize_name

HEADER = Struct("!HHHHHH")
HEADER_LENGTH = 12  # octets
QUESTION = Struct("!HH")
RECORD = Struct("!HHIH")
MIN_QUESTION = 5  # octets: the root's name, type, class
MIN_RECORD = 11

PORT = 53
EDNS_UDP = 1232  # octets that need no fragments, www.dnsflagday.net/2020
MAX_TTL = 0x7FFFFFFF  # seconds, RFC 2181 8: with the highest bit set it counts as 0

# Types of records.
A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, OPT, ANY = 1, 2, 5, 6, 12, 15, 16, 28, 33, 41, 255
IN = 1  # the class

# Bits of the second word.
RESPONSE = 0x8000
AUTHORITATIVE = 0x0400
TRUNCATED = 0x0200
RECURSION_DESIRED = 0x0100
RECURSION_AVAILABLE = 0x0080
OPCODE_SHIFT = 11

# Response codes.
NO_ERROR, FORMAT_ERROR, SERVER_FAILURE, NAME_ERROR, NOT_IMPLEMENTED, REFUSED = range(6)


class Question(NamedTuple):
    """What is asked."""

    name: Name
    type: int
    klass: int = IN


class Record(NamedTuple):
    """A resource record."""

    name: Name
    type: int
    ttl: int  # seconds; of OPT: extended response code, version, flags
    data: Data
    klass: int = IN  # of OPT: octets of UDP payload that the sender takes


class Message(NamedTuple):
    """A query or a response."""

    identifier: int
    flags: int = RECURSION_DESIRED  # the second word, response code included
    questions: tuple[Question, ...] = ()
    answers: tuple[Record, ...] = ()
    authorities: tuple[Record, ...] = ()
    additionals: tuple[Record, ...] = ()

    @property
    def rcode(self) -> int:
        """The response code, with the bits that OPT adds to it."""
        edns = self.edns
        return self.flags & 15 | (edns.ttl >> 24 << 4 if edns else 0)

    @property
    def opcode(self) -> int:
        """The kind of query: 0 is an ordinary one."""
        return self.flags >> OPCODE_SHIFT & 15

    @property
    def edns(self) -> Record | None:
        """The OPT record, if the sender speaks EDNS."""
        return next((record for record in self.additionals if record.type == OPT), None)


def query(identifier: int, name: Name, kind: int, udp_payload: int = EDNS_UDP) -> Message:
    """Make a question for a recursive resolver, with EDNS unless `udp_payload` is 0."""
    edns = (Record(ROOT, OPT, 0, (), udp_payload),) if udp_payload else ()
    return Message(identifier, RECURSION_DESIRED, (Question(name, kind),), additionals=edns)


def parse(message: bytes) -> Message:
    """Read a whole message. Octets behind it are refused. Raises `WireError`."""
    if len(message) < HEADER_LENGTH:
        raise WireError(f"dns: {len(message)} octets are no header of {HEADER_LENGTH}")
    identifier, flags, *counts = HEADER.unpack_from(message)
    least = counts[0] * MIN_QUESTION + sum(counts[1:]) * MIN_RECORD
    if least > len(message) - HEADER_LENGTH:
        raise WireError(f"dns: {sum(counts)} questions and records in {len(message)} octets")
    at = HEADER_LENGTH
    questions = []
    for _ in range(counts[0]):
        question, at = _parse_question(message, at)
        questions.append(question)
    sections: list[tuple[Record, ...]] = []
    for count in counts[1:]:
        records = []
        for _ in range(count):
            record, at = _parse_record(message, at)
            records.append(record)
        sections.append(tuple(records))
    if at != len(message):
        raise WireError(f"dns: {len(message) - at} octets behind the last record")
    return Message(identifier, flags, tuple(questions), *sections)


def _parse_question(message: bytes, at: int) -> tuple[Question, int]:
    name, at = parse_name(message, at, len(message))
    if at + QUESTION.size > len(message):
        raise WireError(f"dns: a question at {at} is cut off at {len(message)}")
    return Question(name, *QUESTION.unpack_from(message, at)), at + QUESTION.size


def _parse_record(message: bytes, at: int) -> tuple[Record, int]:
    name, at = parse_name(message, at, len(message))
    if at + RECORD.size > len(message):
        raise WireError(f"dns: a record at {at} is cut off at {len(message)}")
    kind, klass, ttl, length = RECORD.unpack_from(message, at)
    at += RECORD.size
    if at + length > len(message):
        raise WireError(f"dns: data of {length} octets at {at}, where {len(message)} octets are")
    if kind != OPT and ttl > MAX_TTL:
        ttl = 0
    return Record(name, kind, ttl, parse_data(kind, message, at, at + length), klass), at + length


def serialize(message: Message) -> bytes:
    """Return a message's octets, names compressed where RFC 1035 lets them be (RFC 3597 4)."""
    identifier, flags, questions, *sections = message
    octets = bytearray(HEADER.pack(identifier, flags, len(questions), *map(len, sections)))
    known: dict[Name, int] = {}
    for question in questions:
        octets += serialize_name(question.name, len(octets), known)
        octets += QUESTION.pack(question.type, question.klass)
    for section in sections:
        for record in section:
            octets += serialize_name(record.name, len(octets), known)
            data = serialize_data(record.type, record.data, len(octets) + RECORD.size, known)
            octets += RECORD.pack(record.type, record.klass, record.ttl, len(data)) + data
    return bytes(octets)
