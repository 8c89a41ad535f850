"""What ICMP says about a connection's path (RFC 1122 4.2.3.9, RFC 5927, RFC 5461, RFC 1191)."""

from __future__ import annotations

from fata.proto.tcp.acknowledging import resend_all
from fata.proto.tcp.block import Block
from fata.proto.tcp.closing import finish
from fata.proto.tcp.sequence import unwrap
from fata.proto.tcp.settings import IPV4_HEADER, IPV4_KEY, IPV6_HEADER
from fata.proto.tcp.state import SYN_RECEIVED, SYN_SENT
from fata.proto.tcp.transmission import TROUBLED, Failure
from fata.wire.tcp import HEADER_LENGTH


def _is_ours(block: Block, seq: int) -> bool:
    """RFC 5927 4: the segment that an error tells of must be on its way."""
    return block.snd_una <= unwrap(seq, block.snd_nxt) < block.snd_nxt


def unreachable(block: Block, soft: bool, seq: int, now: float) -> int:
    """A hard error ends a handshake at once; later it is a hint only, for anyone could forge it (RFC 5461)."""
    if not _is_ours(block, seq):
        return 0
    block.soft_failure = Failure.UNREACHABLE
    if not soft and (block.state is SYN_SENT or block.state is SYN_RECEIVED):
        return finish(block, Failure.UNREACHABLE)
    return TROUBLED


def set_path_mtu(block: Block, mtu: int, seq: int | None, now: float) -> None:
    """Send smaller segments from now on, and again at once what was too large (RFC 1191 6.4).

    `seq` is None where another connection, or an earlier one, has found this out: nothing of ours was quoted then.
    """
    mss = max(mtu - headers(block.key), block.settings.min_mss)
    if seq is not None and not _is_ours(block, seq):
        return
    block.path_mss = min(block.path_mss, mss)
    if mss >= block.mss:
        return
    block.mss = block.congestion.mss = mss
    if block.state.synchronized and block.snd_una < block.snd_nxt:
        resend_all(block)
        block.retransmit_at = now + block.rtt.timeout


def headers(key: bytes) -> int:
    """Octets of IP and TCP before the payload, options not counted; the address's family shows in the key's length."""
    return HEADER_LENGTH + (IPV4_HEADER if len(key) == IPV4_KEY else IPV6_HEADER)
