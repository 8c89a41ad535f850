"""What an acknowledgment does to the sender: progress, duplicates, and recovery (RFC 5681, 6582, 6675, 8985)."""

from __future__ import annotations

from math import inf

from fata.proto.tcp import tail, undo
from fata.proto.tcp.block import FAST, LOSS, NEVER, OPEN, TIMESTAMPS, UNTIMED, Block
from fata.proto.tcp.sack import DUPLICATES
from fata.proto.tcp.sequence import HALF, MASK, unwrap
from fata.proto.tcp.transmission import ROOM

TICK = 0.001  # seconds, of our timestamps


def acknowledge_all(block: Block, una: int, acked: int, now: float) -> int:
    """As `acknowledge`, where all that was written has arrived and header prediction rules a recovery out."""
    block.snd_una = una
    block.progress = now
    block.retransmit_at = block.rack_at = NEVER
    block.queue.clear(una)
    if block.weighed:
        block.weigh()
    if block.timed_seq != UNTIMED:
        block.timed_seq = UNTIMED
        block.rtt.sample(now - block.timed_at)
    if block.limited:
        block.congestion.acknowledged(acked, now, block.rtt.smoothed)
    return ROOM


def acknowledge(block: Block, una: int, acked: int, echo: int, now: float) -> int:
    """Everything below `una` has arrived, `acked` sequence numbers more than before; return Event bits."""
    block.snd_una = una
    block.progress = now
    if una >= block.timed_seq:
        block.timed_seq = UNTIMED
        if block.recovery == OPEN:
            block.rtt.sample(now - block.timed_at)
        else:  # it may have waited behind a hole: that is the time of a repair, not of a round trip
            measure_by_echo(block, echo, now)
    elif block.retries:
        measure_by_echo(block, echo, now)
    if block.retries:
        block.retries = 0
    if una >= block.snd_nxt:
        block.retransmit_at = block.rack_at = NEVER
    else:
        block.retransmit_at = now + block.rtt.timeout
        tail.arm(block, now)
    if block.limited and block.recovery != FAST:
        block.congestion.acknowledged(acked, now, block.rtt.smoothed)
    if una >= block.snd_end:
        block.queue.clear(block.snd_end)
    else:
        block.queue.release(una)
    if block.weighed:
        block.weigh()
    return ROOM


def measure_by_echo(block: Block, echo: int, now: float) -> None:
    """Take a sample from a timestamp: it says which transmission is acknowledged, so Karn's rule does not bind."""
    if block.stamps and echo:
        ticks = (block.stamp(now) - echo) & MASK
        if ticks < 600_000:  # ten minutes, in milliseconds: more is an echo that was never ours
            block.rtt.sample(max(ticks, 1) / 1000)
            return
    block.rtt.recover()


def advance(block: Block, una: int, echo: int, now: float) -> int:
    """As `acknowledge`, outside the fast path: with a scoreboard, duplicates or a recovery in progress."""
    acked = una - block.snd_una
    block.scoreboard.advance(una)
    events = acknowledge(block, una, acked, echo, now)
    block.probing = False
    if block.recovery == OPEN:
        block.dup_acks = 0
        if not (block.scoreboard.sacked or block.scoreboard.missing):
            block.left = 0
            return events
    elif undo.is_spurious(block, echo):
        undo.take_back(block, acked)
    elif una >= block.recover:
        _end_recovery(block)
    elif block.recovery == FAST and not block.sack_ok:
        _partial(block, acked)
        return events
    find_losses(block, now)
    return events


def duplicate(block: Block, now: float) -> None:
    """A duplicate acknowledgment came: something has arrived out of order."""
    block.dup_acks += 1
    block.scoreboard.advance(block.snd_una)
    if block.sack_ok:
        find_losses(block, now)
    elif block.recovery == FAST:
        _update_left(block, block.left + block.mss)
    elif block.recovery == OPEN:
        _update_left(block, min(block.dup_acks, DUPLICATES) * block.mss)
        if block.dup_acks >= DUPLICATES and block.snd_una > block.recover:  # RFC 6582 3.2 step 2
            _begin_fast(block, now)


def find_losses(block: Block, now: float) -> None:
    """Have RACK judge what is late, if anything was overtaken; a timer may have to look again."""
    board, rack, rtt = block.scoreboard, block.rack, block.rtt
    if block.sack_ok and (board.sacked or block.recovery != OPEN):
        sure = block.recovery != OPEN or board.is_telling(block.mss)
        window = rack.window(rtt.least, rtt.smoothed, sure=sure)
        again = rack.losses(board, block.snd_nxt, block.sent_at, window, now)
        if block.recovery == OPEN and board.missing:
            _begin_fast(block, now)
        elif again is not None and again >= block.reduced_at:  # RFC 5681 4.3: a retransmission was lost, too
            block.congestion.lost(block.snd_nxt - block.snd_una, now)
            block.reduced_at = now
            block.repair_due = True
        block.rack_at = rack.due
        block.tail_due = False
    _update_left(block, 0)


