"""TIME-WAIT (RFC 9293 3.6.1): a record in the connection's place, a tenth of its size."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from fata.proto.tcp.block import TIMESTAMPS, Block
from fata.proto.tcp.sequence import HALF, MASK, is_newer
from fata.proto.tcp.state import TIME_WAIT, State
from fata.proto.tcp.transmission import Failure, Transmission
from fata.wire.tcp import ACK, FIN, RST, SYN, TIMESTAMPS_PREFIX, Segment

if TYPE_CHECKING:
    from fata.proto.tcp.host import TcpHost


class TimeWait:
    """Has what an interface calls of a connection: `receive`, `tick`, `flush`, `owner`. It tells of no events."""

    __slots__ = (
        "_due",
        "_host",
        "_stamp_offset",
        "_stamps",
        "_window",
        "expires",
        "key",
        "rcv_nxt",
        "restarted",
        "snd_nxt",
        "ts_recent",
    )

    owner = None
    listener = None
    failure: Failure | None = None
    deadline = inf  # the host keeps these in an order of their own
    scheduled = inf
    state: State = TIME_WAIT

    def __init__(self, host: TcpHost, block: Block, expires: float) -> None:
        self._host = host
        self._due = False  # an acknowledgment is to be sent
        self._stamps = block.stamps
        self._stamp_offset = block.stamp_offset
        self._window = max(0, block.rcv_edge - block.rcv_nxt) >> block.rcv_scale
        self.key = block.key
        self.expires = expires  # monotonic seconds
        self.restarted = False
        self.rcv_nxt = block.rcv_nxt & MASK
        self.snd_nxt = block.snd_nxt & MASK
        self.ts_recent = block.ts_recent

    def receive_predicted(self, *_fields: object) -> None:
        """Nothing is expected."""

    def receive(self, segment: Segment, now: float) -> int:
        """Answer what may be a repetition; let a new connection take the place (RFC 6191, RFC 1122 4.2.2.13)."""
        flags = segment.flags
        if flags & RST:
            return 0  # RFC 1337: a stray RST must not end the wait
        if flags & (SYN | ACK) == SYN and self._is_new(segment):
            self._host.reopen(self, segment, now)
        elif flags & (SYN | FIN) or segment.end > segment.start or segment.seq != self.rcv_nxt:
            self._due = True
            if flags & FIN:
                self.expires = now + self._host.settings.time_wait  # RFC 9293 3.10.7.4: start the wait anew
                self.restarted = True
        return 0

    def tick(self, now: float) -> int:
        """Nothing: the host ends it."""
        return 0

    def answer(self, _now: float, _ticks: int) -> None:
        """Return None: there is nothing to write."""

    def flush(self, now: float) -> list[Transmission]:
        """The acknowledgment that is due."""
        if not self._due:
            return []
        self._due = False
        options = b""
        if self._stamps:
            stamp = (int(now * 1000) + self._stamp_offset) & MASK
            options = TIMESTAMPS.pack(TIMESTAMPS_PREFIX, stamp, self.ts_recent)
        return [Transmission(self.snd_nxt, self.rcv_nxt, ACK, min(self._window, 0xFFFF), options, (), 0, 1)]

    def _is_new(self, segment: Segment) -> bool:
        if self._stamps and segment.timestamp is not None and segment.timestamp != self.ts_recent:
            return is_newer(segment.timestamp, self.ts_recent)
        return (segment.seq - self.rcv_nxt) & MASK < HALF
