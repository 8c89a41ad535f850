"""A segment for a synchronized connection that header prediction did not take (RFC 9293 3.10.7.4)."""

from __future__ import annotations

from fata.proto.tcp import closing, tail
from fata.proto.tcp.acknowledging import advance, duplicate, resend_all, take_news, tells_duplicate
from fata.proto.tcp.block import NEVER, OPEN, Block
from fata.proto.tcp.opening import established
from fata.proto.tcp.reassembly import OVERHEAD
from fata.proto.tcp.sequence import HALF, MASK, unwrap
from fata.proto.tcp.settings import RECEIVED_FLOOR
from fata.proto.tcp.state import SYN_RECEIVED
from fata.proto.tcp.transmission import CLOSED as GONE
from fata.proto.tcp.transmission import RECEIVED, Failure
from fata.wire.tcp import ACK, FIN, RST, SYN, Segment

IDLE_LIMIT = 24 * 86400.0  # seconds, RFC 7323 5.5: after it an old timestamp may be a wrapped one


def arrive(block: Block, segment: Segment, now: float) -> int:
    """Take any segment; return Event bits."""
    seq = unwrap(segment.seq, block.rcv_nxt)
    flags = segment.flags
    if not _is_timely(block, segment, now):
        return 0
    length = segment.end - segment.start
    span = length + (flags & FIN) + (flags >> 1 & 1)  # FIN and SYN take a number each
    if not _is_acceptable(block, seq, span):
        return _answer_unacceptable(block, segment, seq, now)
    if flags & (RST | SYN):
        return _reset(block, seq, now) if flags & RST else _challenge_syn(block, now)
    if not flags & ACK:
        block.host.counters.dropped_no_ack += 1
        return 0
    if segment.timestamp is not None and block.stamps and seq <= block.acked:
        block.ts_recent = segment.timestamp
    events = 0
    ack = unwrap(segment.ack, block.snd_nxt)
    if block.state is SYN_RECEIVED:
        if not block.iss < ack <= block.snd_nxt:
            block.host.refuse(block.key, segment, now)
            return 0
        events = established(block, segment, now)
    taken = _take_ack(block, segment, seq, ack, now)
    if taken is None:
        return events
    events |= taken
    if block.state.receives:
        events |= take_text(block, segment, seq, now)
    return events


def _is_timely(block: Block, segment: Segment, now: float) -> bool:
    """PAWS (RFC 7323 5.3), and no segment without timestamps where they were agreed on (RFC 7323 3.2).

    An empty acknowledgment that was overtaken is dropped as well: rule R1 makes no exception for it.
    """
    if not block.stamps or segment.flags & RST:
        return True
    if segment.timestamp is None:
        block.host.counters.dropped_no_timestamp += 1
        return False
    if (segment.timestamp - block.ts_recent) & MASK < HALF or now - block.heard > IDLE_LIMIT:
        return True
    block.host.counters.dropped_paws += 1
    _acknowledge_stray(block, segment, now)
    return False


def _is_acceptable(block: Block, seq: int, span: int) -> bool:
    """RFC 9293 3.4, table 6, on unbounded numbers."""
    nxt, edge = block.rcv_nxt, block.rcv_edge
    if span == 0:
        return nxt <= seq < edge or seq == nxt
    return seq < edge and seq + span > nxt


def _answer_unacceptable(block: Block, segment: Segment, seq: int, now: float) -> int:
    flags = segment.flags
    if flags & RST:
        return _reset(block, seq, now) if seq == block.rcv_nxt else 0
    if block.state is SYN_RECEIVED and flags & SYN and seq == block.irs:
        return _repeated_syn(block, segment, now)
    if flags & SYN:
        return _challenge_syn(block, now)
    block.host.counters.dropped_out_of_window += 1
    if segment.end > segment.start and seq < block.rcv_nxt:
        block.host.counters.duplicates += 1
        block.dsack = (seq, min(block.rcv_nxt, seq + segment.end - segment.start))
    _acknowledge_stray(block, segment, now)
    if flags & ACK and seq == block.rcv_nxt:  # RFC 9293 3.10.7.4 (MUST-66): a closed window lets acknowledgments in
        ack = unwrap(segment.ack, block.snd_nxt)
        return _take_ack(block, segment, seq, ack, now) or 0
    return 0


def _repeated_syn(block: Block, segment: Segment, now: float) -> int:
    """The SYN that brought us here once more: our answer was lost, or both sides opened at once."""
    if segment.flags & ACK and unwrap(segment.ack, block.snd_nxt) == block.snd_nxt:
        return established(block, segment, now)  # RFC 9293 A.2: strictly, its number is too old
    block.repair_due = block.rare = True
    return 0


def _acknowledge_stray(block: Block, segment: Segment, now: float) -> None:
    """Answer an unacceptable segment; empty ones are throttled, or two peers could go on for ever."""
    block.rare = True
    if segment.end > segment.start or segment.flags & FIN:
        block.ack_now = True
    else:
        challenge(block, now)


def challenge(block: Block, now: float) -> None:
    """Have a challenge ACK sent (RFC 5961), but not too many (section 7).

    The limit is each connection's own: one for the whole host would tell an attacker about other connections.
    """
    if now - block.challenged_at < block.settings.challenge_interval:
        block.host.counters.challenge_acks_throttled += 1
        return
    block.challenged_at = now
    block.challenge_due = block.rare = True
    block.host.counters.challenge_acks += 1


def _reset(block: Block, seq: int, now: float) -> int:
    if seq != block.rcv_nxt:
        challenge(block, now)  # RFC 5961 3.2
        return 0
    block.host.counters.resets_received += 1
    if block.state is SYN_RECEIVED and block.listener is None:
        return closing.finish(block, Failure.REFUSED)
    return closing.finish(block, Failure.RESET)


