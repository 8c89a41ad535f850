"""The moments of a handshake that several ways to open share."""

from __future__ import annotations

from fata.proto.tcp.block import NEVER, UNTIMED, Block
from fata.proto.tcp.state import ESTABLISHED, FIN_WAIT_1
from fata.proto.tcp.transmission import CONNECTED
from fata.wire.tcp import SYN, Segment

AFTER_LOST_SYN = 3.0  # seconds, RFC 6298 5.7


def take_syn(block: Block, segment: Segment, now: float) -> None:
    """Take the peer's SYN and settle the options."""
    seq = segment.seq
    block.synchronize(seq, now, segment.timestamp)
    block.agree(segment.options, segment.timestamp, block.settings.window_scale)
    block.snd_edge = block.iss + 1 + segment.window  # RFC 7323 2.2: not scaled in a SYN
    block.max_window = segment.window
    block.snd_wl1, block.snd_wl2 = seq, block.iss


def established(block: Block, segment: Segment, now: float) -> int:
    """Our SYN is acknowledged, and we have the peer's."""
    block.state = FIN_WAIT_1 if block.fin_queued else ESTABLISHED
    block.snd_una = block.iss + 1
    block.scoreboard.advance(block.snd_una)
    block.retransmit_at = NEVER
    block.progress = now
    if block.timed_seq != UNTIMED:
        block.rtt.sample(now - block.timed_at)
        block.timed_seq = UNTIMED
    else:
        block.rtt.after_lost_syn(AFTER_LOST_SYN)
        if block.retries > 1:
            block.congestion.window = block.mss  # RFC 6928 2, RFC 5681 3.1: SYN was lost more than once
    block.retries = 0
    block.sent_at = now
    block.repair_due = False
    block.ack_now = bool(segment.flags & SYN)
    block.host.established(block)
    return CONNECTED
