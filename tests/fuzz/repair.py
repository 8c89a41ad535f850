"""Makes damaged frames whole enough to get past the first checks: the station's address, lengths, checksums."""

from __future__ import annotations

from fata.wire import ethernet, ipv4
from fata.wire.checksum import checksum, pseudo_header4

IP = ethernet.HEADER_LENGTH
CHECKSUM_AT = {ipv4.TCP: 16, ipv4.UDP: 6, ipv4.ICMP: 2}  # octets from the start of the payload


def addressed(frame: bytes, mac: bytes) -> bytes:
    """Return the frame as one for `mac`."""
    return mac + frame[6:]


def with_right_checksums(frame: bytes) -> bytes:
    """Return an IPv4 frame whose length and checksums are right, as far as it has them; any other as it is."""
    if len(frame) < IP + ipv4.HEADER_LENGTH or frame[12:14] != b"\x08\x00":
        return frame
    octets = bytearray(frame)
    length = max(5, octets[IP] & 15) * 4
    octets[IP] = 0x40 | length // 4
    if len(octets) < IP + length:
        return frame
    octets[IP + 2 : IP + 4] = (len(octets) - IP).to_bytes(2, "big")
    octets[IP + 10 : IP + 12] = bytes(2)
    octets[IP + 10 : IP + 12] = checksum(octets[IP : IP + length]).to_bytes(2, "big")
    start, protocol = IP + length, octets[IP + 9]
    at = CHECKSUM_AT.get(protocol)
    if at is None or len(octets) < start + at + 2:
        return bytes(octets)
    octets[start + at : start + at + 2] = bytes(2)
    ends = bytes(octets[IP + 12 : IP + 20])
    payload = len(octets) - start
    initial = 0 if protocol == ipv4.ICMP else pseudo_header4(ends[:4], ends[4:], protocol, payload)
    if protocol == ipv4.UDP:
        octets[start + 4 : start + 6] = payload.to_bytes(2, "big")
    octets[start + at : start + at + 2] = checksum(octets[start:], initial).to_bytes(2, "big")
    return bytes(octets)
