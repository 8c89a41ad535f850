"""TCP segments (RFC 9293 3.1).

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-------------------------------+-------------------------------+
|          source port          |       destination port        |
+-------------------------------+-------------------------------+
|                        sequence number                        |
+---------------------------------------------------------------+
|                     acknowledgment number                     |
+-------+-------+---------------+-------------------------------+
|offset |   0   |     flags     |            window             |
+-------+-------+---------------+-------------------------------+
|           checksum            |        urgent pointer         |
+-------------------------------+-------------------------------+
|                 options, up to 40 octets                      |
+---------------------------------------------------------------+
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from fata.errors import WireError

HEADER = Struct("!HHIIBBHHH")
HEADER_LENGTH = 20  # octets, without options
MAX_OPTIONS = 40  # octets, RFC 9293 3.1: the offset counts to 15 words
CHECKSUM_OFFSET = 16  # octets from the header's start

FIN = 0x01
SYN = 0x02
RST = 0x04
PSH = 0x08
ACK = 0x10
URG = 0x20
ECE = 0x40
CWR = 0x80

# Kinds of options and their lengths in octets (RFC 9293 3.1, RFC 7323 2.2 and 3.2, RFC 2018 2 and 3).
END, NO_OPERATION, MSS, WINDOW_SCALE, SACK_PERMITTED, SACK, TIMESTAMPS = 0, 1, 2, 3, 4, 5, 8
LENGTHS = {MSS: 4, WINDOW_SCALE: 3, SACK_PERMITTED: 2, TIMESTAMPS: 10}
MAX_WINDOW_SCALE = 14  # RFC 7323 2.3: a larger one counts as 14
MAX_SACK_BLOCKS = 4

TIMESTAMPS_ONLY = Struct("!4sII")  # the option as nearly every segment has it: two no-operations, then the option
TIMESTAMPS_PREFIX = b"\x01\x01\x08\x0a"
TIMESTAMPS_WORD = int.from_bytes(TIMESTAMPS_PREFIX, "big")
STAMPED = Struct("!HHIIxBHxxxx4sII")  # a header with only that option
STAMPED_WORDS = STAMPED.size // 4
new_tuple = tuple.__new__
SACK_PERMITTED_TIMESTAMPS = b"\x04\x02\x08\x0a"  # as Linux begins: another option in the no-operations' place
USUAL_SYN = Struct("!HH4sII3sB")  # MSS, SACK permitted and timestamps, a no-operation and the window's scale
USUAL_SYN_PREFIXES = MSS << 8 | 4, SACK_PERMITTED_TIMESTAMPS, b"\x01\x03\x03"

Buffer = bytes | bytearray | memoryview


class Options(NamedTuple):
    """The options that few segments have."""

    mss: int | None = None  # octets
    window_scale: int | None = None  # a shift, 0 to 14
    sack_permitted: bool = False
    sack: tuple[tuple[int, int], ...] = ()  # blocks: first sequence number, and the one behind the last


NO_OPTIONS = Options()


class Segment(NamedTuple):
    """A segment. Its payload is `data[start:end]`: most often a range of the frame that brought it."""

    src_port: int
    dst_port: int
    seq: int
    ack: int
    flags: int
    window: int  # as it stands in the header: not scaled
    data: bytes = b""
    start: int = 0
    end: int = 0
    timestamp: int | None = None  # RFC 7323's TSval; None: no timestamps in this segment
    echo: int = 0  # TSecr
    options: Options = NO_OPTIONS


def parse(data: bytes, start: int, end: int) -> Segment:
    """Read the segment in `data[start:end]`. The checksum is the caller's to verify.

    Unknown options are passed over. Raises `WireError` for a header or an option that does not fit.
    """
    if end - start < HEADER_LENGTH:
        raise WireError(f"tcp: {end - start} octets are no header of {HEADER_LENGTH}")
    if data[start + 12] >> 4 == STAMPED_WORDS and end - start >= STAMPED.size:
        # Nearly every segment of nearly every connection: one unpacking, and no call of the named tuple's constructor.
        src, dst, seq, ack, flags, window, prefix, stamp, echo = STAMPED.unpack_from(data, start)
        if prefix == TIMESTAMPS_PREFIX:
            fields = (src, dst, seq, ack, flags, window, data, start + STAMPED.size, end, stamp, echo, NO_OPTIONS)
            return new_tuple(Segment, fields)
    src, dst, seq, ack, offset, flags, window, _checksum, _urgent = HEADER.unpack_from(data, start)
    options = start + HEADER_LENGTH
    payload = start + (offset >> 4) * 4
    if payload == options:
        return Segment(src, dst, seq, ack, flags, window, data, payload, end)
    if not options <= payload <= end:
        raise WireError(f"tcp: data offset {payload - start} is not between {HEADER_LENGTH} and {end - start}")
    timestamp, echo, rare = _parse_usual_syn(data, options, payload) or parse_options(data, options, payload)
    return new_tuple(Segment, (src, dst, seq, ack, flags, window, data, payload, end, timestamp, echo, rare))


def _parse_usual_syn(data: bytes, start: int, end: int) -> tuple[int, int, Options] | None:
    """Read the options of a SYN in Linux's order, in one step; None if they are others."""
    if end - start != USUAL_SYN.size:
        return None
    first, mss, second, timestamp, echo, third, scale = USUAL_SYN.unpack_from(data, start)
    if (first, second, third) != USUAL_SYN_PREFIXES:
        return None
    return timestamp, echo, new_tuple(Options, (mss, min(scale, MAX_WINDOW_SCALE), True, ()))


