"""The ways to an end: FIN in its order, RST, and failure (RFC 9293 3.6)."""

from __future__ import annotations

from fata.proto.tcp.block import NEVER, Block
from fata.proto.tcp.state import (
    CLOSE_WAIT,
    CLOSED,
    CLOSING,
    ESTABLISHED,
    FIN_WAIT_1,
    FIN_WAIT_2,
    LAST_ACK,
    SYN_RECEIVED,
    TIME_WAIT,
)
from fata.proto.tcp.transmission import CLOSED as GONE
from fata.proto.tcp.transmission import ENDED, Failure

# What our FIN, its acknowledgment, and the peer's FIN make of a state (RFC 9293 3.3.2, figure 5).
ON_SHUTDOWN = {ESTABLISHED: FIN_WAIT_1, CLOSE_WAIT: LAST_ACK}
ON_FIN_ACKED = {FIN_WAIT_1: FIN_WAIT_2, CLOSING: TIME_WAIT, LAST_ACK: CLOSED}
ON_FIN = {ESTABLISHED: CLOSE_WAIT, FIN_WAIT_1: CLOSING, FIN_WAIT_2: TIME_WAIT}
NEED_RESET = frozenset({SYN_RECEIVED, ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT})  # RFC 9293 3.10.5


def shutdown(block: Block) -> None:
    """Queue FIN. In SYN-SENT and SYN-RECEIVED it waits for ESTABLISHED."""
    if block.fin_queued or not block.state.writable:
        return
    block.fin_queued = True
    block.state = ON_SHUTDOWN.get(block.state, block.state)
    block.predicted = False
    block.rare = True


def detach(block: Block) -> None:
    """Nobody reads any more."""
    block.detached = block.rare = True
    block.predicted = False
    if (block.pieces or block.reassembly) and block.state is not CLOSED:
        # RFC 2525 2.17: the peer must learn that they are lost. What is out of order would also stay for as long as the
        # peer does not acknowledge our FIN.
        abort(block)


def abort(block: Block) -> None:
    """RST where the peer has to know, and the end."""
    if block.state is CLOSED:
        return
    if block.state in NEED_RESET:
        block.reset_at = block.snd_nxt
    finish(block, Failure.ABORTED)


def fin_acked(block: Block) -> int:
    """The peer has acknowledged our FIN; return Event bits."""
    state = ON_FIN_ACKED.get(block.state)
    if state is None:
        return 0
    if state is CLOSED:
        return finish(block, None)
    block.state = state
    block.rare = True
    return rest(block) if state is TIME_WAIT else 0


def fin_received(block: Block) -> int:
    """The peer's FIN is in order; return Event bits."""
    block.rcv_nxt += 1
    block.rcv_edge = max(block.rcv_edge, block.rcv_nxt)
    block.ack_now = block.rare = True
    state = ON_FIN.get(block.state, block.state)
    block.state = state
    return ENDED | (rest(block) if state is TIME_WAIT else 0)


def rest(block: Block) -> int:
    """Both directions are closed; a record takes over once the last acknowledgment is out."""
    _stop_timers(block)
    block.rare = True
    return GONE


def finish(block: Block, failure: Failure | None) -> int:
    """End in CLOSED; what was received may still be taken. Return Event bits."""
    if block.state is CLOSED:
        return 0
    block.state = CLOSED
    block.failure = failure
    block.predicted = False
    block.rare = True
    _stop_timers(block)
    block.queue.clear(block.snd_end)
    block.reassembly.clear()
    block.host.forget(block)
    return GONE


def _stop_timers(block: Block) -> None:
    block.retransmit_at = block.rack_at = block.ack_at = block.persist_at = NEVER
    block.keep_at = block.linger_at = block.deadline = NEVER
    block.keepalive = False
