"""What a flush does besides new data and acknowledgments: SYN, RST, probes, challenges, and everything sent twice."""

from __future__ import annotations

from fata.proto.tcp import handshake, tail, undo
from fata.proto.tcp.acknowledging import sent
from fata.proto.tcp.block import NEVER, OPEN, UNTIMED, Block
from fata.proto.tcp.sending import TUPLE, send_acknowledgment, transmit
from fata.proto.tcp.sequence import MASK
from fata.proto.tcp.state import CLOSED, FIN_WAIT_2, SYN_RECEIVED, SYN_SENT, TIME_WAIT
from fata.proto.tcp.transmission import Transmission
from fata.wire.tcp import ACK, RST

WINDOW_PROBE, KEEPALIVE_PROBE = 1, 2


def send_rare(block: Block, out: list[Transmission], now: float) -> bool:
    """Send what is rare; False if that was all there may be."""
    state = block.state
    if state is CLOSED:
        _send_reset(block, out)
        return False
    if state is SYN_SENT or state is SYN_RECEIVED:
        handshake.send_syn(block, out, now)
        if block.challenge_due:
            block.challenge_due = False
            send_acknowledgment(block, out, now)
        return False
    if state is TIME_WAIT:
        send_acknowledgment(block, out, now)
        block.host.rest(block, now)
        return False
    if state is FIN_WAIT_2 and block.detached and block.linger_at == NEVER:
        block.linger_at = now + block.settings.fin_wait_2
    if block.dup_due > 1 and not block.sack_ok:
        for _ in range(min(block.dup_due, MOST_DUPLICATES)):
            send_acknowledgment(block, out, now)
    block.dup_due = 0
    if block.challenge_due:
        block.challenge_due = False
        send_acknowledgment(block, out, now)
    if block.probe_due:
        _send_probe(block, out, now)
    if block.recovery != OPEN:
        _repair(block, out, now)
    elif block.tail_due:
        _send_tail(block, out, now)
    block.tail_due = False
    block.rare = block.recovery != OPEN
    return True


MOST_DUPLICATES = 64  # acknowledgments for one burst of segments out of order


def _send_reset(block: Block, out: list[Transmission]) -> None:
    if block.reset_at is None:
        return
    fields = (block.reset_at & MASK, block.rcv_nxt & MASK, RST | ACK, 0, b"", (), 0, block.mss)
    out.append(TUPLE(Transmission, fields))
    block.reset_at = None
    block.host.counters.resets_sent += 1


def _send_probe(block: Block, out: list[Transmission], now: float) -> None:
    kind, block.probe_due = block.probe_due, 0
    options = block.options(now)
    if kind == KEEPALIVE_PROBE:
        fields = (block.snd_nxt - 1 & MASK, block.rcv_nxt & MASK, ACK, block.offer(), options, (), 0, block.mss)
        out.append(TUPLE(Transmission, fields))  # RFC 9293 3.8.4: an old number, no octet
        return
    seq = block.snd_una
    flow = block.snd_edge - seq
    size = block.mss - len(options)
    amount = min(max(flow, 1), size, block.snd_end - seq)
    finish = block.fin_queued and not amount
    if not amount and not finish:
        return
    transmit(block, out, seq, amount, finish, options, now)
    if seq + amount + finish > block.snd_nxt:
        block.snd_nxt = seq + amount + finish
    block.sent_at = now
    if flow > 0:  # a small window that is open: an ordinary segment, later than it might have been
        block.retransmit_at = now + block.rtt.timeout
        block.persist_at = NEVER
    else:
        block.probing = True
    block.predict()


def _repair(block: Block, out: list[Transmission], now: float) -> None:
    """Send again what is lost, as far as the congestion window allows (RFC 6675 5, RFC 5681 3.1)."""
    options = block.options(now)
    size = block.mss - len(options)
    board = block.scoreboard
    while True:
        start, end = board.next_lost()
        room = block.congestion.window - (block.snd_nxt - block.snd_una) + block.left
        room -= room % size
        if block.repair_due:
            room = max(room, size)
        if start >= end or room <= 0:
            break
        end = min(end, start + room)
        _resend(block, out, start, end, options, now)
        board.resent(start, end)
        block.repair_due = False
        sent(block)


def _send_tail(block: Block, out: list[Transmission], now: float) -> None:
    """Send a tail probe (RFC 8985 7.3), whatever the congestion window says."""
    if not tail.is_due(block):
        return
    start, end = tail.piece(block)
    block.host.counters.tail_probes += 1
    block.tail_again = start < block.snd_nxt
    options = block.options(now)
    if block.tail_again:
        _resend(block, out, start, end, options, now)
    else:
        block.rack.sent(start, block.snd_una, block.sent_at)
        data_end = min(end, block.snd_end)
        transmit(block, out, start, data_end - start, end > block.snd_end, options, now)
        block.snd_nxt = end
        block.sent_at = now
    block.tail = end
    block.predict()


def _resend(block: Block, out: list[Transmission], start: int, end: int, options: bytes, now: float) -> None:
    data_end = min(end, block.snd_end)
    transmit(block, out, start, data_end - start, end > block.snd_end, options, now)
    count = max(1, -(-(end - start) // max(1, block.mss - len(options))))
    block.resent += count
    block.host.counters.retransmissions += count
    block.timed_seq = UNTIMED  # Karn
    undo.note(block, now)
    if block.sack_ok:
        block.rack.sent(block.snd_nxt, block.snd_una, block.sent_at)
        block.rack.resent(start, end, now)
    block.sent_at = now
    block.await_acknowledgment(now)
