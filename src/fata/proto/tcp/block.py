"""The transmission control block (RFC 9293 3.3.1): all that a connection knows. What happens to it stands elsewhere.

Sequence numbers here are unbounded integers (sequence.py); times are monotonic seconds, `NEVER` for a timer that
is off. Timers are plain attributes: to arm one again is one store. `deadline` is their minimum whenever the block
has been flushed or has ticked.
"""

from __future__ import annotations

from math import inf
from struct import Struct
from typing import TYPE_CHECKING, Any, Protocol

from fata.proto.tcp.congestion import Congestion, choose
from fata.proto.tcp.counters import Counters, Pool, Written
from fata.proto.tcp.rack import Rack
from fata.proto.tcp.reassembly import Reassembly
from fata.proto.tcp.rtt import Rtt
from fata.proto.tcp.sack import Scoreboard
from fata.proto.tcp.send_queue import BUFFER_OVERHEAD, SendQueue
from fata.proto.tcp.sequence import MASK
from fata.proto.tcp.settings import RECEIVED_FLOOR, WRITTEN_FLOOR, Settings, default_mss
from fata.proto.tcp.state import CLOSED, ESTABLISHED, State
from fata.proto.tcp.transmission import Failure, Piece
from fata.wire.tcp import TIMESTAMPS_PREFIX, Options, Segment, serialize_options

if TYPE_CHECKING:
    from fata.proto.tcp.listener import Listener

NEVER = inf
UNTIMED = 1 << 80  # a sequence number that no acknowledgment reaches
OPEN, FAST, LOSS = 0, 1, 2  # recovery: none, after duplicate acknowledgments, after a time-out
LARGEST_WINDOW = 0xFFFF  # octets without scaling, RFC 9293 3.1
TIMESTAMPS = Struct("!4sII")


class Residence(Protocol):
    """What a block asks of the host it lives in."""

    counters: Counters
    pool: Pool
    written: Written

    def schedule(self, connection: Any) -> None:
        """Its deadline came nearer."""

    def forget(self, connection: Any) -> None:
        """It is closed."""

    def rest(self, connection: Any, now: float) -> None:
        """It is in TIME-WAIT: a record can take its place."""

    def established(self, connection: Any) -> None:
        """It was half-open."""

    def refuse(self, key: bytes, segment: Segment, now: float) -> None:
        """Answer a segment with RST, and leave the connection as it is."""


