"""What a card with offloads does to a frame, done in software: fill the checksum, cut into segments.

For devices in memory, which have no hardware to do it.
"""

from __future__ import annotations

from struct import Struct

from fata.device.net import Segmentation, SentFrame
from fata.wire.checksum import checksum, residue
from fata.wire.tcp import CWR, FIN, PSH

SHORT = Struct("!H")
LONG = Struct("!I")
IP = 14  # octets: where the network header begins, behind Ethernet's
IPV4_LENGTH, IPV4_ID, IPV4_CHECKSUM = 2, 4, 10  # octets from there, RFC 791 3.1
IPV6_LENGTH, IPV6_HEADER = 4, 40  # RFC 8200 3
TCP_SEQUENCE, TCP_OFFSET, TCP_FLAGS, TCP_CHECKSUM = 4, 12, 13, 16  # octets from TCP's header, RFC 9293 3.1


def join(frame: SentFrame) -> bytes:
    """Return the frame's octets in one piece."""
    return b"".join(frame.buffers)


def fill_checksum(octets: bytes, start: int, offset: int) -> bytes:
    """Return the frame with the checksum of all from `start` on in the field that holds the pseudo-header's sum."""
    whole = bytearray(octets)
    SHORT.pack_into(whole, start + offset, checksum(memoryview(octets)[start:]))
    return bytes(whole)


def cut(frame: SentFrame) -> list[bytes]:
    """Cut a TCP frame into segments, each with its lengths, identification, sequence number, flags and checksums."""
    octets, transport = join(frame), frame.checksum_start
    first = transport + (octets[transport + TCP_OFFSET] >> 4) * 4  # Linux gives no exact header length on receive
    headers, payload = octets[:first], memoryview(octets)[first:]
    # The field holds the pseudo-header's sum with the length of all; each segment has its own.
    (pseudo,) = SHORT.unpack_from(headers, transport + TCP_CHECKSUM)
    pseudo -= len(octets) - transport
    segments = []
    for number, start in enumerate(range(0, max(len(payload), 1), frame.segment_size)):
        piece = payload[start : start + frame.segment_size]
        header = bytearray(headers)
        last = start + len(piece) == len(payload)
        _adapt_network(header, frame.segmentation, first - IP + len(piece), number)
        _adapt_transport(header, transport, start, last)
        length = first - transport + len(piece)
        SHORT.pack_into(header, transport + TCP_CHECKSUM, (pseudo + length) % 0xFFFF)
        whole = bytes(header) + piece
        segments.append(fill_checksum(whole, transport, TCP_CHECKSUM))
    return segments


def _adapt_network(header: bytearray, kind: Segmentation, length: int, number: int) -> None:
    """Write a segment's own length, IPv4's identification and checksum; `length` counts from the network header on."""
    if kind is Segmentation.TCP6:
        SHORT.pack_into(header, IP + IPV6_LENGTH, length - IPV6_HEADER)
        return
    end = IP + (header[IP] & 0x0F) * 4
    (identification,) = SHORT.unpack_from(header, IP + IPV4_ID)
    SHORT.pack_into(header, IP + IPV4_LENGTH, length)
    SHORT.pack_into(header, IP + IPV4_ID, (identification + number) & 0xFFFF)
    SHORT.pack_into(header, IP + IPV4_CHECKSUM, 0)
    SHORT.pack_into(header, IP + IPV4_CHECKSUM, 0xFFFF - residue(header[IP:end]))


def _adapt_transport(header: bytearray, at: int, start: int, last: bool) -> None:
    (sequence,) = LONG.unpack_from(header, at + TCP_SEQUENCE)
    LONG.pack_into(header, at + TCP_SEQUENCE, (sequence + start) & 0xFFFFFFFF)
    if start:
        header[at + TCP_FLAGS] &= ~CWR  # the first one says it
    if not last:
        header[at + TCP_FLAGS] &= ~(FIN | PSH)  # the last one says it
