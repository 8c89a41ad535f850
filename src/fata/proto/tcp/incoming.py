"""Answers to segments for which there is no connection: RST, and cookies in place of half-open connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fata.proto.tcp.block import LARGEST_WINDOW
from fata.proto.tcp.cookies import offer_of, stamp_with
from fata.proto.tcp.listener import Listener
from fata.proto.tcp.sequence import MASK
from fata.proto.tcp.settings import DEFAULT_MSS, default_mss
from fata.proto.tcp.state import SYN_RECEIVED
from fata.proto.tcp.transmission import Transmission
from fata.wire.tcp import ACK, FIN, RST, SYN, Options, Segment, serialize_options

if TYPE_CHECKING:
    from fata.proto.tcp.host import TcpHost


def reset_for(segment: Segment) -> Transmission:
    """The RST that answers a segment (RFC 9293 3.5.2)."""
    flags = segment.flags
    if flags & ACK:
        return Transmission(segment.ack, 0, RST, 0, b"", (), 0, DEFAULT_MSS)
    span = segment.end - segment.start + (flags & FIN) + (1 if flags & SYN else 0)
    return Transmission(0, (segment.seq + span) & MASK, RST | ACK, 0, b"", (), 0, DEFAULT_MSS)


def answer_with_cookie(host: TcpHost, listener: Listener, key: bytes, segment: Segment, now: float) -> Transmission:
    """SYN and ACK that need no memory here."""
    settings = listener.settings
    offered = segment.options
    listener.cookies_until = now + 2 * host.settings.cookie_life
    host.counters.cookies_sent += 1
    iss = host.cookies.make(key, segment.seq, offered.mss if offered.mss is not None else default_mss(key), now)
    stamp, echo = None, 0
    scale, sack = None, False
    if settings.timestamps and segment.timestamp is not None:
        clock = (int(now * 1000) + host.stamp_offset(key)) & MASK
        stamp, echo = stamp_with(clock, offered), segment.timestamp
        scale = settings.window_scale if settings.window_scaling and offered.window_scale is not None else None
        sack = settings.sack and offered.sack_permitted
    options = serialize_options(Options(settings.mss, scale, sack), stamp, echo)
    window = min(settings.receive_buffer, LARGEST_WINDOW)
    return Transmission(iss, (segment.seq + 1) & MASK, SYN | ACK, window, options, (), 0, DEFAULT_MSS)


def accept_cookie(host: TcpHost, listener: Listener, key: bytes, segment: Segment, now: float) -> bool:
    """Make the connection whose cookie a segment acknowledges; False if it acknowledges none.

    The host's next `tick`, due at once, returns its events.
    """
    if now >= listener.cookies_until:
        return False
    irs, iss = (segment.seq - 1) & MASK, (segment.ack - 1) & MASK
    mss = host.cookies.check(key, irs, iss, now)
    if mss is None:
        host.counters.cookies_refused += 1
        return False
    if not host.has_room(now):
        return True
    host.counters.cookies_accepted += 1
    host.counters.accepted += 1
    connection = host.make_from_cookie(listener, key, iss, now)
    connection.state = SYN_RECEIVED
    connection.synchronize(irs, now, segment.timestamp)
    echo = segment.echo if segment.timestamp is not None else None
    connection.agree(offer_of(echo, mss), segment.timestamp, listener.settings.window_scale)
    connection.snd_nxt = iss + 1
    connection.news = connection.receive(segment, now)
    return True
