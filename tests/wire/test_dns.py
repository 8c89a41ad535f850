"""DNS messages: dnspython's octets both ways, round trip, truncations, garbage; hostile names."""

from __future__ import annotations

from random import Random

import pytest
from dns.message import from_wire
from hypothesis import given
from hypothesis import strategies as st

from fata.errors import ConfigError, WireError
from fata.wire import dns
from fata.wire.dns import Message, Question, Record
from fata.wire.dns_data import Data, Mx, Option, Soa, Srv, Texts
from fata.wire.dns_name import MAX_NAME, MAX_POINTERS, Name, parse_name, parse_text, serialize_name
from tests.fuzz.message_targets import TARGETS
from tests.fuzz.target import Target, assert_survives_damage, assert_truncations_are_refused
from tests.wire import dns_messages

EXAMPLE = (b"example", b"com")
WWW = (b"www", *EXAMPLE)
ANSWER = dns.RESPONSE | dns.AUTHORITATIVE | dns.RECURSION_DESIRED | dns.RECURSION_AVAILABLE
TARGET = TARGETS["dns"]


def answer(name: Name, kind: int, *records: tuple[Name, int, Data], ttl: int = 300) -> Message:
    """Make an answer as the golden ones are."""
    answers = tuple(Record(owner, of, ttl, data) for owner, of, data in records)
    return Message(0x1234, ANSWER, (Question(name, kind),), answers)


SOA = Soa((b"ns1", *EXAMPLE), (b"hostmaster", *EXAMPLE), 2026112401, 7200, 3600, 1209600, 300)
SERVICE = (b"_xmpp", b"_tcp", *EXAMPLE)
REVERSE = (b"1", b"2", b"0", b"192", b"in-addr", b"arpa")
GOLDEN = [
    (dns_messages.QUERY, dns.query(0x1234, WWW, dns.A)),
    (
        dns_messages.NO_SUCH_NAME,
        Message(
            0x1234,
            ANSWER | dns.NAME_ERROR,
            (Question((b"nobody", *EXAMPLE), dns.AAAA),),
            authorities=(Record(EXAMPLE, dns.SOA, 3600, SOA),),
        ),
    ),
    (
        dns_messages.MAIL,
        answer(
            EXAMPLE,
            dns.MX,
            (EXAMPLE, dns.MX, Mx(10, (b"mx1", *EXAMPLE))),
            (EXAMPLE, dns.MX, Mx(20, (b"mx2", *EXAMPLE))),
            (EXAMPLE, dns.TXT, Texts((b"v=spf1 -all", b"second string"))),
        ),
    ),
    (
        dns_messages.SERVICE,
        answer(SERVICE, dns.SRV, (SERVICE, dns.SRV, Srv(1, 2, 5222, (b"chat", *EXAMPLE)))),
    ),
    (dns_messages.REVERSE, answer(REVERSE, dns.PTR, (REVERSE, dns.PTR, WWW))),
    (dns_messages.UNKNOWN_TYPE, answer(EXAMPLE, 65280, (EXAMPLE, 65280, bytes((10, 11, 12, 13))))),
]


@pytest.mark.parametrize(("octets", "value"), GOLDEN)
def test_golden_messages_read_and_written(octets: bytes, value: Message) -> None:
    assert dns.parse(octets) == value
    assert dns.serialize(value) == octets


def test_addresses_behind_an_alias() -> None:
    message = dns.parse(dns_messages.ADDRESSES)
    assert dns.serialize(message) == dns_messages.ADDRESSES
    assert message.answers[0] == Record(WWW, dns.CNAME, 300, (b"web", *EXAMPLE))
    assert {record.data for record in message.answers[1:]} == {bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))}
    assert message.additionals[0].data == bytes.fromhex("20010db8000000000000000000000053")
    assert message.edns == Record((), dns.OPT, 0, (Option(10, b"cookie!!"),), 1232)
    assert (message.rcode, message.opcode) == (dns.NO_ERROR, 0)


def test_the_response_code_has_four_bits_and_eight_in_opt() -> None:
    assert Message(1, dns.REFUSED, additionals=(Record((), dns.OPT, 0x01000000, ()),)).rcode == 16 | dns.REFUSED