def _challenge_syn(block: Block, now: float) -> int:
    challenge(block, now)  # RFC 5961 4.2
    return 0


def _take_ack(block: Block, segment: Segment, seq: int, ack: int, now: float) -> int | None:
    """Process the acknowledgment; None if the segment is to be dropped, else Event bits."""
    una = block.snd_una
    if ack > block.snd_nxt or ack < una - block.max_window:
        block.host.counters.dropped_bad_ack += 1
        challenge(block, now)  # RFC 5961 5.2
        return None
    block.heard = now
    # What the peer had already: the echo is of the transmission that came first, however long ago that was.
    echo = 0 if tells_duplicate(segment.options.sack, ack) else segment.echo
    fresh = take_news(block, segment.options.sack, ack, echo, now)
    events = 0
    if ack > una:
        events = advance(block, ack, echo, now)
    elif ack == una and _is_duplicate(block, segment, fresh):
        duplicate(block, now)
    if block.tail:
        sack = segment.options.sack
        empty = ack == una and segment.end == segment.start and not sack
        tail.answered(block, ack, tells_duplicate(sack, ack), empty, now)
    if ack >= una:
        _take_window(block, segment, seq, ack, now)
    if block.fin_queued and ack > block.snd_end:
        events |= closing.fin_acked(block)
    if block.recovery != OPEN:
        block.rare = True
    return events


def _is_duplicate(block: Block, segment: Segment, fresh: bool) -> bool:
    """RFC 5681 2: no data, no SYN or FIN, the same window; with SACK, only news count (RFC 6675 2)."""
    if block.snd_nxt <= block.snd_una or block.probing:
        return False
    if block.sack_ok:
        return fresh
    if segment.end > segment.start or segment.flags & (SYN | FIN):
        return False
    return block.snd_una + (segment.window << block.snd_scale) == block.snd_edge


def _take_window(block: Block, segment: Segment, seq: int, ack: int, now: float) -> None:
    """Take the peer's window from this segment unless a newer one was seen (RFC 9293 3.10.7.4)."""
    if seq > block.snd_wl1 or (seq == block.snd_wl1 and ack >= block.snd_wl2) or ack > block.snd_wl2:
        window = segment.window << block.snd_scale
        block.snd_edge = ack + window
        block.snd_wl1, block.snd_wl2 = seq, ack
        if window > block.max_window:
            block.max_window = window
    if block.snd_edge <= block.snd_una:
        if not block.abandoned:  # else the peer could keep what nobody else wants for ever (RFC 6429)
            block.progress = now  # a closed window that answers may stay closed for ever, RFC 9293 3.8.6.1
        return
    if block.persist_at != NEVER:
        block.persist_at = NEVER
        block.persists = 0
    if block.probing:
        block.probing = False
        resend_all(block)
        block.retransmit_at = now + block.rtt.timeout


def take_text(block: Block, segment: Segment, seq: int, now: float) -> int:
    """Take payload and FIN; return Event bits. `seq` is of the first octet of payload."""
    data, start, end = segment.data, segment.start, segment.end
    stop = seq + end - start
    if segment.flags & FIN and stop < block.rcv_edge + 1:
        block.fin_at = stop
    if stop > block.rcv_edge:
        end -= stop - block.rcv_edge
        stop = block.rcv_edge
    if seq < block.rcv_nxt and end > start:
        block.dsack = (seq, min(block.rcv_nxt, stop))
        block.ack_now = True
        start += block.rcv_nxt - seq
        seq = block.rcv_nxt
    events = 0
    if start < end and (refused := _refuse_text(block, seq, len(data) + OVERHEAD)) is not None:
        return refused
    if start < end and seq == block.rcv_nxt:
        events = _take_in_order(block, data, start, end)
    elif start < end:
        _keep(block, seq, data, start, end)
    if block.rcv_nxt == block.fin_at:
        block.fin_at = None
        events |= closing.fin_received(block)
    return events


def _refuse_text(block: Block, seq: int, size: int) -> int | None:
    """Payload in a frame of `size` octets that cannot be taken: nobody reads it, or memory is used up."""
    if block.detached:
        closing.abort(block)
        return GONE
    pool, in_order = block.host.pool, seq == block.rcv_nxt
    if (pool.full and block.charge + size > RECEIVED_FLOOR) or ((pool.full or pool.crowded) and not in_order):
        block.host.counters.dropped_buffered += 1
        block.ack_now = True
        return 0
    return None


def _take_in_order(block: Block, data: bytes, start: int, end: int) -> int:
    length = end - start
    block.pieces.append((data, start, end))
    block.charge += len(data) + OVERHEAD
    block.rcv_nxt += length
    block.largest = max(block.largest, min(length, block.settings.mss))
    if block.reassembly:
        pieces, block.rcv_nxt = block.reassembly.take(block.rcv_nxt)
        block.pieces += pieces
        block.charge += sum(len(piece[0]) + OVERHEAD for piece in pieces)
        block.ack_now = True  # RFC 5681 4.2: a gap was filled
    if block.charge > block.charge_limit:
        compact(block)
    return RECEIVED


def _keep(block: Block, seq: int, data: bytes, start: int, end: int) -> None:
    counters = block.host.counters
    if block.reassembly.add(seq, (data, start, end)):
        counters.out_of_order += 1
    else:
        counters.dropped_out_of_order += 1
    block.dup_due += 1
    block.ack_now = block.rare = True


def compact(block: Block) -> None:
    """Copy what was received together: small payloads hold large frames, and those are memory too."""
    whole = b"".join(memoryview(data)[start:end] for data, start, end in block.pieces)
    block.pieces = [(whole, 0, len(whole))]
    block.charge = len(whole) + OVERHEAD
