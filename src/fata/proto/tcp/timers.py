"""What happens when a timer runs off (RFC 9293 3.10.8, RFC 6298, and for keepalive 3.8.4)."""

from __future__ import annotations

from fata.proto.tcp import tail
from fata.proto.tcp.acknowledging import find_losses, time_out
from fata.proto.tcp.block import NEVER, Block
from fata.proto.tcp.closing import finish
from fata.proto.tcp.rare import KEEPALIVE_PROBE, WINDOW_PROBE
from fata.proto.tcp.state import CLOSED, SYN_RECEIVED, SYN_SENT
from fata.proto.tcp.transmission import TROUBLED, Failure


def expire(block: Block, now: float) -> int:
    """Do whatever is due; return Event bits."""
    events = 0
    if block.rack_at <= now:
        _look_again(block, now)
    if block.retransmit_at <= now:
        events |= _retransmit(block, now)
    if block.ack_at <= now:
        block.ack_at = NEVER
        block.ack_now = True
    if block.persist_at <= now:
        events |= _probe_window(block, now)
    if block.keep_at <= now:
        events |= _keep_alive(block, now)
    if block.linger_at <= now:
        events |= finish(block, None)
    if block.state is not CLOSED:
        block.rearm()
    return events


def _look_again(block: Block, now: float) -> None:
    """What was overtaken has had its time (RFC 8985 6.2 step 5), or nothing was heard for two round trips (7.3)."""
    block.rack_at = NEVER
    if tail.is_due(block):
        block.tail_due = block.rare = True
        block.await_acknowledgment(now)
    else:
        find_losses(block, now)


def _give_up(block: Block) -> int:
    return finish(block, block.soft_failure or Failure.TIMED_OUT)


def _retransmit(block: Block, now: float) -> int:
    settings = block.settings
    if block.state is SYN_SENT or block.state is SYN_RECEIVED:
        return _repeat_syn(block, now)
    if now >= block.progress + settings.user_timeout:
        return _give_up(block)
    time_out(block, now)
    block.await_acknowledgment(now)
    return TROUBLED if block.retries == settings.troubled else 0


def _repeat_syn(block: Block, now: float) -> int:
    settings = block.settings
    end = block.started + settings.syn_timeout
    given_up = now >= end if block.listener is None else block.retries >= settings.syn_ack_retries
    if given_up:
        return _give_up(block)
    block.retries += 1
    block.rtt.back_off()
    block.repair_due = block.rare = True
    block.retransmit_at = now + block.rtt.timeout
    return TROUBLED if block.retries == settings.troubled else 0


def _probe_window(block: Block, now: float) -> int:
    """The window is closed, or too small to use: try (RFC 9293 3.8.6.1). For ever, as long as the peer answers."""
    if block.snd_una >= block.snd_end + block.fin_queued:
        block.persist_at = NEVER
        return 0
    if now >= block.progress + block.settings.user_timeout:
        return _give_up(block)
    block.persists += 1
    block.probe_due = WINDOW_PROBE
    block.rare = True
    wait = min(block.rtt.base * 2 ** min(block.persists, 16), block.settings.max_persist)
    block.persist_at = now + wait
    return 0


def arm_keepalive(block: Block, now: float) -> None:
    """Set the keepalive timer by what was heard last; settings may have changed since."""
    if not block.state.synchronized:
        return
    idle = block.heard + block.settings.keepalive_idle
    if idle > now:
        block.keep_at = idle
        block.probes = 0
    elif block.keep_at > now + block.settings.keepalive_interval:
        block.keep_at = now


def _keep_alive(block: Block, now: float) -> int:
    settings = block.settings
    if not block.keepalive:
        block.keep_at = NEVER
    elif now < block.heard + settings.keepalive_idle:
        block.keep_at = block.heard + settings.keepalive_idle
        block.probes = 0
    elif block.snd_nxt > block.snd_una:
        block.keep_at = now + settings.keepalive_interval  # what is outstanding finds out by itself
    elif block.probes >= settings.keepalive_probes:
        return _give_up(block)
    else:
        block.probes += 1
        block.probe_due = KEEPALIVE_PROBE
        block.rare = True
        block.keep_at = now + settings.keepalive_interval
    return 0
