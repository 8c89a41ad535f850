"""What a congestion control algorithm is to a connection, and the choice of one.

All sizes are octets. `acknowledged` is called outside recovery and only while the window is what limits the
sender (RFC 7661's concern: a window that is not used must not grow). Whether losses happened, and what is to be
re-sent, is not an algorithm's affair.
"""

from __future__ import annotations

from typing import Protocol

from fata.errors import ConfigError
from fata.proto.tcp.cubic import Cubic
from fata.proto.tcp.newreno import NewReno


class Congestion(Protocol):
    """The contract. Algorithms satisfy it without inheriting."""

    name: str
    initial: int  # octets, the initial window
    mss: int  # follows the path's MTU
    window: int  # cwnd
    threshold: int  # ssthresh

    def acknowledged(self, octets: int, now: float, rtt: float) -> None:
        """Let the window grow: `octets` were acknowledged for the first time."""

    def lost(self, in_flight: int, now: float) -> None:
        """Reduce the window at the start of a fast recovery."""

    def timed_out(self, in_flight: int, now: float) -> None:
        """Fall back to one segment. Called for the first time-out of a row only."""

    def restart(self) -> None:
        """Fall back to the initial window after an idle time (RFC 5681 4.1)."""


def choose(name: str, mss: int, segments: int) -> Congestion:
    """Make the algorithm `name` with an initial window of so many segments."""
    if name == "newreno":
        return NewReno(mss, segments)
    if name == "cubic":
        return Cubic(mss, segments)
    raise ConfigError(f"tcp: no congestion control named {name!r}", remedy="say newreno or cubic")
