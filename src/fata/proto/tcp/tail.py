"""TLP: a probe for the tail of a flight, whose loss nothing that was sent later can tell (RFC 8985 7).

Two round trips after the last news one more segment leaves, new data if there are any, else the last segment again.
What the peer says to it lets RACK find the losses; otherwise only the retransmission timer would, 200 ms later or more.
"""

from __future__ import annotations

from fata.proto.tcp.block import NEVER, OPEN, TIMESTAMPS, Block

LEAST = 0.01  # seconds: a probe sooner would often be one that a busy machine, not a loss, has caused


def arm(block: Block, now: float) -> None:
    """Set the timer, if more than one segment is on its way; a single one may wait for a delayed acknowledgment."""
    at = now + max(2 * block.rtt.smoothed, LEAST)
    several = block.snd_nxt - block.snd_una > block.mss
    probes = several and block.sack_ok and block.settings.tail_probes and at < block.retransmit_at
    block.rack_at = at if probes else NEVER


def is_due(block: Block) -> bool:
    """Say whether a probe may be sent: nothing else has told of a loss, and no probe is on its way."""
    return block.recovery == OPEN and not block.tail and block.snd_nxt > block.snd_una and not block.scoreboard.sacked


def piece(block: Block) -> tuple[int, int]:
    """What a probe is: octets not sent yet that the peer has room for, or else the last segment that was."""
    size = block.mss - (TIMESTAMPS.size if block.stamps else 0)
    nxt = block.snd_nxt
    fresh = min(nxt + size, block.snd_end + block.fin_queued)
    if nxt < fresh <= block.snd_edge:
        return nxt, fresh
    return max(block.snd_una, nxt - size), nxt


def answered(block: Block, una: int, duplicate: bool, empty: bool, now: float) -> None:
    """Take an acknowledgment that may answer the probe; one that repaired a loss is a sign of congestion (7.4.2)."""
    if not block.tail or una < block.tail:
        return
    if block.tail_again and not duplicate and not empty and una == block.tail:
        return  # the original or the probe: the next acknowledgment tells
    repaired = block.tail_again and not duplicate and una > block.tail
    block.tail = 0
    if repaired and block.recovery == OPEN:
        block.congestion.lost(block.snd_nxt - una, now)
        block.reduced_at = now