class Block:
    """See the module. The attributes are explained where they are set first."""

    __slots__ = (
        "abandoned", "accounted", "ack_at", "ack_now", "acked", "backlogged", "buffer", "challenge_due",
        "challenged_at", "charge", "charge_limit", "congestion", "deadline", "detached", "dsack", "dup_acks", "dup_due",
        "failure", "fin_at", "fin_queued", "heard", "host", "irs", "iss", "keep_at", "keepalive", "kept", "key",
        "largest", "left", "limited", "linger_at", "listener", "max_window", "mss", "news", "nodelay", "owner",
        "path_mss", "persist_at", "persists", "pieces", "predicted", "probe_due", "probes", "probing",
        "progress", "queue", "rack", "rack_at", "rare", "rcv_edge", "rcv_nxt", "rcv_scale",
        "reassembly", "recover", "recoveries", "recovery", "reduced_at", "repair_due", "resent", "reset_at",
        "retransmit_at", "retries", "rtt", "sack_ok", "sack_recoveries", "scaled", "scheduled", "scoreboard",
        "sent_at", "settings", "snd_edge", "snd_end", "snd_nxt", "snd_scale", "snd_una", "snd_wl1",
        "snd_wl2", "soft_failure", "stamp_offset", "stamps", "started", "state", "step", "tail", "tail_again",
        "tail_due", "timed_at", "timed_seq", "timeouts", "ts_recent", "undo", "undo_stamp",
        "update_step", "weighed",
    )  # fmt: skip

    def __init__(
        self, key: bytes, settings: Settings, host: Residence, owner: Any, iss: int, stamp_offset: int, now: float
    ) -> None:
        self.key = key
        self.settings = settings
        self.host = host
        self.owner = owner
        self.listener: Listener | None = None
        self.state: State = CLOSED
        self.failure: Failure | None = None
        self.soft_failure: Failure | None = None  # what ICMP said, told if the connection times out
        self.news = 0  # events that the next `receive` or `tick` returns
        self.predicted = False  # header prediction may be tried
        self.rare = True  # `flush` has more to do than new data and an acknowledgment
        self.detached = False  # nobody reads any more
        self.abandoned = False  # nobody writes, either: what is queued is all, and nobody waits for it
        self.backlogged = False  # counts as half-open
        self.keepalive = settings.keepalive
        self.nodelay = settings.nodelay
        self._init_sending(iss, now)
        self._init_receiving()
        self._init_timers(now)
        self.stamps = False  # both sides send timestamps
        self.sack_ok = False
        self.scaled = False  # both sides scale windows
        self.stamp_offset = stamp_offset  # added to the clock of our timestamps, RFC 7323 5.4
        self.ts_recent = 0  # TS.Recent

    def _init_sending(self, iss: int, now: float) -> None:
        self.iss = iss
        self.snd_una = iss
        self.snd_nxt = iss
        self.snd_end = iss + 1  # behind the last octet written
        self.snd_edge = iss  # SND.UNA + SND.WND
        self.snd_wl1 = 0
        self.snd_wl2 = iss
        self.snd_scale = 0
        self.max_window = 0  # Max(SND.WND), octets
        self.mss = default_mss(self.key)  # octets a segment, options included
        self.path_mss = self.settings.mss  # what the path's MTU leaves
        self.queue = SendQueue(iss + 1)
        self.weighed = 0  # octets of it that the host knows of, with what the buffers take themselves
        self.fin_queued = False  # FIN is to be sent behind it
        self.congestion: Congestion = choose(self.settings.congestion, self.mss, self.settings.initial_window)
        self.rtt = Rtt(self.settings.initial_rto, self.settings.min_rto, self.settings.max_rto)
        self.limited = False  # the congestion window was what kept the sender from sending
        self.scoreboard = Scoreboard(iss)
        self.rack = Rack()
        self.left = 0  # octets of those in flight that are believed to have left the network
        self.recovery = OPEN
        self.recover = iss  # a recovery ends when this is acknowledged
        self.reduced_at = -NEVER  # when the congestion window became smaller for a loss
        self.undo: Congestion | None = None  # what congestion control was before this recovery
        self.undo_stamp: int | None = None  # the timestamp of the recovery's first retransmission
        self.repair_due = False  # the first retransmission of a recovery leaves whatever the window says
        self.dup_acks = 0
        self.timed_seq = UNTIMED  # the acknowledgment that ends the running measurement of the round trip
        self.timed_at = 0.0
        self.probing = False  # one octet was sent into a closed window
        self.tail = 0  # where the tail probe that is on its way ends, 0: there is none
        self.tail_again = False  # it was sent before
        self.tail_due = False
        self.probe_due = 0  # rare.WINDOW_PROBE or KEEPALIVE_PROBE
        self.challenge_due = False
        self.reset_at: int | None = None  # a RST with this sequence number is to be sent
        self.resent = self.timeouts = self.recoveries = self.sack_recoveries = 0

    def _init_receiving(self) -> None:
        self.irs = 0
        self.rcv_nxt = 0
        self.rcv_edge = 0  # RCV.NXT + RCV.WND as the peer knows it
        self.rcv_scale = 0
        self.acked = 0  # Last.ACK.sent
        self.pieces: list[Piece] = []
        self.charge = 0  # octets of memory the pieces hold
        self.accounted = 0  # of it and of the reassembly's, what the host's pool knows
        self.kept = 0  # of that, the reassembly's
        self.buffer = 0
        self.charge_limit = 0  # octets; beyond it pieces are copied together
        self.step = self.update_step = 0  # octets by which the window must grow to be told (SWS avoidance)
        self.reassembly = Reassembly(self.settings.receive_buffer)
        self.largest = 0  # octets: the largest payload so far, what "full-sized" means from this peer
        self.ack_now = False
        self.dup_due = 0  # duplicate acknowledgments to be sent one by one, to a peer without SACK
        self.dsack: tuple[int, int] | None = None
        self.fin_at: int | None = None  # sequence number of the peer's FIN

    def _init_timers(self, now: float) -> None:
        self.started = now
        self.heard = now  # of the last segment received
        self.progress = now  # when new data were acknowledged last, or nothing was outstanding
        self.sent_at = now  # of the last segment that took sequence numbers
        self.challenged_at = -NEVER
        self.deadline = NEVER
        self.scheduled = NEVER  # where the host's heap has it
        self.retransmit_at = NEVER
        self.rack_at = NEVER  # when RACK is to look at what is late, or a tail probe is to leave
        self.ack_at = NEVER
        self.persist_at = NEVER
        self.keep_at = NEVER
        self.linger_at = NEVER  # FIN-WAIT-2, and TIME-WAIT where no host keeps a record
        self.retries = 0  # time-outs in a row
        self.persists = 0  # probes of a closed window in a row
        self.probes = 0  # keepalive probes without an answer

    def agree(self, options: Options, timestamp: int | None, window_scale: int) -> None:
        """Settle what both sides' SYNs asked for; `options` are the peer's."""
        settings = self.settings
        peer_mss = options.mss if options.mss is not None else default_mss(self.key)
        self.mss = min(max(peer_mss, settings.min_mss), self.path_mss)
        self.congestion = choose(settings.congestion, self.mss, settings.initial_window)
        self.stamps = settings.timestamps and timestamp is not None
        self.sack_ok = settings.sack and options.sack_permitted
        if settings.window_scaling and options.window_scale is not None:
            self.scaled = True
            self.snd_scale = options.window_scale
            self.rcv_scale = window_scale
            self.buffer = settings.receive_buffer
        else:
            self.buffer = min(settings.receive_buffer, LARGEST_WINDOW)
        self.charge_limit = 2 * settings.receive_buffer
        self.step = min(self.buffer // 2, settings.mss)
        self.update_step = min(self.buffer // 2, 2 * settings.mss)

    def synchronize(self, seq: int, now: float, timestamp: int | None) -> None:
        """Take the peer's SYN, whose sequence number is `seq`."""
        self.irs = seq
        self.rcv_nxt = self.acked = seq + 1
        self.rcv_edge = seq + 1 + min(self.settings.receive_buffer, LARGEST_WINDOW)
        self.ts_recent = timestamp or 0
        self.heard = now

    @property
    def queued(self) -> int:
        """Octets written and not yet acknowledged."""
        return 0 if self.state is CLOSED else max(0, self.snd_end - max(self.snd_una, self.iss + 1))

    def stamp(self, now: float) -> int:
        """Our timestamp: milliseconds (RFC 7323 5.4 wants a tick between 1 ms and 1 s)."""
        return (int(now * 1000) + self.stamp_offset) & MASK

    def options(self, now: float) -> bytes:
        """The options of a segment of a synchronized connection."""
        stamps = self.stamps
        head = TIMESTAMPS.pack(TIMESTAMPS_PREFIX, self.stamp(now), self.ts_recent) if stamps else b""
        if self.sack_ok and (self.reassembly.starts or self.dsack is not None):
            return head + self._sack_option(3 if stamps else 4)
        return head

    def _sack_option(self, count: int) -> bytes:
        blocks = self.reassembly.blocks(count)
        if self.dsack is not None:
            blocks = [self.dsack, *blocks][:count]  # RFC 2883 4: the duplicate comes first
            self.dsack = None
        return serialize_options(Options(sack=tuple((low & MASK, high & MASK) for low, high in blocks)))

    def offer(self) -> int:
        """The window for the header. It opens by steps worth telling (RFC 9293 3.8.6.2.2) and never shrinks."""
        nxt = self.rcv_nxt
        edge = nxt + self.buffer - self.charge
        if self.host.pool.full:
            edge = min(edge, nxt + RECEIVED_FLOOR - self.charge)
        if edge >= self.rcv_edge + self.step:
            self.rcv_edge = edge
        window = -(nxt - self.rcv_edge >> self.rcv_scale)  # rounded up
        return window if window < LARGEST_WINDOW else LARGEST_WINDOW

    def predict(self) -> None:
        """Find out whether header prediction may be tried. Called after everything that is not the fast path."""
        self.predicted = (
            self.state is ESTABLISHED
            and self.recovery == OPEN
            and self.left == 0
            and self.dup_acks == 0
            and not self.scoreboard.sacked
            and not self.reassembly.starts
            and not self.probing
            and not self.tail
            and not self.detached
            and not self.rare
            and not self.retries
            and self.persist_at == NEVER
            and self.dsack is None
        )

    def account(self) -> None:
        """Tell the host's pool how much memory is held."""
        kept = self.reassembly.charge
        held = self.charge + kept
        if held != self.accounted or kept != self.kept:
            self.host.pool.change(held - self.accounted, kept - self.kept)
            self.accounted, self.kept = held, kept

    def weigh(self) -> None:
        """Tell the host how much is written and not acknowledged, if it is more than each may have."""
        octets = self.snd_end - self.snd_una
        held = octets + len(self.queue.buffers) * BUFFER_OVERHEAD if octets > WRITTEN_FLOOR else 0
        self.host.written.held += held - self.weighed
        self.weighed = held

    def await_acknowledgment(self, now: float) -> None:
        """Start the retransmission timer for what was sent again; the user timeout may come before it."""
        self.retransmit_at = min(now + self.rtt.timeout, self.progress + self.settings.user_timeout)

    def rearm(self) -> None:
        """Compute `deadline`, and have the host know if it came nearer."""
        deadline = self.retransmit_at
        if self.rack_at < deadline:
            deadline = self.rack_at
        if self.ack_at < deadline:
            deadline = self.ack_at
        if self.persist_at < deadline:
            deadline = self.persist_at
        if self.keep_at < deadline:
            deadline = self.keep_at
        if self.linger_at < deadline:
            deadline = self.linger_at
        self.deadline = deadline
        if deadline < self.scheduled:
            self.host.schedule(self)
