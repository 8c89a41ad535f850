"""UDP datagrams (RFC 768).

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-------------------------------+-------------------------------+
|          source port          |       destination port        |
+-------------------------------+-------------------------------+
|            length             |           checksum            |
+-------------------------------+-------------------------------+
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from fata.errors import WireError
from fata.wire.checksum import MODULUS, checksum, residue

HEADER = Struct("!HHHH")
HEADER_LENGTH = 8  # octets
CHECKSUM_OFFSET = 6  # octets from the header's start
PROTOCOL = 17  # in IP's header and in the pseudo-header
MAX_PAYLOAD4 = 0xFFFF - 20 - HEADER_LENGTH  # octets in an IPv4 packet without options
NO_CHECKSUM = 0  # the field's value where the sender has computed none; a computed 0 is sent as 0xFFFF

Buffer = bytes | bytearray | memoryview


class Datagram(NamedTuple):
    """A datagram. Its payload is `data[start:end]`: most often a range of the frame that brought it."""

    src_port: int  # 0: no answer is expected
    dst_port: int
    data: bytes = b""
    start: int = 0
    end: int = 0


def parse(data: bytes, start: int, end: int, addresses: bytes | None = None) -> Datagram:
    """Read the datagram in `data[start:end]`; octets behind its own length are cut off.

    `addresses` are source and destination as they stand in IPv4's header, 8 octets: with them the checksum is
    verified, unless the sender made none. None: the device has done it. Raises `WireError`.
    """
    if end - start < HEADER_LENGTH:
        raise WireError(f"udp: {end - start} octets are no header of {HEADER_LENGTH}")
    src_port, dst_port, length, check = HEADER.unpack_from(data, start)
    if not HEADER_LENGTH <= length <= end - start:
        raise WireError(f"udp: length {length} is not between {HEADER_LENGTH} and {end - start}")
    end = start + length
    if addresses is not None and check != NO_CHECKSUM:
        pseudo = int.from_bytes(addresses, "big") + PROTOCOL + length
        if residue(memoryview(data)[start:end], pseudo):
            raise WireError(f"udp: the checksum {check:#06x} is wrong")
    return Datagram(src_port, dst_port, data, start + HEADER_LENGTH, end)


def serialize_header(src_port: int, dst_port: int, payload: Buffer, addresses: bytes | None) -> bytes:
    """Return the header that goes before `payload`, checksum included; the payload is not copied.

    `addresses` are source and destination, 8 octets. None: no checksum, for a device that computes it.
    """
    length = HEADER_LENGTH + len(payload)
    if addresses is None:
        return HEADER.pack(src_port, dst_port, length, NO_CHECKSUM)
    # The pseudo-header's protocol and length, and the header itself, as numbers: no octets are made to be summed.
    total = int.from_bytes(addresses, "big") % MODULUS + PROTOCOL + 2 * length + src_port + dst_port
    return HEADER.pack(src_port, dst_port, length, checksum(payload, total))