def _begin_fast(block: Block, now: float) -> None:
    block.recovery = FAST
    block.recover = block.snd_nxt
    block.recoveries += 1
    block.host.counters.recoveries += 1
    if block.scoreboard.sacked:
        block.sack_recoveries += 1
        block.host.counters.sack_recoveries += 1
    undo.remember(block)
    block.congestion.lost(block.snd_nxt - block.snd_una, now)
    block.reduced_at = now
    if not block.sack_ok:
        block.scoreboard.mark(block.snd_una, _first_segment(block))
    block.timed_seq = UNTIMED
    block.repair_due = block.rare = True
    _update_left(block, block.left)


def _first_segment(block: Block) -> int:
    """Where the first segment that is not acknowledged ends."""
    return min(block.snd_una + block.mss - (TIMESTAMPS.size if block.stamps else 0), block.snd_nxt)


def _partial(block: Block, acked: int) -> None:
    """NewReno: the next segment is missing too (RFC 6582 3.2 step 3)."""
    block.scoreboard.none_lost()
    block.scoreboard.mark(block.snd_una, _first_segment(block))
    block.repair_due = True
    _update_left(block, max(0, block.left - acked + block.mss))


def _end_recovery(block: Block) -> None:
    if not block.sack_ok:
        block.scoreboard.none_lost()  # with SACK, what was sent after the recovery began may be lost as well
    if block.recovery == FAST and not block.sack_ok:
        in_flight = block.snd_nxt - block.snd_una
        cwnd = max(in_flight, block.mss) + block.mss  # RFC 6582 3.2 step 3 (1): no burst
        block.congestion.window = min(block.congestion.window, cwnd)
    block.recovery = OPEN
    block.undo = None
    block.dup_acks = 0
    block.repair_due = False
    block.rack.recovered()


def _update_left(block: Block, octets: int) -> None:
    """Set what has left the network: by the scoreboard, or as told where there is none."""
    in_flight = block.snd_nxt - block.snd_una
    if block.sack_ok or block.recovery == LOSS:
        block.left = in_flight - block.scoreboard.pipe(block.snd_nxt)
    else:
        block.left = min(octets, in_flight)


def resend_all(block: Block) -> None:
    """Have all that is outstanding sent again, without a loss: it was too large, or a probe was not accepted."""
    _lose_all(block)


def time_out(block: Block, now: float) -> None:
    """The retransmission timer ran off (RFC 6298 5.4 to 5.6, RFC 6675 5.1)."""
    if not block.retries:
        undo.remember(block)
        block.congestion.timed_out(block.snd_nxt - block.snd_una - max(block.left, 0), now)
    block.retries += 1
    block.timeouts += 1
    block.host.counters.timeouts += 1
    block.rtt.back_off()
    block.dup_acks = 0
    block.limited = True
    block.reduced_at = now
    _lose_all(block)


def _lose_all(block: Block) -> None:
    block.scoreboard.advance(block.snd_una)
    block.scoreboard.all_lost(block.snd_nxt)
    block.rack.restart(block.snd_nxt)
    block.rack_at = NEVER
    block.recovery = LOSS
    block.tail = 0
    block.recover = block.snd_nxt
    block.timed_seq = UNTIMED
    block.repair_due = block.rare = True
    _update_left(block, 0)


def take_news(block: Block, blocks: tuple[tuple[int, int], ...], ack: int, echo: int, now: float) -> bool:
    """Tell scoreboard and RACK what has arrived; return whether the SACK option had news.

    `echo` is of what was acknowledged in order; 0 if it tells nothing.
    """
    board, rack = block.scoreboard, block.rack
    if not block.sack_ok or not (blocks or board.sacked or block.recovery != OPEN):
        return False
    una, nxt = block.snd_una, block.snd_nxt
    board.advance(una)
    if block.resent and tells_duplicate(blocks, ack):  # else the network has duplicated it
        rack.duplicate(una, nxt)
    fresh = board.update([(unwrap(low, una), unwrap(high, una)) for low, high in blocks], nxt)
    echoed = now - ((block.stamp(now) - echo) & MASK) / 1000 + TICK if block.stamps and echo else inf
    for start, end in sorted(fresh + board.ranges.gaps(una, ack)):
        rack.arrived(start, end, block.sent_at, block.rtt.least, now, echoed if end <= ack else inf)
    return bool(fresh)


def tells_duplicate(blocks: tuple[tuple[int, int], ...], ack: int) -> bool:
    """Say whether the peer had some octets already (RFC 2883 4): the first block is acknowledged, or in the second."""
    if not blocks:
        return False
    low, high = blocks[0]
    if (ack - high) & MASK < HALF:
        return True
    return len(blocks) > 1 and (low - blocks[1][0]) & MASK < HALF and (blocks[1][1] - high) & MASK < HALF


def sent(block: Block) -> None:
    """Sequence numbers were used, or used again: bring `left` up to date while a recovery lasts."""
    if block.sack_ok or block.recovery == LOSS:
        block.left = block.snd_nxt - block.snd_una - block.scoreboard.pipe(block.snd_nxt)
