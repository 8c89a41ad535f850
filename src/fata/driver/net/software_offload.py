"""What a card with offloads does to a frame, done in software: fill the checksum, cut into segments.

For devices in memory, which have no hardware to do it.
"""

from __future__ import annotations

from struct import Struct

from fata.device.net import Checksum, ReceivedFrame, Segmentation, SentFrame
from fata.errors import WireError
from fata.wire import ipv4, udp
from fata.wire.checksum import checksum, residue
from fata.wire.tcp import CWR, FIN, PSH
from fata.wire.tcp import HEADER_LENGTH as TCP_HEADER

SHORT = Struct("!H")
LONG = Struct("!I")
IP = 14  # octets: where the network header begins, behind Ethernet's
IPV4_TYPE, IPV6_TYPE = b"\x08\x00", b"\x86\xdd"
IPV4_LENGTH, IPV4_ID, IPV4_PROTOCOL, IPV4_CHECKSUM = 2, 4, 9, 10  # octets from there, RFC 791 3.1
IPV4_HEADER = 20
IPV6_LENGTH, IPV6_PROTOCOL, IPV6_HEADER = 4, 6, 40  # RFC 8200 3
TCP_SEQUENCE, TCP_OFFSET, TCP_FLAGS, TCP_CHECKSUM = 4, 12, 13, 16  # octets from TCP's header, RFC 9293 3.1
CHECKSUM_OFFSETS = {ipv4.TCP: TCP_CHECKSUM, ipv4.UDP: udp.CHECKSUM_OFFSET}  # octets, by IP's protocol
IPV6_EXTENSIONS = {0, 43, 60}  # hop-by-hop options, routing, destination options, RFC 8200 4; in units of 8 octets


def join(frame: SentFrame) -> bytes:
    """Return the frame's octets in one piece."""
    return b"".join(frame.buffers)


def finish(frame: SentFrame) -> list[bytes]:
    """Return the frame as it is on the wire: in segments if it is to be cut, with the checksums filled.

    Raises `WireError` when it is not what its metadata say.
    """
    octets = join(frame)
    start, offset = frame.checksum_start, frame.checksum_offset
    if frame.segmentation is not Segmentation.NONE:
        return _cut(octets, start, frame.segmentation, frame.segment_size)
    if start < 0:
        return [octets]
    if offset < 0 or start + offset + 2 > len(octets):
        raise WireError(f"offload: a checksum {offset} octets behind {start}, in a frame of {len(octets)}")
    return [_fill_checksum(octets, start, offset)]


def finish_received(frame: ReceivedFrame) -> list[bytes]:
    """Return a received frame as it would be on a wire. Raises `WireError` when it is not what its metadata say.

    Where the checksum stands is not among them: it is looked for behind IP's header.
    """
    if frame.checksum is not Checksum.PARTIAL:
        return [frame.data]
    start, protocol = _find_transport(frame.data)
    if protocol not in CHECKSUM_OFFSETS:
        raise WireError(f"offload: a partial checksum of protocol {protocol}")
    return finish(SentFrame([frame.data], start, CHECKSUM_OFFSETS[protocol], frame.segmentation, frame.segment_size))


def _find_transport(octets: bytes) -> tuple[int, int]:
    """Return where the transport's header begins, and its protocol."""
    if len(octets) > IP + IPV6_HEADER and octets[12:14] == IPV6_TYPE:
        start, protocol = IP + IPV6_HEADER, octets[IP + IPV6_PROTOCOL]
        while protocol in IPV6_EXTENSIONS and start + 2 <= len(octets):
            start, protocol = start + 8 + octets[start + 1] * 8, octets[start]
        return start, protocol
    if len(octets) > IP + IPV4_HEADER and octets[12:14] == IPV4_TYPE:
        return IP + max(octets[IP] & 0x0F, IPV4_HEADER // 4) * 4, octets[IP + IPV4_PROTOCOL]
    raise WireError("offload: a partial checksum in a frame without IP")


def _fill_checksum(octets: bytes, start: int, offset: int) -> bytes:
    """Sum from `start` to the end; the field holds the pseudo-header's sum."""
    whole = bytearray(octets)
    SHORT.pack_into(whole, start + offset, checksum(memoryview(octets)[start:]))
    return bytes(whole)


def _cut(octets: bytes, transport: int, kind: Segmentation, size: int) -> list[bytes]:
    """Cut a TCP frame into segments, each with its lengths, identification, sequence number, flags and checksums."""
    first = _header_length(octets, transport, kind)
    if size < 1:
        raise WireError("offload: segments of 0 octets")
    headers, payload = octets[:first], memoryview(octets)[first:]
    # The field holds the pseudo-header's sum with the length of all; each segment has its own.
    (pseudo,) = SHORT.unpack_from(headers, transport + TCP_CHECKSUM)
    pseudo -= len(octets) - transport
    segments = []
    for number, start in enumerate(range(0, max(len(payload), 1), size)):
        piece = payload[start : start + size]
        header = bytearray(headers)
        _adapt_network(header, kind, first - IP + len(piece), number)
        _adapt_transport(header, transport, start, last=start + len(piece) == len(payload))
        SHORT.pack_into(header, transport + TCP_CHECKSUM, (pseudo + first - transport + len(piece)) % 0xFFFF)
        segments.append(_fill_checksum(bytes(header) + piece, transport, TCP_CHECKSUM))
    return segments


def _header_length(octets: bytes, transport: int, kind: Segmentation) -> int:
    """Return the octets of all headers, by what stands in TCP's: Linux gives no exact number with what it delivers."""
    network = IPV4_HEADER if kind is Segmentation.TCP4 else IPV6_HEADER
    if IP + network <= transport <= len(octets) - TCP_HEADER:
        first = transport + (octets[transport + TCP_OFFSET] >> 4) * 4
        if transport + TCP_HEADER <= first <= len(octets):
            return first
    raise WireError(f"offload: no TCP header at {transport}, in a frame of {len(octets)}")


def _adapt_network(header: bytearray, kind: Segmentation, length: int, number: int) -> None:
    """Write a segment's own length, IPv4's identification and checksum; `length` counts from the network header on."""
    if kind is Segmentation.TCP6:
        SHORT.pack_into(header, IP + IPV6_LENGTH, length - IPV6_HEADER)
        return
    end = IP + max(header[IP] & 0x0F, IPV4_HEADER // 4) * 4
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
