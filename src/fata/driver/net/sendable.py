"""What a device may be asked to send: a caller's mistake is told before anything is on the wire."""

from __future__ import annotations

from fata.device.net import Capabilities, Segmentation, SentFrame
from fata.errors import StateError

ETHERNET_HEADER = 14  # octets: destination, source, type
LARGEST_FRAME = 65535 + ETHERNET_HEADER  # octets: IP's total length has 16 bits
MIN_MTU = 576  # octets, RFC 791 3.1: what every host takes


def check(frame: SentFrame, mtu: int, capabilities: Capabilities) -> int:
    """Return the frame's octets. Raises `StateError` when it is beyond the device's capabilities."""
    length = 0
    for buffer in frame.buffers:
        length += len(buffer)
    if frame.segmentation is Segmentation.NONE:
        limit = mtu + ETHERNET_HEADER
    else:
        limit = LARGEST_FRAME
        _check_segmentation(frame, mtu, capabilities)
    if not ETHERNET_HEADER <= length <= limit:
        raise StateError(f"a frame of {length} octets, where {ETHERNET_HEADER} to {limit} are possible")
    if frame.checksum_start >= 0:
        _check_checksum(frame, length, capabilities)
    return length


def _check_segmentation(frame: SentFrame, mtu: int, capabilities: Capabilities) -> None:
    if frame.segmentation not in capabilities.send_segmentation:
        raise StateError(f"the device does not cut {frame.segmentation.value} frames")
    if frame.checksum_start < 0:
        raise StateError("a frame to be cut needs its checksums filled")
    segment = frame.header_length + frame.segment_size
    if frame.segment_size < 1 or not frame.checksum_start < frame.header_length <= len(frame.buffers[0]):
        raise StateError(
            f"a frame to be cut into segments of {frame.segment_size} octets behind {frame.header_length} of headers, "
            f"where the first buffer has {len(frame.buffers[0])} and the transport begins at {frame.checksum_start}"
        )
    if segment > mtu + ETHERNET_HEADER:
        raise StateError(f"segments of {segment} octets, where {mtu + ETHERNET_HEADER} are possible")


def _check_checksum(frame: SentFrame, length: int, capabilities: Capabilities) -> None:
    if not capabilities.send_checksum:
        raise StateError("the device does not fill checksums")
    if frame.checksum_offset < 0 or frame.checksum_start + frame.checksum_offset + 2 > length:
        raise StateError(
            f"a checksum {frame.checksum_offset} octets behind {frame.checksum_start}, in a frame of {length}"
        )