LABELS = st.binary(min_size=1, max_size=63).map(bytes.lower)
NAMES = st.lists(LABELS, max_size=3).map(tuple) | st.sampled_from([(), EXAMPLE, WWW, (b"x", *WWW)])
WORDS, HALVES = st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFF)
DATA = (
    st.tuples(st.just(dns.A), st.binary(min_size=4, max_size=4))
    | st.tuples(st.just(dns.AAAA), st.binary(min_size=16, max_size=16))
    | st.tuples(st.sampled_from([dns.NS, dns.CNAME, dns.PTR]), NAMES)
    | st.tuples(st.just(dns.SOA), st.builds(Soa, NAMES, NAMES, WORDS, WORDS, WORDS, WORDS, WORDS))
    | st.tuples(st.just(dns.MX), st.builds(Mx, HALVES, NAMES))
    | st.tuples(st.just(dns.SRV), st.builds(Srv, HALVES, HALVES, HALVES, NAMES))
    | st.tuples(st.just(dns.TXT), st.builds(Texts, st.lists(st.binary(max_size=255), max_size=3).map(tuple)))
    | st.tuples(st.just(65280), st.binary(max_size=20))
)
RECORDS = st.builds(lambda name, ttl, data: Record(name, data[0], ttl, data[1]), NAMES, st.integers(0, 1 << 31), DATA)
RECORDS = RECORDS.map(lambda record: record._replace(ttl=record.ttl & dns.MAX_TTL))
SECTIONS = st.lists(RECORDS, max_size=4).map(tuple)
QUESTIONS = st.lists(st.builds(Question, NAMES, HALVES, HALVES), max_size=2).map(tuple)


@given(st.builds(Message, HALVES, HALVES, QUESTIONS, SECTIONS, SECTIONS, SECTIONS))
def test_round_trip(message: Message) -> None:
    assert dns.parse(dns.serialize(message)) == message


def test_truncations() -> None:
    assert_truncations_are_refused(TARGET)
    assert_truncations_are_refused(TARGETS["dns_name"], lambda octets, length: b"\0" in octets[:length])


@given(st.binary(max_size=100), st.binary(min_size=12, max_size=12))
def test_garbage(octets: bytes, header: bytes) -> None:
    assert TARGET.finding(octets) is None
    assert TARGET.finding(b"\0\0\x80\0\0\1\0\1\0\0\0\0" + octets) is None
    assert TARGETS["dns_name"].finding(octets) is None


def test_damaged_messages() -> None:
    assert_survives_damage(TARGET)
    assert_survives_damage(TARGETS["dns_name"])


@pytest.mark.parametrize(
    ("octets", "at", "reason"),
    [
        (b"\xc0\0", 0, "does not lead back"),
        (b"\xc0\2\xc0\0", 2, "pointer at 2 to 0|does not lead back"),
        (b"\1a\xc0\0", 0, "does not lead back"),
        (b"\0\0\xc0\5", 2, "does not lead back"),
        (b"\xc0", 0, "cut off"),
        (b"\x40" + bytes(80), 0, "no length and no pointer"),
        (b"\x80" + bytes(200), 0, "no length and no pointer"),
        (b"\5abc", 0, "a label of 5 octets"),
        (b"\3abc", 0, "goes on"),
        (b"", 0, "goes on"),
        (b"\x3f" + b"a" * 63 + b"\x3f" + b"a" * 63 + b"\x3f" + b"a" * 63 + b"\x3e" + b"a" * 62 + b"\0", 0, "more than"),
    ],
)
def test_names_that_are_refused(octets: bytes, at: int, reason: str) -> None:
    with pytest.raises(WireError, match=reason):
        parse_name(octets, at, len(octets))


def test_the_longest_name() -> None:
    name = (b"a" * 63, b"b" * 63, b"c" * 63, b"d" * 61)
    octets = serialize_name(name)
    assert len(octets) == MAX_NAME
    assert parse_name(octets, 0, len(octets)) == (name, MAX_NAME)


