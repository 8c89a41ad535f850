"""Eifel: a retransmission whose original has arrived after all was no sign of congestion (RFC 3522, RFC 4015).

A timer runs off when our own program was busy for long, or the path was; segments overtake each other. The first
acknowledgment of something new then echoes the timestamp of the original, which is older than that of the first
retransmission. What congestion control did at the start of the recovery is taken back.
"""

from __future__ import annotations

from copy import copy

from fata.proto.tcp.block import OPEN, Block
from fata.proto.tcp.newreno import UNLIMITED
from fata.proto.tcp.sequence import HALF, MASK


def remember(block: Block) -> None:
    """A recovery is about to begin."""
    block.undo = copy(block.congestion)
    block.undo_stamp = None


def note(block: Block, now: float) -> None:
    """Something is sent again; the first of a recovery counts."""
    if block.undo is not None and block.undo_stamp is None:
        block.undo_stamp = block.stamp(now)


def is_spurious(block: Block, echo: int) -> bool:
    """Say whether an acknowledgment of something new, the first since, is of an original; asked once in a recovery.

    `echo` is 0 where it tells nothing: without timestamps, or if the peer says that it had that already.
    """
    stamp = block.undo_stamp
    if block.undo is None or stamp is None:
        return False
    spurious = block.stamps and echo != 0 and (echo - stamp) & MASK >= HALF
    if not spurious:
        block.undo = None
    return spurious


def take_back(block: Block, acked: int) -> None:
    """End the recovery: the threshold is what it was, and the window allows no burst (RFC 4015 3.4).

    What is lost all the same RACK finds at once.
    """
    saved = block.undo
    assert saved is not None
    saved.mss = block.congestion.mss
    if saved.threshold < UNLIMITED:
        saved.threshold = max(saved.threshold, saved.window)
    in_flight = block.snd_nxt - block.snd_una
    saved.window = max(block.congestion.window, min(saved.window, in_flight + min(acked, saved.initial)))
    block.congestion = saved
    block.undo = None
    block.recovery = OPEN
    block.dup_acks = 0
    block.repair_due = False
    block.scoreboard.none_lost()
    block.rack.reconsider(block.snd_una)
    block.host.counters.spurious_recoveries += 1
