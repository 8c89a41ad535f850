"""A connection: what a user does to one, and the way of the segments that come in order.

`receive` tries header prediction first: an established connection, the next expected sequence number, no option
but timestamps, and either payload or a new acknowledgment. Everything else goes to receiving.py or handshake.py.
`flush` sends new data and acknowledges; whatever is rarer goes to rare.py.
"""

from __future__ import annotations

from fata.errors import StateError
from fata.proto.tcp import closing, handshake, path, receiving, timers
from fata.proto.tcp.acknowledging import acknowledge
from fata.proto.tcp.block import Block
from fata.proto.tcp.rare import send_rare
from fata.proto.tcp.reassembly import OVERHEAD
from fata.proto.tcp.sending import delay_acknowledgment, send_new, send_whole
from fata.proto.tcp.sequence import HALF, MASK
from fata.proto.tcp.state import CLOSED, ESTABLISHED, SYN_SENT
from fata.proto.tcp.transmission import RECEIVED, Piece, Statistics, Transmission
from fata.wire.tcp import ACK, FIN, NO_OPTIONS, RST, SYN, URG, Buffer, Segment

PREDICTED = ACK | FIN | RST | SYN | URG  # the flags that header prediction looks at
PIECE_OVERHEAD = OVERHEAD


class Connection(Block):
    """`receive`, `tick` and `flush` are the machine; `write`, `take`, `shutdown`, `abort`, `detach` the user's side."""

    __slots__ = ()

    def receive(self, segment: Segment, now: float) -> int:
        """Take a segment whose checksum is right; return Event bits. `flush` is due afterwards."""
        _, _, seq, ack, flags, window, data, start, end, timestamp, echo, options = segment
        if options is NO_OPTIONS:
            events = self.receive_predicted(seq, ack, flags, window, data, start, end, timestamp, echo, now)
            if events is not None:
                return events
        return self._receive_any(segment, now)

    def receive_predicted(
        self,
        seq: int,
        ack: int,
        flags: int,
        window: int,
        data: bytes,
        start: int,
        end: int,
        timestamp: int | None,
        echo: int,
        now: float,
    ) -> int | None:
        """As `receive`, for a segment without rare options, given by its fields; None if that was not expected next."""
        nxt = self.rcv_nxt
        if (
            self.predicted
            and flags & PREDICTED == ACK
            and seq == nxt & MASK
            and (not self.stamps or (timestamp is not None and (timestamp - self.ts_recent) & MASK < HALF))
        ):
            length = end - start
            una = self.snd_una
            acked = (ack - una) & MASK
            if acked <= self.snd_nxt - una and nxt + length <= self.rcv_edge and (length or acked):
                if nxt == self.acked and timestamp is not None:
                    self.ts_recent = timestamp
                    self.ts_recent_at = now
                self.heard = now
                events = 0
                if acked:
                    una += acked
                    events = acknowledge(self, una, acked, echo, now)
                self.snd_edge = una + (window << self.snd_scale)
                self.snd_wl1 = nxt
                self.snd_wl2 = una
                return events | self._take_payload(data, start, end) if length else events
        return None

    def _take_payload(self, data: bytes, start: int, end: int) -> int:
        length = end - start
        self.pieces.append((data, start, end))
        self.charge += len(data) + PIECE_OVERHEAD
        self.rcv_nxt += length
        if length > self.largest:
            self.largest = min(length, self.settings.mss)
        if self.charge > self.charge_limit:
            receiving.compact(self)
        return RECEIVED

    def _receive_any(self, segment: Segment, now: float) -> int:
        if self.state is CLOSED:
            return 0
        arrive = handshake.answered if self.state is SYN_SENT else receiving.arrive
        events = arrive(self, segment, now) | self.news
        self.news = 0
        self.predict()
        return events

    def tick(self, now: float) -> int:
        """Do what is due; return Event bits. `flush` is due afterwards."""
        events = timers.expire(self, now) | self.news
        self.news = 0
        self.predict()
        return events

    def flush(self, now: float) -> list[Transmission]:
        """What is to be sent now. Called after every batch of segments, writes and ticks."""
        out: list[Transmission] = []
        if self.rare and not send_rare(self, out, now):
            self.rearm()
            return out
        if self.snd_nxt < self.snd_stop and not send_whole(self, out, now):
            send_new(self, out, now)
        if not out and (self.rcv_nxt != self.acked or self.ack_now or self.charge < self.accounted):
            delay_acknowledgment(self, out, now)
        if self.charge != self.accounted or self.reassembly.starts:
            self.account()
        if self.keepalive:
            timers.arm_keepalive(self, now)
        self.rearm()
        return out

    def take(self) -> list[Piece]:
        """What has arrived in order, as (data, start, end). The window re-opens with the next `flush`."""
        pieces = self.pieces
        self.pieces = []
        self.charge = 0
        return pieces

    def write(self, data: Buffer) -> None:
        """Queue octets; they are not copied, so the caller leaves them alone until they are acknowledged.

        Raises `StateError` after `shutdown` or the end, and beyond the settings' `send_limit`.
        """
        length = len(data) if type(data) is bytes else memoryview(data).nbytes
        if self.fin_queued or not (self.state is ESTABLISHED or self.state.value.writable):
            raise StateError(f"tcp: write in state {self.state.value.name} after shutdown or the end")
        if not length:
            return
        if self.queued + length > self.settings.send_limit:
            raise StateError(f"tcp: {self.queued + length} octets queued, limit {self.settings.send_limit}")
        self.snd_end += length
        self.snd_stop += length
        self.queued += length
        self.queue.append(data, self.snd_end)

    def shutdown(self) -> None:
        """Queue FIN behind what was written; receiving goes on (half close). Again, or at the end, it does nothing."""
        closing.shutdown(self)

    def detach(self) -> None:
        """Nobody will `take` any more: payload that arrives is answered with RST, and FIN-WAIT-2 is bounded.

        RFC 9293 3.6.1: what would be lost silently is refused loudly.
        """
        closing.detach(self)

    def abort(self) -> None:
        """End the connection now; `flush` sends RST where the peer has to know."""
        closing.abort(self)

    def unreachable(self, soft: bool, seq: int, now: float) -> int:
        """An ICMP error came for the segment with 32-bit `seq`; return Event bits."""
        events = path.unreachable(self, soft, seq, now)
        self.predict()
        return events

    def set_path_mtu(self, mtu: int, seq: int | None, now: float) -> None:
        """The packet with 32-bit `seq` was too large, or another connection's; `mtu` counts octets of IP packets."""
        path.set_path_mtu(self, mtu, seq, now)
        self.predict()

    def statistics(self) -> Statistics:
        """Figures for people."""
        return Statistics(
            state=self.state.value.name,
            rtt=self.rtt.smoothed,
            retransmission_timeout=self.rtt.timeout,
            congestion_window=self.congestion.window,
            slow_start_threshold=self.congestion.threshold,
            in_flight=self.snd_nxt - self.snd_una,
            queued=self.queued,
            unread=self.charge + self.reassembly.charge,
            send_window=max(0, self.snd_edge - self.snd_una),
            receive_window=max(0, self.rcv_edge - self.rcv_nxt),
            segment_size=self.mss,
            retransmissions=self.resent,
            timeouts=self.timeouts,
            recoveries=self.recoveries,
            sack_recoveries=self.sack_recoveries,
            algorithm=self.congestion.name,
        )
