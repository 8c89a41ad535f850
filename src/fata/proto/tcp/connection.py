"""A connection: what a user does to one, and the way of the segments that come in order.

`receive` tries header prediction first: an established connection, the next expected sequence number, no option
but timestamps, and either payload or a new acknowledgment. Everything else goes to receiving.py or handshake.py.
`flush` sends new data and acknowledges; whatever is rarer goes to rare.py.
"""

from __future__ import annotations

from fata.errors import StateError
from fata.proto.tcp import closing, handshake, path, receiving, timers
from fata.proto.tcp.acknowledging import acknowledge, acknowledge_all
from fata.proto.tcp.block import NEVER, UNTIMED, Block
from fata.proto.tcp.rare import send_rare
from fata.proto.tcp.reassembly import OVERHEAD
from fata.proto.tcp.sending import STAMPS, delay_acknowledgment, send_new
from fata.proto.tcp.sequence import HALF, MASK
from fata.proto.tcp.state import CLOSED, SYN_RECEIVED, SYN_SENT
from fata.proto.tcp.transmission import RECEIVED, Answer, Piece, Statistics, Transmission
from fata.wire.tcp import ACK, FIN, NO_OPTIONS, RST, SYN, URG, Buffer, Segment

PREDICTED = ACK | FIN | RST | SYN | URG  # the flags that header prediction looks at
PIECE_OVERHEAD = OVERHEAD


