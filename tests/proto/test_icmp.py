"""ICMP errors: RFC 1122's rules for sending them, their number, and what received ones mean."""

from __future__ import annotations

from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.errors import StateError, WireError
from fata.proto.icmp import REASONS, ErrorGate, Reason, Report, report
from fata.wire import icmpv4, ipv4

HERE, THERE = b"\x0a\0\0\1", b"\xc0\0\2\7"
TO_US = ipv4.Header(THERE, HERE, ipv4.UDP, total_length=36)
FROM_US = ipv4.Header(HERE, THERE, ipv4.TCP, total_length=1500)
PORTS = b"\x12\x34\0\x50"
SEQ = b"\xde\xad\xbe\xef"


def one(count: int) -> bytes:
    """Return octets with which every error takes two tokens, as on average."""
    return b"\1" * count


def test_an_ordinary_packet_may_be_answered() -> None:
    gate = ErrorGate(one)
    assert gate.permit(TO_US, bytes(8), 0.0)
    assert gate.counters.permitted == 1


NEVER = {
    "a later fragment": (TO_US._replace(fragment_offset=8), bytes(8)),
    "an ICMP error": (TO_US._replace(protocol=ipv4.ICMP), bytes((icmpv4.UNREACHABLE, 3))),
    "a redirect": (TO_US._replace(protocol=ipv4.ICMP), bytes((icmpv4.REDIRECT, 0))),
    "ICMP without a type": (TO_US._replace(protocol=ipv4.ICMP), b""),
    "to everybody": (TO_US._replace(destination=ipv4.BROADCAST), bytes(8)),
    "to a network": (TO_US._replace(destination=b"\x0a\0\0\xff"), bytes(8)),
    "to a group": (TO_US._replace(destination=b"\xe0\0\0\1"), bytes(8)),
    "from everybody": (TO_US._replace(source=ipv4.BROADCAST), bytes(8)),
    "from a network: smurf": (TO_US._replace(source=b"\x0a\0\0\xff"), bytes(8)),
    "from a group": (TO_US._replace(source=b"\xe0\0\0\1"), bytes(8)),
    "from nobody": (TO_US._replace(source=bytes(4)), bytes(8)),
    "from the loopback": (TO_US._replace(source=ipv4.LOOPBACK), bytes(8)),
    "from class E": (TO_US._replace(source=b"\xf0\0\0\1"), bytes(8)),
}


@pytest.mark.parametrize(("header", "payload"), NEVER.values(), ids=NEVER.keys())
def test_nothing_is_said_about(header: ipv4.Header, payload: bytes) -> None:
    gate = ErrorGate(one)
    gate.broadcasts = frozenset((b"\x0a\0\0\xff",))
    assert not gate.permit(header, payload, 0.0)
    assert gate.counters.forbidden == 1


def test_nothing_is_said_about_what_came_to_many_stations() -> None:
    assert not ErrorGate(one).permit(TO_US, bytes(8), 0.0, group=True)


def test_echo_requests_may_be_answered_with_an_error() -> None:
    assert ErrorGate(one).permit(TO_US._replace(protocol=ipv4.ICMP), bytes((icmpv4.ECHO_REQUEST, 0)), 0.0)


def test_a_flood_gets_few_errors() -> None:
    gate = ErrorGate(one, rate=10.0, burst=5)
    permitted = sum(gate.permit(TO_US, bytes(8), number / 1000) for number in range(10_000))
    assert 5 + 99 <= permitted <= 5 + 101
    assert gate.counters.limited == 10_000 - permitted


def test_the_number_cannot_be_told_from_outside() -> None:
    counts = set()
    for start in range(8):
        octets = cycle(bytes((start * 7 + number * number) % 251 for number in range(97)))
        gate = ErrorGate(lambda count, octets=octets: bytes(next(octets) for _ in range(count)))  # type: ignore[misc]
        counts.add(sum(gate.permit(TO_US, bytes(8), 0.0) for _ in range(200)))
    assert len(counts) > 1
    assert all(30 <= count <= 100 for count in counts)


