"""What a Net with offloads promises besides: frames are finished on the way out, and told unfinished on the way in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from fata.device.net import Checksum, Net, ReceivedFrame, Segmentation, SentFrame
from fata.device.poller import Poller
from fata.wire.checksum import residue
from tests.conformance.net import FAR_MAC, Far, NetContract, Rig

SIZE = 1000  # octets of payload a segment
ACK_PSH_FIN_CWR = 0x99
TYPES = {Segmentation.TCP4: b"\x08\x00", Segmentation.TCP6: b"\x86\xdd"}


class OffloadRig(NamedTuple):
    """A device with offloads, a wire without any behind it, and another device that sends it what is unfinished."""

    net: Net
    wire: Far
    source: Net
    poller: Poller


def large_frame(kind: Segmentation, payload: bytes, source: bytes, destination: bytes = FAR_MAC) -> SentFrame:
    """Return a TCP frame to be cut, as a stack makes it; with a payload of one segment it is only to be summed."""
    length = 32 + len(payload)  # with 12 octets of options
    if kind is Segmentation.TCP4:
        addresses = bytes([10, 0, 0, 1, 10, 0, 0, 2])
        head = b"\x45\0" + (20 + length).to_bytes(2) + b"\x12\x34\x40\0\x40\x06\0\0" + addresses
        head = head[:10] + (0xFFFF - residue(head)).to_bytes(2) + head[12:]
    else:
        addresses = bytes.fromhex("fd00000000000000000000000000000afd00000000000000000000000000000b")
        head = b"\x60\0\0\0" + length.to_bytes(2) + b"\x06\x40" + addresses
    pseudo = residue(addresses, 6 + length)
    ports = b"\x10\x00\x00\x50" + (0xFFFFFF00).to_bytes(4) + bytes(4)
    tcp = ports + bytes([0x80, ACK_PSH_FIN_CWR, 1, 0]) + pseudo.to_bytes(2) + b"\0\0" + b"\1\1\x08\x0a" + bytes(8)
    headers = destination + source + TYPES[kind] + head + tcp
    start = len(headers) - 32
    if len(payload) <= SIZE:
        return SentFrame([headers, payload], start, 16)
    cut = len(payload) // 3
    return SentFrame([headers, payload[:cut], memoryview(payload)[cut:]], start, 16, kind, SIZE, len(headers))


def transport_of(segment: bytes) -> tuple[bytes, int]:
    """Return the pseudo-header's addresses and where TCP begins; check what is before it."""
    if segment[12:14] == TYPES[Segmentation.TCP4]:
        assert residue(segment[14:34]) == 0, "IPv4's checksum is wrong"
        assert int.from_bytes(segment[16:18]) == len(segment) - 14
        return segment[26:34], 34
    assert int.from_bytes(segment[18:20]) == len(segment) - 54
    return segment[22:54], 54


def check_checksum(segment: bytes) -> None:
    addresses, start = transport_of(segment)
    assert residue(segment[start:], residue(addresses, 6 + len(segment) - start)) == 0, "TCP's checksum is wrong"


def pattern(length: int) -> bytes:
    return bytes(index * 7 & 0xFF for index in range(length))


@pytest.mark.parametrize("kind", [Segmentation.TCP4, Segmentation.TCP6])
class NetOffloadContract:
    """Segmentation and checksums both ways."""

    @pytest.fixture
    def rig(self) -> Iterator[OffloadRig]:
        raise NotImplementedError

    def collect(self, rig: OffloadRig, count: int) -> list[bytes]:
        return NetContract().collect(Rig(rig.net, rig.wire, rig.poller), count)

    def receive(self, rig: OffloadRig) -> ReceivedFrame:
        came: list[ReceivedFrame] = []

        def look() -> list[ReceivedFrame]:
            mine = rig.net.mac  # other frames are what the kernel says by itself
            came.extend(frame for frame in rig.net.receive() if frame.data[:6] == mine)
            return came

        NetContract().wait(Rig(rig.net, rig.wire, rig.poller), look)
        return came[0]

    @pytest.mark.parametrize("size", [0, 1, 999, 1000])
    def test_a_checksum_is_filled(self, rig: OffloadRig, kind: Segmentation, size: int) -> None:
        frame = large_frame(kind, pattern(size), rig.net.mac)
        assert rig.net.send([frame]) == 1
        (segment,) = self.collect(rig, 1)
        check_checksum(segment)
        assert segment.endswith(pattern(size))

    @pytest.mark.parametrize("size", [1001, 2000, 5500, 65000])
    def test_a_large_frame_is_cut(self, rig: OffloadRig, kind: Segmentation, size: int) -> None:
        payload = pattern(size)
        assert rig.net.send([large_frame(kind, payload, rig.net.mac)]) == 1
        segments = self.collect(rig, -(-size // SIZE))
        assert len(segments) == -(-size // SIZE)
        put_together = b""
        for number, segment in enumerate(segments):
            check_checksum(segment)
            start = transport_of(segment)[1]
            if kind is Segmentation.TCP4:
                assert int.from_bytes(segment[18:20]) == 0x1234 + number
            assert int.from_bytes(segment[start + 4 : start + 8]) == (0xFFFFFF00 + len(put_together)) & 0xFFFFFFFF
            said = segment[start + 13]
            assert (said & 0x80 > 0) == (number == 0), "CWR belongs to the first segment"
            assert (said & 0x09 == 0x09) == (number == len(segments) - 1), "FIN and PSH belong to the last segment"
            assert segment[start + 20 : start + 24] == b"\1\1\x08\x0a"
            put_together += segment[start + 32 :]
        assert put_together == payload

    def test_an_unfinished_frame_is_told(self, rig: OffloadRig, kind: Segmentation) -> None:
        sent = large_frame(kind, pattern(500), rig.source.mac, rig.net.mac)
        assert rig.source.send([sent]) == 1
        received = self.receive(rig)
        assert received.data == b"".join(sent.buffers)
        assert received[1:] == (Checksum.PARTIAL, Segmentation.NONE, 0)

    def test_a_large_frame_is_told(self, rig: OffloadRig, kind: Segmentation) -> None:
        sent = large_frame(kind, pattern(65000), rig.source.mac, rig.net.mac)
        assert rig.source.send([sent]) == 1
        received = self.receive(rig)
        assert received.data == b"".join(sent.buffers)
        assert received[1:] == (Checksum.PARTIAL, kind, SIZE)
        asyncio.run(rig.source.close())
