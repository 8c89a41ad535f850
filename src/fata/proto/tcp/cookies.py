"""SYN cookies: a half-open connection that is remembered by the peer (RFC 4987 3.6).

The initial sequence number of our SYN and ACK is the cookie:

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+---------+-----+-----------------------------------------------+
|  clock  | mss |  keyed hash of addresses, ports, ISN, the rest |
+---------+-----+-----------------------------------------------+

Where the peer sends timestamps, the low six bits of ours say what else its SYN offered: a shift of 0 to 14, or 15
for none, and above it a bit for SACK. It echoes them with its acknowledgment.
"""

from __future__ import annotations

from fata.proto.tcp.isn import keyed
from fata.wire.tcp import Options

SIZES = (88, 536, 1220, 1300, 1400, 1440, 1460, 8960)  # octets of MSS that three bits can name
CLOCK_BITS = 0x1F
HASH_BITS = 0xFFFFFF
STAMP_BITS = 0x3F
NO_SCALE = 15
SACK_BIT = 0x10


class Cookies:
    """Makes and checks cookies; `life` seconds are a tick of their clock, and a cookie is good for one or two."""

    __slots__ = ("_life", "_secret")

    def __init__(self, secret: bytes, life: float) -> None:
        self._secret = secret
        self._life = life

    def make(self, key: bytes, irs: int, mss: int, now: float) -> int:
        """The initial sequence number for the answer to a SYN that had sequence number `irs`."""
        size = max((at for at, size in enumerate(SIZES) if size <= mss), default=0)
        return self._number(key, irs, size, int(now / self._life))

    def check(self, key: bytes, irs: int, iss: int, now: float) -> int | None:
        """The MSS that a cookie `iss` names; None if we never made it, or too long ago."""
        tick = int(now / self._life)
        for clock in (tick, tick - 1):
            if clock & CLOCK_BITS == iss >> 27:
                size = iss >> 24 & 7
                return SIZES[size] if iss == self._number(key, irs, size, clock) else None
        return None

    def _number(self, key: bytes, irs: int, size: int, clock: int) -> int:
        data = (
            key
            + (irs & 0xFFFFFFFF).to_bytes(4, "big")
            + size.to_bytes(1, "big")
            + clock.to_bytes(8, "big", signed=True)
        )
        return (clock & CLOCK_BITS) << 27 | size << 24 | keyed(self._secret, b"cookie", data) & HASH_BITS


def stamp_with(stamp: int, options: Options) -> int:
    """`stamp` or a little before, with the peer's offer in its low bits."""
    scale = NO_SCALE if options.window_scale is None else options.window_scale
    offer = scale | (SACK_BIT if options.sack_permitted else 0)
    marked = stamp & ~STAMP_BITS | offer
    return (marked if marked <= stamp else marked - STAMP_BITS - 1) & 0xFFFFFFFF


def offer_of(echo: int | None, mss: int) -> Options:
    """What the peer's SYN had offered; `echo` is None where it sends no timestamps: then nothing but its MSS."""
    if echo is None:
        return Options(mss)
    scale = echo & 0xF
    return Options(mss, None if scale == NO_SCALE else scale, bool(echo & SACK_BIT))