def test_a_clock_that_stands_still_or_a_limit_of_nothing() -> None:
    gate = ErrorGate(one, burst=1)
    assert [gate.permit(TO_US, bytes(8), 1.0) for _ in range(3)] == [True, False, False]
    with pytest.raises(StateError):
        ErrorGate(one, rate=0.0)


KEY = THERE + HERE + b"\0\x50\x12\x34"


@pytest.mark.parametrize(
    ("code", "reason", "soft"),
    [
        (icmpv4.NET_UNREACHABLE, Reason.NETWORK, True),
        (icmpv4.HOST_UNREACHABLE, Reason.HOST, True),
        (icmpv4.SOURCE_ROUTE_FAILED, Reason.NETWORK, True),
        (icmpv4.PROTOCOL_UNREACHABLE, Reason.PROTOCOL, False),
        (icmpv4.PORT_UNREACHABLE, Reason.PORT, False),
        (icmpv4.COMMUNICATION_PROHIBITED, Reason.PROHIBITED, False),
    ],
)
def test_unreachable_is_soft_or_hard_as_rfc_1122_says(code: int, reason: Reason, soft: bool) -> None:
    said = report(icmpv4.Unreachable(code, icmpv4.Quoted(FROM_US, PORTS + SEQ)))
    assert said == Report(reason, ipv4.TCP, KEY, 0xDEADBEEF, 1500)
    assert said.soft is soft


def test_what_is_too_large_says_the_mtu() -> None:
    said = report(icmpv4.Unreachable(icmpv4.FRAGMENTATION_NEEDED, icmpv4.Quoted(FROM_US, PORTS + SEQ), 1400))
    assert said is not None
    assert (said.reason, said.mtu, said.length, said.soft) == (Reason.TOO_LARGE, 1400, 1500, True)


def test_udp_has_no_sequence_number() -> None:
    quoted = icmpv4.Quoted(FROM_US._replace(protocol=ipv4.UDP), PORTS + SEQ)
    said = report(icmpv4.Unreachable(icmpv4.PORT_UNREACHABLE, quoted))
    assert said == Report(Reason.PORT, ipv4.UDP, KEY, None, 1500)


def test_other_errors_are_soft() -> None:
    quoted = icmpv4.Quoted(FROM_US, PORTS + SEQ)
    for message in (icmpv4.TimeExceeded(0, quoted), icmpv4.ParameterProblem(0, quoted)):
        said = report(message)
        assert said is not None
        assert said.soft


@pytest.mark.parametrize(
    "message",
    [
        icmpv4.Echo(True, 1, 1, b""),
        icmpv4.Redirect(1, icmpv4.Quoted(FROM_US, PORTS + SEQ), HERE),
        icmpv4.Other(icmpv4.SOURCE_QUENCH, 0, bytes(4), bytes(28)),
        icmpv4.Unreachable(99, icmpv4.Quoted(FROM_US, PORTS + SEQ)),
        icmpv4.Unreachable(3, icmpv4.Quoted(FROM_US._replace(protocol=47), PORTS + SEQ)),
        icmpv4.Unreachable(3, icmpv4.Quoted(FROM_US._replace(fragment_offset=8), PORTS + SEQ)),
    ],
)
def test_what_concerns_neither_tcp_nor_udp_is_no_report(message: icmpv4.Message) -> None:
    assert report(message) is None


def test_every_code_that_is_defined_has_a_reason() -> None:
    assert sorted(REASONS) == list(range(icmpv4.PRECEDENCE_CUTOFF + 1))


@given(st.binary(max_size=80))
def test_any_octets_make_a_report_or_none(data: bytes) -> None:
    try:
        message = icmpv4.parse(data, 0, len(data))
    except WireError:
        return
    said = report(message)
    assert said is None or len(said.key) == 12