def parse_options(data: bytes, start: int, end: int) -> tuple[int | None, int, Options]:
    """Read the options in `data[start:end]`; return timestamp, echo and the rest. The last of a kind counts."""
    timestamp, echo, mss, scale, permitted = None, 0, None, None, False
    sack: tuple[tuple[int, int], ...] = ()
    while start < end:
        kind = data[start]
        if kind == END:
            break
        if kind == NO_OPERATION:
            start += 1
            continue
        length = _option_length(data, start, end)
        value = int.from_bytes(data[start + 2 : start + length], "big")
        if kind == MSS:
            mss = value
        elif kind == WINDOW_SCALE:
            scale = min(value, MAX_WINDOW_SCALE)
        elif kind == SACK_PERMITTED:
            permitted = True
        elif kind == TIMESTAMPS:
            timestamp, echo = value >> 32, value & 0xFFFFFFFF
        elif kind == SACK:
            sack = _parse_sack(data, start + 2, start + length)
        start += length
    return timestamp, echo, Options(mss, scale, permitted, sack)


def _option_length(data: bytes, start: int, end: int) -> int:
    kind = data[start]
    length = data[start + 1] if start + 1 < end else 0
    if not 2 <= length <= end - start:
        raise WireError(f"tcp: option {kind} of {length} octets, where {end - start} are left")
    if length != LENGTHS.get(kind, length):
        raise WireError(f"tcp: option {kind} has {length} octets, not {LENGTHS[kind]}")
    if kind == SACK and (length - 2) % 8:
        raise WireError(f"tcp: sack option of {length} octets holds no whole number of blocks")
    return length


def _parse_sack(data: bytes, start: int, end: int) -> tuple[tuple[int, int], ...]:
    edges = [int.from_bytes(data[at : at + 4], "big") for at in range(start, end, 4)]
    return tuple(zip(edges[::2], edges[1::2], strict=True))


def serialize_options(options: Options, timestamp: int | None = None, echo: int = 0) -> bytes:
    """Return the octets of options, padded to whole words. More than 40 octets are a mistake of the caller's."""
    mss, scale, permitted, sack = options
    if permitted and not (mss is None or scale is None or timestamp is None or sack):  # as most SYNs have them
        first, second, third = USUAL_SYN_PREFIXES
        return USUAL_SYN.pack(first, mss, second, timestamp, echo, third, scale)
    parts = []
    if options.mss is not None:
        parts.append(bytes((MSS, 4)) + options.mss.to_bytes(2, "big"))
    if timestamp is not None:
        prefix = SACK_PERMITTED_TIMESTAMPS if options.sack_permitted else TIMESTAMPS_PREFIX
        parts.append(TIMESTAMPS_ONLY.pack(prefix, timestamp, echo))
    elif options.sack_permitted:
        parts.append(bytes((NO_OPERATION, NO_OPERATION, SACK_PERMITTED, 2)))
    if options.window_scale is not None:
        parts.append(bytes((NO_OPERATION, WINDOW_SCALE, 3, options.window_scale)))
    if options.sack:
        parts.append(bytes((NO_OPERATION, NO_OPERATION, SACK, 2 + 8 * len(options.sack))))
        parts.extend(edge.to_bytes(4, "big") for block in options.sack for edge in block)
    return b"".join(parts)


def serialize_header(segment: Segment, checksum: int = 0) -> bytes:
    """Return header and options of a segment, without its payload."""
    options = serialize_options(segment.options, segment.timestamp, segment.echo)
    offset = (HEADER_LENGTH + len(options)) // 4 << 4
    src_port, dst_port, seq, ack, flags, window = segment[:6]
    return HEADER.pack(src_port, dst_port, seq, ack, offset, flags, window, checksum, 0) + options
