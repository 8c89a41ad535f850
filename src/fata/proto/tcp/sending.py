"""New data and acknowledgments: when they may leave, and as what."""

from __future__ import annotations

from fata.proto.tcp import tail
from fata.proto.tcp.block import NEVER, TIMESTAMPS, UNTIMED, Block
from fata.proto.tcp.sequence import MASK
from fata.proto.tcp.settings import RECEIVED_FLOOR
from fata.proto.tcp.transmission import Transmission
from fata.wire.tcp import ACK, FIN, PSH, Buffer

STAMPS = TIMESTAMPS.size
TUPLE = tuple.__new__  # a NamedTuple's own constructor costs 0.2 µs more


def send_new(block: Block, out: list[Transmission], now: float) -> None:
    """Send what was written and not sent yet, as far as both windows, Nagle and silly windows allow."""
    nxt, una = block.snd_nxt, block.snd_una
    if nxt == una and now - block.sent_at > block.rtt.timeout:
        block.congestion.restart()  # RFC 5681 4.1
    options = block.options(now)
    size = block.mss - len(options)
    unsent = block.snd_end - nxt
    amount = _sendable(block, unsent, size)
    finish = block.fin_queued and amount == unsent and block.snd_edge > nxt + unsent
    if amount or finish:
        if nxt > una:
            block.rack.sent(nxt, una, block.sent_at)
        transmit(block, out, nxt, amount, finish, options, now)
        block.snd_nxt = nxt = nxt + amount + finish
        block.sent_at = now
        if una == block.snd_una and block.retransmit_at == NEVER:
            block.retransmit_at = now + block.rtt.timeout
            block.progress = now
            tail.arm(block, now)
        if block.timed_seq == UNTIMED:
            block.timed_seq = nxt
            block.timed_at = now
        block.persist_at = NEVER
        block.persists = 0
    elif nxt == una and block.persist_at == NEVER:
        block.persist_at = now + block.rtt.timeout  # RFC 9293 3.8.6.1: the window may open unheard
        block.predicted = False


def _sendable(block: Block, unsent: int, size: int) -> int:
    """How many of `unsent` octets may leave now, in segments of `size`."""
    in_flight = block.snd_nxt - block.snd_una
    room = block.congestion.window - in_flight + block.left
    flow = block.snd_edge - block.snd_nxt
    block.limited = room < flow and room < unsent + size
    if unsent <= room and unsent <= flow:
        rest = unsent % size
        if not rest or block.nodelay or block.fin_queued:
            return unsent
        return unsent if unsent == rest and not in_flight else unsent - rest  # Nagle, RFC 9293 3.7.4
    if flow < room:
        if 0 < flow < size and flow * 2 >= block.max_window:
            return min(flow, unsent)  # RFC 9293 3.8.6.2.1: half of the largest window is no silly one
        room = flow
    return max(0, room - room % size)


def transmit(
    block: Block, out: list[Transmission], seq: int, amount: int, finish: bool, options: bytes, now: float
) -> None:
    """Put octets from `seq` on into as few transmissions as possible; `finish` adds FIN. Acknowledges as well."""
    size = block.mss - len(options)
    if size < 1:
        size = 1
    most = size if amount <= size else max(block.settings.max_transmission // size, 1) * size
    window = block.offer()
    ack = block.rcv_nxt & MASK
    stop = seq + amount
    end = block.snd_end
    while True:
        length = stop - seq if stop - seq < most else most
        last = seq + length == stop
        flags = ACK
        if length and seq + length == end:
            flags = ACK | PSH  # RFC 9293 3.9.1.2: nothing more is queued
        if finish and last:
            flags |= FIN
        buffers: tuple[Buffer, ...] = block.queue.views(seq, length) if length else ()
        out.append(TUPLE(Transmission, (seq & MASK, ack, flags, window, options, buffers, length, size)))
        seq += length
        if last:
            break
    block.acked = block.rcv_nxt
    block.ack_at = NEVER
    block.ack_now = False
    block.dup_due = 0


def delay_acknowledgment(block: Block, out: list[Transmission], now: float) -> None:
    """Acknowledge what has come: at once if it is two full segments (RFC 5681 4.2) or asked for, else a little later.

    A window that `take` has re-opened is told too, once the step is worth it (RFC 9293 3.8.6.2.2).
    """
    nxt = block.rcv_nxt
    if not block.ack_now and nxt - block.acked < 2 * block.largest:
        grown = nxt + block.buffer - block.charge - block.rcv_edge
        if block.host.pool.full:
            grown = min(grown, nxt + RECEIVED_FLOOR - block.charge - block.rcv_edge)
        if grown < block.update_step:
            if nxt != block.acked and block.ack_at == NEVER:
                block.ack_at = now + block.settings.delayed_ack
            return
    send_acknowledgment(block, out, now)


def send_acknowledgment(block: Block, out: list[Transmission], now: float) -> None:
    """Send an empty segment that acknowledges."""
    options = block.options(now)
    window = block.offer()
    nxt = block.rcv_nxt
    fields = (block.snd_nxt & MASK, nxt & MASK, ACK, window, options, (), 0, block.mss)
    out.append(TUPLE(Transmission, fields))
    block.acked = nxt
    block.ack_at = NEVER
    block.ack_now = False