def test_a_chain_of_pointers_has_an_end() -> None:
    octets = b"\1a\0" + b"".join((0xC000 | (at - 2 if at > 3 else 0)).to_bytes(2, "big") for at in range(3, 1000, 2))
    last = 3 + 2 * (MAX_POINTERS - 1)
    assert parse_name(octets, last, len(octets)) == ((b"a",), last + 2)
    with pytest.raises(WireError, match="pointers"):
        parse_name(octets, last + 2, len(octets))


@pytest.mark.parametrize(
    ("kind", "data", "reason"),
    [
        (dns.A, b"\1\2\3", "address of 3 octets"),
        (dns.AAAA, bytes(4), "address of 4 octets, not 16"),
        (dns.CNAME, b"\1a\0x", "1 octets behind the name"),
        (dns.CNAME, b"", "goes on"),
        (dns.SOA, b"\0\0" + bytes(19), "19 octets of numbers"),
        (dns.MX, b"\0\1", "MX of 2"),
        (dns.SRV, bytes(6), "SRV of 6"),
        (dns.TXT, b"\5abc", "string of 5 octets, where 3"),
        (dns.OPT, b"\0\1\0", "no EDNS option"),
        (dns.OPT, b"\0\1\0\2a", "EDNS option 1 of 2 octets"),
    ],
)
def test_data_that_are_refused(kind: int, data: bytes, reason: str) -> None:
    octets = dns.serialize(Message(1, answers=(Record((), 65280, 0, data),)))
    at = octets.rindex((65280).to_bytes(2, "big"))
    with pytest.raises(WireError, match=reason):
        dns.parse(octets[:at] + kind.to_bytes(2, "big") + octets[at + 2 :])


def test_counts_that_lie_cost_nothing() -> None:
    with pytest.raises(WireError, match="262140 questions and records in 12 octets"):
        dns.parse(b"\0\1\x80\0" + b"\xff" * 8)
    with pytest.raises(WireError, match="3 octets behind the last record"):
        dns.parse(dns_messages.QUERY + b"abc")


def test_a_time_to_live_beyond_the_largest_counts_as_zero() -> None:
    message = answer(WWW, dns.A, (WWW, dns.A, bytes(4)), ttl=0x80000000)
    assert dns.parse(dns.serialize(message)).answers[0].ttl == 0


def test_names_that_stand_too_far_in_are_not_pointed_to() -> None:
    far = tuple(Record((b"%d" % number, b"far"), dns.TXT, 0, Texts((b"x" * 255,))) for number in range(70))
    late = (Record((b"late",), dns.A, 0, bytes(4)),) * 2
    message = Message(1, answers=far + late)
    octets = dns.serialize(message)
    assert octets.count(b"\4late") == 2
    assert dns.parse(octets) == message


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("www.Example.COM", WWW),
        ("example.com.", EXAMPLE),
        (".", ()),
        ("", ()),
        ("bücher.example", (b"xn--bcher-kva", b"example")),
    ],
)
def test_text(text: str, name: Name) -> None:
    assert parse_text(text) == name


@pytest.mark.parametrize("text", ["a..b", ".a", "a" * 64, "..", "ü..b", "a." * 127 + "bc", "\ud800"])
def test_text_that_is_no_name(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_text(text)


@given(st.binary(max_size=60))
def test_no_option_makes_an_error_of_another_kind(octets: bytes) -> None:
    message = Message(1, additionals=(Record((), 65280, 0, octets),))
    whole = dns.serialize(message).replace((65280).to_bytes(2, "big"), dns.OPT.to_bytes(2, "big"), 1)
    assert Target((), dns.parse).finding(whole) is None


@pytest.mark.peer
def test_dnspython_reads_what_we_write() -> None:
    random = Random(7)
    names = [(), EXAMPLE, WWW, (b"a", *WWW), (b"b", b"org")]
    for _ in range(50):
        records = tuple(
            Record(random.choice(names), dns.MX, random.randrange(1000), Mx(random.randrange(9), random.choice(names)))
            for _ in range(random.randrange(6))
        )
        octets = dns.serialize(Message(random.randrange(1 << 16), ANSWER, (Question(WWW, dns.MX),), records))
        read = from_wire(octets)
        assert sum(len(rrset) for rrset in read.answer) == len({record[:2] + record[3:] for record in records})
