"""ICMP errors (RFC 1122 3.2.2): which may be sent and how many; what those that come say to TCP and UDP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from fata.errors import StateError
from fata.wire import icmpv4, ipv4

RATE = 100.0  # errors a second
BURST = 50  # errors at once
EXPERIMENTAL = 0xF0  # first octet of 240.0.0.0/4, RFC 1112 4: never a single host's
LOOPBACK = 127  # first octet, RFC 1122 3.2.1.3 g
ERRORS = frozenset(
    (
        icmpv4.UNREACHABLE,
        icmpv4.SOURCE_QUENCH,
        icmpv4.REDIRECT,
        icmpv4.TIME_EXCEEDED,
        icmpv4.PARAMETER_PROBLEM,
    )
)


@dataclass(slots=True)
class Counters:
    """What became of the occasions for an error, and of those that came."""

    permitted: int = 0
    forbidden: int = 0  # RFC 1122 3.2.2: an error about this would do harm
    limited: int = 0


class ErrorGate:
    """Says whether an error may be sent: RFC 1122's rules, then a token bucket for the whole host.

    `entropy(n)` returns n random octets: an error takes one to three tokens, for who can count our errors exactly
    learns from them which ports others use (CVE-2020-25705).
    """

    def __init__(self, entropy: Callable[[int], bytes], *, rate: float = RATE, burst: int = BURST) -> None:
        if rate <= 0 or burst < 1:
            raise StateError(f"icmp: {rate} errors a second, {burst} at once")
        self.counters = Counters()
        self.broadcasts: frozenset[bytes] = frozenset()  # of the host's networks, for the caller to set
        self._entropy = entropy
        self._rate = 2 * rate  # tokens a second; an error takes two on average
        self._capacity = 2.0 * burst
        self._tokens = self._capacity
        self._filled = 0.0

    def permit(self, header: ipv4.Header, payload: bytes, now: float, *, group: bool = False) -> bool:
        """Say whether to send an error about a packet; `payload` is its first octets at least.

        `group` says that the packet came to more than one station by its link-layer address.
        """
        if group or not self._may_be_answered(header, payload):
            self.counters.forbidden += 1
            return False
        if not self._spend(now):
            self.counters.limited += 1
            return False
        self.counters.permitted += 1
        return True

    def _may_be_answered(self, header: ipv4.Header, payload: bytes) -> bool:
        if header.fragment_offset:
            return False
        if header.protocol == ipv4.ICMP and (not payload or payload[0] in ERRORS):
            return False
        return self._is_single(header.source) and self._is_single(header.destination)

    def _is_single(self, address: bytes) -> bool:
        """Say whether an address is one host's."""
        first = address[0]
        if first in (0, LOOPBACK) or first >= EXPERIMENTAL or ipv4.is_multicast(address):
            return False
        return address not in self.broadcasts

    def _spend(self, now: float) -> bool:
        self._tokens = min(self._capacity, self._tokens + max(0.0, now - self._filled) * self._rate)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1 + self._entropy(1)[0] % 3
        return True


class Reason(Enum):
    """What an error says, as far as anybody acts on it."""

    NETWORK = "network unreachable"
    HOST = "host unreachable"
    PROTOCOL = "protocol unreachable"
    PORT = "port unreachable"
    PROHIBITED = "prohibited"
    TOO_LARGE = "packet too large"
    TIME_EXCEEDED = "time exceeded"
    PARAMETER_PROBLEM = "parameter problem"


REASONS = {
    icmpv4.NET_UNREACHABLE: Reason.NETWORK,
    icmpv4.HOST_UNREACHABLE: Reason.HOST,
    icmpv4.PROTOCOL_UNREACHABLE: Reason.PROTOCOL,
    icmpv4.PORT_UNREACHABLE: Reason.PORT,
    icmpv4.FRAGMENTATION_NEEDED: Reason.TOO_LARGE,
    icmpv4.SOURCE_ROUTE_FAILED: Reason.NETWORK,
    icmpv4.NET_UNKNOWN: Reason.NETWORK,
    icmpv4.HOST_UNKNOWN: Reason.HOST,
    icmpv4.SOURCE_HOST_ISOLATED: Reason.HOST,
    icmpv4.NET_PROHIBITED: Reason.PROHIBITED,
    icmpv4.HOST_PROHIBITED: Reason.PROHIBITED,
    icmpv4.NET_UNREACHABLE_FOR_TOS: Reason.NETWORK,
    icmpv4.HOST_UNREACHABLE_FOR_TOS: Reason.HOST,
    icmpv4.COMMUNICATION_PROHIBITED: Reason.PROHIBITED,
    icmpv4.HOST_PRECEDENCE_VIOLATION: Reason.PROHIBITED,
    icmpv4.PRECEDENCE_CUTOFF: Reason.PROHIBITED,
}

# RFC 1122 4.2.3.9 calls protocol and port hard; who forbids the traffic will forbid it again.
HARD = frozenset((Reason.PROTOCOL, Reason.PORT, Reason.PROHIBITED))


class Report(NamedTuple):
    """What an error says about a packet that we, as it claims, have sent. Whoever gets it checks that claim."""

    reason: Reason
    protocol: int  # TCP or UDP
    key: bytes  # remote address, local address, remote port, local port: as in a frame that comes
    seq: int | None  # of the quoted segment, with TCP
    length: int  # octets, total length of the quoted packet
    mtu: int = 0  # octets, with TOO_LARGE; 0: the router does not say (RFC 1191 5)

    @property
    def soft(self) -> bool:
        """Whether trying again may help; what is too large is soft too, for it becomes smaller."""
        return self.reason not in HARD


def report(message: icmpv4.Message) -> Report | None:
    """Return what an error says to TCP or UDP; None for whatever is no such error."""
    mtu = 0
    match message:
        case icmpv4.Unreachable(code, quoted, mtu):
            reason = REASONS.get(code)
        case icmpv4.TimeExceeded(_, quoted):
            reason = Reason.TIME_EXCEEDED
        case icmpv4.ParameterProblem(_, quoted):
            reason = Reason.PARAMETER_PROBLEM
        case _:
            return None  # echoes, redirects, and source quench, which RFC 6633 wants ignored
    ports = quoted.ports
    if reason is None or ports is None:
        return None
    header = quoted.header
    key = header.destination + header.source + icmpv4.PAIR.pack(ports[1], ports[0])
    return Report(reason, header.protocol, key, quoted.seq, header.total_length, mtu)
