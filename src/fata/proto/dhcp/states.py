"""The states of a DHCP client (RFC 2131 4.4, figure 5), with what each of them knows."""

from __future__ import annotations

from dataclasses import dataclass

from fata.proto.dhcp.lease import Lease


@dataclass(slots=True)
class Stopped:
    """Nothing is wanted, or not yet."""


@dataclass(slots=True)
class Waiting:
    """A moment before starting anew, so that a server that always says no does not get all our time."""

    until: float


@dataclass(slots=True)
class Exchange:
    """A question that is repeated until it is answered. Times are monotonic seconds."""

    transaction: int
    started: float  # when the first message of this acquisition was sent: `secs` counts from here
    asked: float  # when this question was first asked: a lease counts from here (RFC 2131 4.4.1)
    deadline: float  # when to ask again
    attempts: int = 1
    seconds: int = 0  # since `started`, as the messages say it


@dataclass(slots=True)
class Selecting:
    """DISCOVER was sent; any server's offer will do."""

    exchange: Exchange


@dataclass(slots=True)
class Requesting:
    """An offer was taken; its server is to confirm it."""

    exchange: Exchange
    address: bytes
    server: bytes


@dataclass(slots=True)
class Rebooting:
    """An address from before is asked for again (INIT-REBOOT)."""

    exchange: Exchange
    address: bytes


@dataclass(slots=True)
class Bound:
    """The lease is good; nobody is asked before it is half over."""

    lease: Lease


@dataclass(slots=True)
class Renewing:
    """The lease's server is asked to prolong it."""

    exchange: Exchange
    lease: Lease


@dataclass(slots=True)
class Rebinding:
    """Any server is asked to prolong it."""

    exchange: Exchange
    lease: Lease


State = Stopped | Waiting | Selecting | Requesting | Rebooting | Bound | Renewing | Rebinding
