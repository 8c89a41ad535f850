"""From a transmission of TCP to frames: checksums and cutting, by the device where it can, else here.

A transmission may hold 64 KiB of payload. A device that cuts gets it as it is, with a pattern of the headers
(virtio 1.2, 5.1.6.2). For any other the loop at the end makes the segments: the protocol machine has done its work
once for all of them, so a segment costs its checksum, one `Struct.pack` and the device's own call.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from fata.device.net import Buffer, Capabilities, Segmentation, SentFrame
from fata.proto.tcp.transmission import Transmission
from fata.stack.path import IP_LENGTH, NO_IDENTIFICATION, VERSION_AND_LENGTH, Path
from fata.wire.checksum import MODULUS, checksum, quartered
from fata.wire.ipv4 import DONT_FRAGMENT, TCP
from fata.wire.tcp import CHECKSUM_OFFSET, FIN, PSH

# Ethernet header; IPv4: version and length, service, total length, identification, flags, ttl, protocol, sum; both
# addresses and both ports; TCP: seq, ack, offset, flags, window, sum, urgent pointer.
HEADERS = Struct("!14sBBHHHBBH12sIIBBHHH")
pack = HEADERS.pack
IP_START = 14  # octets of Ethernet
TCP_START = 34  # octets of Ethernet and IPv4
TCP_LENGTH = 20  # octets, without options
LAST_ONLY = PSH | FIN  # flags that belong to the end of the payload


def to_frames(path: Path, link: bytes, sent: Transmission, device: Capabilities) -> list[SentFrame]:
    """Return the frames of a transmission; `link` is the Ethernet header, 14 octets."""
    if not device.send_checksum:
        return software(path, link, sent)
    if sent.length <= sent.segment_size:
        return [_offloaded(path, link, sent, 0)]
    if Segmentation.TCP4 in device.send_segmentation:
        return [_offloaded(path, link, sent, sent.segment_size)]
    return [_offloaded(path, link, piece, 0) for piece in cut(sent)]


def cut(sent: Transmission) -> list[Transmission]:
    """Cut a transmission into segments. PSH and FIN stay with the last one."""
    segments = []
    for start, piece in _pieces(sent.buffers, sent.length, sent.segment_size):
        flags = sent.flags if start + len(piece) == sent.length else sent.flags & ~LAST_ONLY
        seq = (sent.seq + start) & 0xFFFFFFFF
        segments.append(sent._replace(seq=seq, flags=flags, buffers=(piece,), length=len(piece)))
    return segments


def _offloaded(path: Path, link: bytes, sent: Transmission, segment_size: int) -> SentFrame:
    """Return one frame whose TCP checksum the device completes, and which it cuts if `segment_size` says so."""
    seq, ack, flags, window, options, buffers, length, _size = sent
    way = path.way
    tcp_length = TCP_LENGTH + len(options)
    total = IP_LENGTH + tcp_length + length
    # The device sums from the TCP header on, so the field holds the sum of the pseudo-header, not inverted.
    partial = (way.addresses_sum + tcp_length + length) % MODULUS
    ip_sum = MODULUS - (way.ip_sum + total) % MODULUS
    offset = tcp_length << 2
    # fmt: off
    header = pack(
        link, VERSION_AND_LENGTH, way.tos, total, NO_IDENTIFICATION, DONT_FRAGMENT, way.ttl, TCP,
        ip_sum, path.ends, seq, ack, offset, flags, window, partial, 0,
    )
    # fmt: on
    if options:
        header += options
    frame = (header, *buffers) if buffers else (header,)
    if not segment_size:
        return SentFrame(frame, TCP_START, CHECKSUM_OFFSET)
    return SentFrame(frame, TCP_START, CHECKSUM_OFFSET, Segmentation.TCP4, segment_size, TCP_START + tcp_length)


def software(path: Path, link: bytes, sent: Transmission) -> list[SentFrame]:
    """Return frames that need nothing of the device."""
    options, buffers, length, size = sent.options, sent.buffers, sent.length, sent.segment_size
    tcp_length = TCP_LENGTH + len(options)
    offset = tcp_length << 2
    headers = IP_LENGTH + tcp_length
    way, ends, seq, ack, window = path.way, path.ends, sent.seq, sent.ack, sent.window
    ip_sum = way.ip_sum
    common = path.tcp_sum + tcp_length + ack + (offset << 8) + window + int.from_bytes(options, "big")
    frames: list[SentFrame] = []
    for start, piece in _pieces(buffers, length, size):
        octets = len(piece)
        flags = sent.flags if start + octets == length else sent.flags & ~LAST_ONLY
        number = (seq + start) & 0xFFFFFFFF
        payload = quartered(bytes(piece), 0, octets)
        total = headers + octets
        tcp_check = MODULUS - (common + number + flags + octets + payload) % MODULUS
        ip_check = MODULUS - (ip_sum + total) % MODULUS
        # fmt: off
        header = pack(
            link, VERSION_AND_LENGTH, way.tos, total, NO_IDENTIFICATION, DONT_FRAGMENT, way.ttl, TCP,
            ip_check, ends, number, ack, offset, flags, window, tcp_check, 0,
        )
        # fmt: on
        if options:
            header += options
        frames.append(SentFrame((header, piece) if octets else (header,)))
    return frames


def without_dont_fragment(frame: SentFrame, identification: int) -> SentFrame:
    """Return a frame that routers may fragment; for that its packet has a number (RFC 6864 4.1)."""
    first = bytes(frame.buffers[0])
    ip = first[IP_START : IP_START + 4] + identification.to_bytes(2, "big") + bytes(2) + first[IP_START + 8 : TCP_START]
    check = checksum(ip[:10] + bytes(2) + ip[12:]).to_bytes(2, "big")
    header = first[:IP_START] + ip[:10] + check + ip[12:] + first[TCP_START:]
    return frame._replace(buffers=(header, *frame.buffers[1:]))


def _pieces(buffers: Sequence[Buffer], length: int, size: int) -> list[tuple[int, Buffer]]:
    """Return (start, payload) of every segment; one with nothing in it if there is no payload."""
    if not buffers:
        return [(0, b"")]
    whole = buffers[0] if len(buffers) == 1 else b"".join(buffers)
    if length <= size:
        return [(0, whole)]
    view = memoryview(whole)
    return [(start, view[start : start + size]) for start in range(0, length, size)]