class Connection(Block):
    """`receive`, `tick` and `flush` are the machine; `write`, `take`, `shutdown`, `abort`, `detach` the user's side."""

    __slots__ = ()

    def receive(self, segment: Segment, now: float) -> int:
        """Take a segment whose checksum is right; return Event bits. `flush` is due afterwards."""
        _, _, seq, ack, flags, window, data, start, end, timestamp, echo, options = segment
        if options is NO_OPTIONS and flags & PREDICTED == ACK and (timestamp is not None) is self.stamps:
            stamp = self.ts_recent if timestamp is None else timestamp
            events = self.receive_predicted(seq, ack, window, (data, start, end), stamp, echo, now)
            if events is not None:
                return events
        return self._receive_any(segment, now)

    def receive_predicted(
        self, seq: int, ack: int, window: int, piece: Piece, stamp: int, echo: int, now: float
    ) -> int | None:
        """As `receive`, for a segment with ACK and perhaps PSH, ECE, CWR, without rare options, given by its fields.

        `stamp` is `ts_recent` where there are no timestamps. None if that was not expected next.
        """
        data, start, end = piece
        nxt, una = self.rcv_nxt, self.snd_una
        length, acked = end - start, (ack - una) & MASK
        if (
            not self.predicted
            or seq != nxt & MASK
            or acked > self.snd_nxt - una
            or nxt + length > self.rcv_edge
            or not (length or acked)
            or (stamp - self.ts_recent) & MASK >= HALF
            or self.host.pool.full
        ):
            return None
        if nxt == self.acked:
            self.ts_recent = stamp
        self.heard = now
        events = 0
        if acked:
            una += acked
            if una == self.snd_end:
                events = acknowledge_all(self, una, acked, now)
            else:
                events = acknowledge(self, una, acked, echo, now)
        self.snd_edge = una + (window << self.snd_scale)
        self.snd_wl1 = nxt
        self.snd_wl2 = una
        if not length:
            return events
        self.pieces.append(piece)
        self.charge = charge = self.charge + len(data) + PIECE_OVERHEAD
        self.rcv_nxt = nxt + length
        if length > self.largest:
            self.largest = min(length, self.settings.mss)
        if charge > self.charge_limit:
            receiving.compact(self)
        return events | RECEIVED

    def _receive_any(self, segment: Segment, now: float) -> int:
        state = self.state
        events: int | None = None
        if state is CLOSED:
            return 0
        if state is SYN_SENT:
            events = handshake.answered(self, segment, now)
        elif state is SYN_RECEIVED:
            events = handshake.accepted(self, segment, now)
        if events is None:
            events = receiving.arrive(self, segment, now)
        events |= self.news
        self.news = 0
        self.predict()
        return events

    def tick(self, now: float) -> int:
        """Do what is due; return Event bits. `flush` is due afterwards."""
        events = timers.expire(self, now) | self.news
        self.news = 0
        self.predict()
        return events

    def answer(self, now: float, ticks: int) -> Answer | None:
        """What was written since the last flush, if one segment says it all and nothing holds it back.

        So most answers of most servers leave. What `flush` would do besides can make no difference. None: it has to.
        `ticks` are the same time in whole milliseconds.
        """
        nxt, end = self.snd_nxt, self.snd_end
        in_flight, length, size = nxt - self.snd_una, end - nxt, self.mss - STAMPS
        if (
            not length
            or not self.predicted
            or not self.stamps
            or length > size
            or end > self.snd_edge
            or self.congestion.window - in_flight < length + size
            or (not self.nodelay and length < size if in_flight else now - self.sent_at > self.rtt.timeout)
            or (len(data := self.queue.buffers[-1]) != length and len(data := self.queue.whole()) != length)
        ):
            return None
        self.limited = self.ack_now = False
        if in_flight:
            self.rack.sent(nxt, self.snd_una, self.sent_at)
        else:
            self.progress = now
            self.retransmit_at = due = now + self.rtt.timeout
            if due < self.deadline:
                self.deadline = due
                self.host.schedule(self)
        self.snd_nxt = end
        self.sent_at = now
        if self.timed_seq == UNTIMED:
            self.timed_seq = end
            self.timed_at = now
        self.acked = acked = self.rcv_nxt
        self.ack_at = NEVER
        if self.charge != self.accounted:
            self.account()
        edge = self.rcv_edge
        if acked + self.buffer - self.charge - edge < self.step:
            window = -(acked - edge >> self.rcv_scale)  # rounded up
        else:
            window = self.offer()
        return nxt & MASK, acked & MASK, window, (ticks + self.stamp_offset) & MASK, self.ts_recent, data, size

    def flush(self, now: float) -> list[Transmission]:
        """What is to be sent now. Called after every batch of segments, writes and ticks."""
        out: list[Transmission] = []
        if self.rare and not send_rare(self, out, now):
            self.rearm()
            return out
        if self.snd_nxt < self.snd_end + self.fin_queued:
            send_new(self, out, now)
        if not out and (self.rcv_nxt != self.acked or self.ack_now or self.charge < self.accounted):
            delay_acknowledgment(self, out, now)
        if self.charge != self.accounted or self.reassembly.starts or self.kept:
            self.account()
        if self.keepalive:
            timers.arm_keepalive(self, now)
        self.rearm()
        if not self.predicted:
            self.predict()
        return out

    def read(self, most: int) -> bytes:
        """As `take`, in one piece of at most `most` octets, which are not 0; what is left stays in `pieces`."""
        pieces = self.pieces
        if len(pieces) == 1:
            data, start, end = pieces[0]
            if end - start <= most:
                self.pieces = []
                self.charge = 0
                return data[start:end]
        return b"".join([memoryview(data)[start:end] for data, start, end in self._take_most(most)])

    def _take_most(self, most: int) -> list[Piece]:
        """Take that many octets. A frame is charged for until its last one is taken."""
        pieces = self.pieces
        for count, (data, start, end) in enumerate(pieces):
            if end - start > most:
                self.pieces = [(data, start + most, end), *pieces[count + 1 :]]
                return [*pieces[:count], (data, start, start + most)]
            most -= end - start
            self.charge -= len(data) + PIECE_OVERHEAD
        self.pieces = []
        self.charge = 0
        return pieces

    def take(self) -> list[Piece]:
        """What has arrived in order, as (data, start, end). The window re-opens with the next `flush`."""
        pieces = self.pieces
        self.pieces = []
        self.charge = 0
        return pieces

    def write(self, data: Buffer) -> int:
        """Queue octets; they are not copied, so the caller leaves them alone until they are acknowledged.

        Return how many are not acknowledged by now. Raises `StateError` after `shutdown` or the end, and beyond the
        settings' `send_limit`.
        """
        if type(data) is not bytes:
            data = memoryview(data).cast("B")
        if not self.predicted and (self.fin_queued or not self.state.writable):
            raise StateError(f"tcp: write in state {self.state.label} after shutdown or the end")
        end = self.snd_end + len(data)
        queued = end - self.snd_una
        if queued > self.settings.send_limit:
            raise StateError(f"tcp: {queued} octets queued, limit {self.settings.send_limit}")
        if data:
            self.snd_end = end
            self.queue.buffers.append(data)
        return queued

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
            state=self.state.label,
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
