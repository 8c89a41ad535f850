"""What goes out of a connection, and what is told about one."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from fata.wire.tcp import ACK, PSH, TIMESTAMPS_ONLY, TIMESTAMPS_PREFIX, Buffer

# Event bits, as `Connection.receive` and `tick` return them. Plain integers: an IntFlag's `|` costs 0.5 µs.
CONNECTED = 1  # the handshake is over
RECEIVED = 2  # payload waits in `take`
ENDED = 4  # the peer's FIN is in order: nothing more will be received
ROOM = 8  # `queued` has shrunk
CLOSED = 16  # nothing more will come; `failure` says why

TROUBLED = 32  # time-outs in a row (R1, RFC 9293 3.8.3), or an ICMP error: the path or the neighbor may be gone

Piece = tuple[bytes, int, int]  # received payload is data[start:end]


class Failure(Enum):
    """Why a connection ended other than in order."""

    RESET = "reset by the peer"
    REFUSED = "refused by the peer"
    TIMED_OUT = "timed out"
    UNREACHABLE = "the peer cannot be reached"
    ABORTED = "aborted here"


class Transmission(NamedTuple):
    """One segment or several alike: whoever sends cuts `length` octets into segments of `segment_size`.

    Sequence numbers of the later segments follow from their places; FIN and PSH belong to the last.
    """

    seq: int
    ack: int
    flags: int
    window: int  # as it goes into the header: scaled
    options: bytes  # padded to whole words
    buffers: tuple[Buffer, ...]  # views of what was written
    length: int  # octets of payload
    segment_size: int  # octets of payload a segment


Answer = tuple[int, int, int, int, int, Buffer, int]
"""One segment of payload that acknowledges, with PSH and timestamps: what most servers say.

Sequence number, acknowledgment, window as it goes into the header, timestamp, echo, all of its payload, and how many
octets of payload it might have had. A named tuple would cost 0.1 µs more.
"""


def transmission_of(answer: Answer) -> Transmission:
    """Return an answer in the form that everything has."""
    seq, ack, window, stamp, echo, data, size = answer
    options = TIMESTAMPS_ONLY.pack(TIMESTAMPS_PREFIX, stamp, echo)
    return Transmission(seq, ack, ACK | PSH, window, options, (data,), len(data), size)


class Statistics(NamedTuple):
    """A connection's figures, for people."""

    state: str
    rtt: float  # smoothed, seconds; 0 before the first sample
    retransmission_timeout: float  # seconds
    congestion_window: int  # octets
    slow_start_threshold: int  # octets
    in_flight: int  # octets sent and not acknowledged
    queued: int  # octets written and not acknowledged
    unread: int  # octets of memory held by what was received
    send_window: int  # octets the peer offers
    receive_window: int  # octets offered to the peer
    segment_size: int  # octets of payload, without options
    retransmissions: int  # segments
    timeouts: int
    recoveries: int  # fast recoveries
    sack_recoveries: int  # those of them that had a scoreboard
    algorithm: str
