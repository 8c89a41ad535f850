"""What a host counts: every drop has a reason, and every cap its own."""

from __future__ import annotations

from dataclasses import dataclass

from fata.proto.tcp.settings import WRITTEN_FLOOR


@dataclass(slots=True)
class Counters:
    """Totals since the host's start."""

    opened: int = 0  # by us
    accepted: int = 0  # handshakes that a peer began and finished
    closed: int = 0
    failed: int = 0  # connections that ended other than in order
    resets_sent: int = 0
    resets_received: int = 0
    challenge_acks: int = 0  # RFC 5961
    challenge_acks_throttled: int = 0
    cookies_sent: int = 0
    cookies_accepted: int = 0
    cookies_refused: int = 0
    time_wait_reused: int = 0  # a new SYN took the place, RFC 6191
    retransmissions: int = 0  # segments
    timeouts: int = 0  # retransmission timer
    tail_probes: int = 0  # RFC 8985 7; those that were sent before count as retransmissions, too
    recoveries: int = 0  # fast recoveries
    sack_recoveries: int = 0
    spurious_recoveries: int = 0  # of both kinds: the originals had arrived, RFC 3522
    out_of_order: int = 0  # segments kept until the gap is filled
    duplicates: int = 0  # segments with nothing new in them

    dropped_paws: int = 0  # timestamp too old, RFC 7323 5
    dropped_no_timestamp: int = 0  # RFC 7323 3.2
    dropped_out_of_window: int = 0
    dropped_bad_ack: int = 0  # RFC 5961 5
    dropped_no_ack: int = 0
    dropped_bad_address: int = 0  # RFC 9293 3.9.2.3
    dropped_out_of_order: int = 0  # the connection's own memory was used up
    dropped_buffered: int = 0  # cap max_buffered
    refused_connections: int = 0  # cap max_connections
    evicted_abandoned: int = 0  # the same cap: connections that nobody used any more, for new ones
    refused_half_open: int = 0  # cap max_half_open or a backlog, without cookies
    evicted_time_wait: int = 0  # cap max_time_wait
    resets_throttled: int = 0  # cap resets_per_second
    no_memory: int = 0  # connections that had to be ended for want of it, or flushed later
    writers_paused: int = 0  # cap max_written: told to pause before their own connection was full


@dataclass(slots=True)
class Pool:
    """The memory of received frames, of all connections of a host. Updated when a connection is flushed.

    What arrived out of order may take half of it: a gap is not filled unless the peer wants to, and whoever reads what
    comes in order must not have to wait for that. Nor must it wait for those that read nothing: when all is used up,
    each connection may still have `RECEIVED_FLOOR` of what comes in order.
    """

    limit: int  # octets
    held: int = 0
    kept: int = 0  # of it, what arrived out of order
    full: bool = False
    crowded: bool = False  # no more out of order

    def change(self, octets: int, kept: int) -> None:
        """Add to what is held, and to what of it is out of order; negative to give back."""
        self.held += octets
        self.kept += kept
        self.full = self.held >= self.limit
        self.crowded = self.kept >= self.limit // 2


@dataclass(slots=True)
class Written:
    """The memory of what was written and is not acknowledged, of all connections of a host that hold more than a floor.

    It bounds writers who pause when they are told to: a write itself is never refused. So beyond the cap there can be,
    of each connection, the floor and one write.
    """

    limit: int  # octets
    held: int = 0

    @property
    def share(self) -> int:
        """Octets that a connection may hold: as many as are free. The floor keeps every one moving.

        So one writer never fills it, and n that go on writing come to have limit / (n + 1) each.
        """
        return max(WRITTEN_FLOOR, self.limit - self.held)
