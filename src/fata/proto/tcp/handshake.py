"""From SYN to ESTABLISHED: active, passive and simultaneous open (RFC 9293 3.5, 3.10.7.3)."""

from __future__ import annotations

from fata.proto.tcp import receiving
from fata.proto.tcp.block import LARGEST_WINDOW, UNTIMED, Block
from fata.proto.tcp.closing import finish
from fata.proto.tcp.opening import established, take_syn
from fata.proto.tcp.sending import TUPLE
from fata.proto.tcp.sequence import HALF, MASK, unwrap
from fata.proto.tcp.state import SYN_RECEIVED, SYN_SENT
from fata.proto.tcp.transmission import Failure, Transmission
from fata.wire.tcp import ACK, FIN, NO_OPTIONS, RST, SYN, URG, Options, Segment, serialize_options

SIGNALS = ACK | FIN | RST | SYN | URG  # the flags that mean more than a hint


def connect(block: Block, now: float) -> None:
    """Begin an active open; the next flush sends SYN."""
    block.state = SYN_SENT
    block.buffer = block.settings.receive_buffer
    block.repair_due = True
    block.progress = now


def listened(block: Block, segment: Segment, now: float) -> None:
    """Begin a passive open with the SYN that a listener got; the next flush sends SYN and ACK."""
    block.state = SYN_RECEIVED
    take_syn(block, segment, now)
    block.repair_due = True
    block.progress = now


def answered(block: Block, segment: Segment, now: float) -> int:
    """Take a segment in SYN-SENT."""
    flags = segment.flags
    if flags & ACK:
        ack = unwrap(segment.ack, block.snd_nxt)
        if not block.iss < ack <= block.snd_nxt:
            if not flags & RST:
                block.host.refuse(block.key, segment, now)
            return 0
        if flags & RST:
            block.host.counters.resets_received += 1
            return finish(block, Failure.REFUSED)
    if flags & RST or not flags & SYN:
        return 0
    take_syn(block, segment, now)
    if not flags & ACK:  # simultaneous open
        block.state = SYN_RECEIVED
        block.repair_due = True
        block.retries = 0
        return 0
    block.snd_una = block.snd_nxt
    events = established(block, segment, now)
    return events | receiving.take_text(block, segment, block.irs + 1, now)


def accepted(block: Block, segment: Segment, now: float) -> int | None:
    """Take the third segment of most handshakes, which acknowledges and does nothing else; None if it is another."""
    _, _, seq, ack, flags, window, _, start, end, stamp, _, options = segment
    if (
        flags & SIGNALS != ACK
        or start != end
        or options is not NO_OPTIONS
        or seq != block.rcv_nxt & MASK
        or ack != (block.iss + 1) & MASK
        or (stamp is not None) is not block.stamps
        or (stamp is not None and (stamp - block.ts_recent) & MASK >= HALF)
    ):
        return None
    if stamp is not None:
        block.ts_recent = stamp
    events = established(block, segment, now)
    block.heard = now
    window <<= block.snd_scale
    block.snd_edge = block.snd_una + window
    block.snd_wl1, block.snd_wl2 = block.rcv_nxt, block.snd_una
    block.max_window = max(block.max_window, window)
    return events


def send_syn(block: Block, out: list[Transmission], now: float) -> None:
    """Send SYN, or SYN and ACK, if it is due."""
    if not block.repair_due:
        return
    block.repair_due = False
    answer = block.state is SYN_RECEIVED
    first = block.snd_nxt == block.iss
    block.snd_nxt = block.iss + 1
    block.timed_seq = block.snd_nxt if first else UNTIMED
    block.timed_at = block.sent_at = now
    block.retransmit_at = now + block.rtt.timeout
    if not answer:
        block.retransmit_at = min(block.retransmit_at, block.started + block.settings.syn_timeout)
    window = min(block.buffer, LARGEST_WINDOW)
    flags, ack = (SYN | ACK, block.rcv_nxt & MASK) if answer else (SYN, 0)
    options = _syn_options(block, answer, now)
    out.append(TUPLE(Transmission, (block.iss & MASK, ack, flags, window, options, (), 0, block.mss)))
    if not first:
        block.resent += 1
        block.host.counters.retransmissions += 1


def _syn_options(block: Block, answer: bool, now: float) -> bytes:
    settings = block.settings
    scale: int | None = settings.window_scale if settings.window_scaling else None
    stamps, sack = settings.timestamps, settings.sack
    if answer:  # only what the peer's SYN had as well
        stamps, sack = block.stamps, block.sack_ok
        scale = scale if block.scaled else None
    options = Options(block.path_mss if block.path_mss < settings.mss else settings.mss, scale, sack)
    return serialize_options(options, block.stamp(now) if stamps else None, block.ts_recent if answer else 0)
