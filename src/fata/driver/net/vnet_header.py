"""The header that virtio puts before a frame to say what is left to do for it (virtio 1.2, 5.1.6).

+-------+----------+-------------+----------+------------+-------------+
| flags | gso type | header size | gso size | csum start | csum offset |
|   1   |    1     |      2      |    2     |     2      |      2      |
+-------+----------+-------------+----------+------------+-------------+

Linux uses it for TAP (IFF_VNET_HDR) and AF_PACKET (PACKET_VNET_HDR), in the machine's byte order; virtio-net
has two more octets behind it, in little-endian order. The sizes are octets: of all headers, and of payload in
each segment. `csum start` counts from the frame's start, `csum offset` from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from fata.device.net import Buffer, Capabilities, Checksum, RawForm, ReceivedFrame, Segmentation, SentFrame
from fata.driver.net.sendable import ETHERNET_HEADER, check
from fata.errors import WireError

Octets = bytes | Sequence[Buffer]  # of a frame that is to be written: bytes in one piece

HEADER = Struct("=BBHHHH")
HEADER_LENGTH = 10  # octets

NEEDS_CHECKSUM = 1  # flags: the field holds the pseudo-header's sum only
ECN = 0x80  # a bit of the gso type: the first segment alone carries CWR

GSO_TYPES = {Segmentation.NONE: 0, Segmentation.TCP4: 1, Segmentation.TCP6: 4}
SEGMENTATIONS = {number: kind for kind, number in GSO_TYPES.items()}
CHECKSUMS = (Checksum.UNKNOWN, Checksum.PARTIAL, Checksum.VERIFIED, Checksum.PARTIAL)  # by flags & 3; 2: looked at
NOT_CUT = Segmentation.NONE
PLAIN = bytes(HEADER_LENGTH)  # nothing is left to do
ONLY_CHECKSUM = {  # by start and offset: TCP's and UDP's, behind an IPv4 header without options
    (34, 16): HEADER.pack(NEEDS_CHECKSUM, 0, 0, 0, 34, 16),
    (34, 6): HEADER.pack(NEEDS_CHECKSUM, 0, 0, 0, 34, 6),
}
RAW = RawForm(HEADER_LENGTH, ONLY_CHECKSUM[34, 16])
SMALL = 2048  # octets of a frame that are sooner copied than gathered by the kernel
new_tuple = tuple.__new__  # a NamedTuple's own constructor costs 0.2 µs more


def parse(octets: bytes, length: int = HEADER_LENGTH) -> ReceivedFrame:
    """Read the header before a received frame; `length` is its own, 12 for virtio-net.

    The frame is copied out of `octets`: 0.1 µs for 1,500 octets, 1.4 for 64 KiB. An offset in every received
    frame would cost all who read it more. Raises `WireError` for a header cut short and an unknown gso type.
    """
    if len(octets) < length:
        raise WireError(f"virtio header: {len(octets)} octets, {length} needed")
    if not octets[1] and octets[0] <= NEEDS_CHECKSUM:
        return new_tuple(ReceivedFrame, (octets[length:], CHECKSUMS[octets[0]], NOT_CUT, 0))
    flags, gso_type, _header_size, gso_size, _start, _offset = HEADER.unpack_from(octets)
    segmentation = SEGMENTATIONS.get(gso_type & ~ECN)
    if segmentation is None:
        raise WireError(f"virtio header: gso type {gso_type:#x}, which nobody asked for")
    return ReceivedFrame(octets[length:], CHECKSUMS[flags & 3], segmentation, gso_size)


def finish(frames: Sequence[SentFrame | bytes], mtu: int, capabilities: Capabilities) -> list[Octets]:
    """Return frames with their headers before them; those of `bytes` have them already.

    Raises `StateError` for one beyond the device's capabilities.
    """
    return [frame if isinstance(frame, bytes) else _finish(frame, mtu, capabilities) for frame in frames]


def _finish(frame: SentFrame, mtu: int, capabilities: Capabilities) -> Octets:
    buffers, start, offset, segmentation, _size, _length = frame
    header = ONLY_CHECKSUM.get((start, offset))
    # The answer of a server that answers briefly, and every acknowledgment.
    if header is not None and segmentation is NOT_CUT and len(buffers) <= 2 and capabilities.send_checksum:
        octets = header + buffers[0] + buffers[1] if len(buffers) == 2 else header + buffers[0]
        if HEADER_LENGTH + start + offset + 2 <= len(octets) <= HEADER_LENGTH + mtu + ETHERNET_HEADER:
            return octets
    length = check(frame, mtu, capabilities)
    header = serialize(frame)
    return b"".join((header, *buffers)) if length <= SMALL else (header, *buffers)


def serialize(frame: SentFrame) -> bytes:
    """Write the header before a frame to be sent."""
    if frame.checksum_start < 0:
        return PLAIN
    return HEADER.pack(
        NEEDS_CHECKSUM,
        GSO_TYPES[frame.segmentation],
        frame.header_length,
        frame.segment_size,
        frame.checksum_start,
        frame.checksum_offset,
    )
