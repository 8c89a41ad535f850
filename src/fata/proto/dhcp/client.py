"""A DHCP client (RFC 2131 4.4): a machine that gets an address, keeps it while it may, and tells when it is lost.

The first offer that fits is taken: a host that boots has better things to do than to wait for a second one. For the
same reason it starts at once and not after RFC 2131's one to ten seconds.

A lease counts from the moment it was asked for. Whoever runs the client sends what `take_messages` returns from UDP
port 68 to port 67, hands over what comes back, and calls `decline` when somebody else turns out to have the address.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import NamedTuple, assert_never

from fata.errors import StateError, WireError
from fata.proto.dhcp.lease import Lease, lease_of
from fata.proto.dhcp.questions import DEFAULTS, Asking, Outgoing, Settings, Speaker
from fata.proto.dhcp.states import (
    Bound,
    Exchange,
    Rebinding,
    Rebooting,
    Renewing,
    Requesting,
    Selecting,
    State,
    Stopped,
    Waiting,
)
from fata.wire import dhcp
from fata.wire.dhcp_options import ACK, NAK, OFFER

FIRST_TIMEOUT = 4.0  # seconds, RFC 2131 4.1; doubled for every attempt
MOST_TIMEOUT = 64.0  # seconds, RFC 2131 4.1
JITTER = 1.0  # seconds either way, RFC 2131 4.1
REQUEST_ATTEMPTS = 4  # one minute in all, RFC 2131 3.1.5
REBOOT_ATTEMPTS = 2  # an old address is worth 12 seconds
LEAST_WAIT = 60.0  # seconds between requests for more time, RFC 2131 4.4.5
DECLINE_WAIT = 10.0  # seconds, RFC 2131 3.1.5
FIRST_REFUSED_WAIT = 1.0  # seconds before starting anew after a refusal, doubled for each in a row
UNTAKEN = 64  # messages that wait to be taken, at most


@dataclass(slots=True)
class Counters:
    """What has happened since the start."""

    sent: int = 0
    received: int = 0
    foreign: int = 0  # for others, or answers to what is not asked any more
    invalid: int = 0  # offers and leases that make no sense
    refused: int = 0  # NAKs
    bound: int = 0
    renewed: int = 0
    declined: int = 0
    expired: int = 0
    dropped: int = 0  # messages that nobody took


class Gained(NamedTuple):
    """An address is ours, or ours for longer."""

    lease: Lease
    renewed: bool


class Cause(Enum):
    """Why an address is ours no longer."""

    EXPIRED = "expired"
    REFUSED = "refused"  # the server says no
    DECLINED = "declined"  # somebody else has it
    RELEASED = "released"


class Lost(NamedTuple):
    """An address is not ours any more: it is not to be used from now on."""

    lease: Lease
    cause: Cause


Event = Gained | Lost


class Client:
    """The client of one interface. `entropy(n)` returns n random octets."""

    def __init__(self, mac: bytes, entropy: Callable[[int], bytes], settings: Settings = DEFAULTS) -> None:
        self.mac = mac
        self.counters = Counters()
        self.state: State = Stopped()
        self._speaker = Speaker(mac, settings)
        self._entropy = entropy
        self._refusals = 0  # in a row
        self._messages: list[Outgoing] = []
        self._events: list[Event] = []

    @property
    def lease(self) -> Lease | None:
        """The lease, while there is one."""
        return self.state.lease if isinstance(self.state, Bound | Renewing | Rebinding) else None

    def start(self, now: float, address: bytes | None = None) -> None:
        """Begin: with any address, or with one from before (INIT-REBOOT)."""
        if not isinstance(self.state, Stopped):
            raise StateError(f"dhcp: start while {type(self.state).__name__}")
        if address is None:
            self._discover(now)
            return
        self.state = Rebooting(self._exchange(now), address)
        self._send(self.state, now)

    def stop(self, now: float, *, release: bool = True) -> None:
        """End; with a lease, give it back to its server unless it is to be asked for again some day."""
        lease = self.lease
        if lease is not None:
            if release:
                self._say(self._speaker.release(self._transaction(), lease))
            self._tell(Lost(lease, Cause.RELEASED))
        self.state = Stopped()

    def decline(self, now: float) -> None:
        """Note that somebody else uses our address: the server is told, and after a while another one asked for."""
        lease = self.lease
        if lease is None:
            return
        self.counters.declined += 1
        self._say(self._speaker.decline(self._transaction(), lease))
        self._tell(Lost(lease, Cause.DECLINED))
        self.state = Waiting(now + DECLINE_WAIT)

    def receive(self, message: dhcp.Message, now: float) -> None:
        """Take a message that came to UDP port 68."""
        self.counters.received += 1
        state = self.state
        if isinstance(state, Stopped | Waiting | Bound) or not self._is_for_us(message, state.exchange):
            self.counters.foreign += 1
            return
        kind = message.options.message_type
        if kind == NAK:
            if _may_refuse(state, message.options.server_identifier):
                self._refused(now)
                return
        elif kind == (OFFER if isinstance(state, Selecting) else ACK):
            self._granted(state, message, now)
            return
        self.counters.foreign += 1

    def _granted(self, state: Asking, message: dhcp.Message, now: float) -> None:
        """Take an OFFER or an ACK."""
        try:
            lease = lease_of(message, state.exchange.asked, self._fraction())
        except WireError:
            self.counters.invalid += 1
            return
        if isinstance(state, Selecting):
            self._request(state, lease, now)
        elif _answers(state, lease) and lease.expires > now:  # a short one may be over before its ACK is here
            self._bind(lease)
        else:
            self.counters.foreign += 1

    def _is_for_us(self, message: dhcp.Message, exchange: Exchange) -> bool:
        return (message.operation, message.transaction, message.client_mac) == (
            dhcp.REPLY,
            exchange.transaction,
            self.mac,
        )

    def next_deadline(self) -> float:
        """Return when `tick` has something to do; inf if never."""
        match self.state:
            case Stopped():
                return inf
            case Waiting(until):
                return until
            case Bound(lease):
                return lease.renews
            case Selecting(exchange) | Requesting(exchange) | Rebooting(exchange):
                return exchange.deadline
            case Renewing(exchange, lease):
                return min(exchange.deadline, lease.rebinds)
            case Rebinding(exchange, lease):
                return min(exchange.deadline, lease.expires)
            case _:
                assert_never(self.state)

    def tick(self, now: float) -> None:
        """Ask again, ask others, give up: whatever is due."""
        while self.next_deadline() <= now:
            self._step(now)

    def _step(self, now: float) -> None:
        match self.state:
            case Stopped():
                return
            case Waiting():
                self._discover(now)
            case Requesting(exchange) if exchange.attempts >= REQUEST_ATTEMPTS:
                self._discover(now)
            case Rebooting(exchange) if exchange.attempts >= REBOOT_ATTEMPTS:
                self._discover(now)
            case Bound(lease):
                self.state = Renewing(self._exchange(now), lease)
                self._send(self.state, now)
            case Renewing(_, lease) if now >= lease.rebinds:
                self.state = Rebinding(self._exchange(now), lease)
                self._send(self.state, now)
            case Rebinding(_, lease) if now >= lease.expires:
                self.counters.expired += 1
                self._tell(Lost(lease, Cause.EXPIRED))
                self._discover(now)
            case Selecting() | Requesting() | Rebooting() | Renewing() | Rebinding() as state:
                state.exchange.attempts += 1
                self._send(state, now)
            case _:
                assert_never(self.state)

    def _exchange(self, now: float) -> Exchange:
        return Exchange(self._transaction(), now, now, now)

    def _discover(self, now: float) -> None:
        self.state = Selecting(self._exchange(now))
        self._send(self.state, now)

    def _request(self, state: Selecting, offer: Lease, now: float) -> None:
        before = state.exchange
        exchange = Exchange(before.transaction, before.started, now, now, seconds=before.seconds)
        self.state = Requesting(exchange, offer.address, offer.server)
        self._send(self.state, now)

    def _bind(self, lease: Lease) -> None:
        renewed = self.lease is not None
        self._refusals = 0
        self.counters.renewed += renewed
        self.counters.bound += not renewed
        self.state = Bound(lease)
        self._tell(Gained(lease, renewed))

    def _refused(self, now: float) -> None:
        self.counters.refused += 1
        lease = self.lease
        if lease is not None:
            self._tell(Lost(lease, Cause.REFUSED))
        if isinstance(self.state, Rebooting):
            self._discover(now)  # the usual answer to an address from another network
            return
        self.state = Waiting(now + min(MOST_TIMEOUT, FIRST_REFUSED_WAIT * 2.0**self._refusals))
        self._refusals = min(self._refusals + 1, 16)

    def _send(self, state: Asking, now: float) -> None:
        """Send what a state asks, and set when it asks again."""
        exchange = state.exchange
        if not isinstance(state, Requesting):  # it says what its DISCOVER said, for the relays (RFC 2131 3.1.3)
            exchange.seconds = int(now - exchange.started)
        self._say(self._speaker.ask(state))
        match state:
            case Renewing(_, lease):
                exchange.deadline = now + max(LEAST_WAIT, (lease.rebinds - now) / 2)
            case Rebinding(_, lease):
                exchange.deadline = now + max(LEAST_WAIT, (lease.expires - now) / 2)
            case _:
                wait = min(MOST_TIMEOUT, FIRST_TIMEOUT * 2.0 ** min(exchange.attempts - 1, 16))
                exchange.deadline = now + wait + JITTER * (2 * self._fraction() - 1)

    def _transaction(self) -> int:
        return int.from_bytes(self._entropy(4), "big")

    def _fraction(self) -> float:
        """Draw a number from 0 to 1."""
        return int.from_bytes(self._entropy(2), "big") / 0xFFFF

    def _say(self, outgoing: Outgoing) -> None:
        self.counters.sent += 1
        if len(self._messages) >= UNTAKEN:
            self.counters.dropped += 1
            return
        self._messages.append(outgoing)

    def _tell(self, event: Event) -> None:
        self._events.append(event)

    def take_messages(self) -> list[Outgoing]:
        """Return the messages to be sent."""
        messages, self._messages = self._messages, []
        return messages

    def take_events(self) -> list[Event]:
        """Return what has become of our address since the last call, in order."""
        events, self._events = self._events, []
        return events


def _answers(state: Asking, lease: Lease) -> bool:
    """Say whether an ACK confirms what was asked for, and comes from whom it was asked of."""
    match state:
        case Requesting(_, address, server):
            return lease.address == address and lease.server == server
        case Rebooting(_, address):
            return lease.address == address
        case Renewing(_, old):
            return lease.address == old.address and lease.server == old.server
        case Rebinding(_, old):
            return lease.address == old.address
    return False


def _may_refuse(state: Asking, server: bytes | None) -> bool:
    """Say whether a NAK comes from a server that has a say."""
    match state:
        case Requesting(_, _, ours):
            return server == ours
        case Renewing(_, lease):
            return server == lease.server
        case Rebooting() | Rebinding():
            return server is not None
    return False
