"""The header that virtio puts before a frame."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.device.net import Capabilities, Checksum, ReceivedFrame, Segmentation, SentFrame
from fata.driver.net.tap import OFFLOADS
from fata.driver.net.vnet_header import HEADER, SMALL, finish, parse, serialize
from fata.errors import StateError, WireError

FRAME = bytes(range(60))


def test_a_plain_frame() -> None:
    assert serialize(SentFrame([FRAME])) == bytes(10)
    assert parse(bytes(10) + FRAME) == ReceivedFrame(FRAME)
    assert parse(bytes(12) + FRAME, 12) == ReceivedFrame(FRAME)


def test_a_frame_to_be_cut() -> None:
    sent = SentFrame([FRAME], 34, 16, Segmentation.TCP4, 1448, 66)
    header = serialize(sent)
    assert header == HEADER.pack(1, 1, 66, 1448, 34, 16)
    assert parse(header + FRAME) == ReceivedFrame(FRAME, Checksum.PARTIAL, Segmentation.TCP4, 1448)
    assert serialize(sent._replace(segmentation=Segmentation.TCP6)) == HEADER.pack(1, 4, 66, 1448, 34, 16)


@pytest.mark.parametrize(
    ("flags", "checksum"), [(0, Checksum.UNKNOWN), (1, Checksum.PARTIAL), (2, Checksum.VERIFIED), (3, Checksum.PARTIAL)]
)
def test_flags_say_what_the_checksum_is(flags: int, checksum: Checksum) -> None:
    assert parse(HEADER.pack(flags, 0, 0, 0, 0, 0) + FRAME).checksum is checksum


def test_the_bit_for_ecn_changes_nothing() -> None:
    assert parse(HEADER.pack(1, 0x81, 0, 1448, 34, 16) + FRAME).segmentation is Segmentation.TCP4


@pytest.mark.parametrize("octets", [b"", bytes(9), HEADER.pack(0, 3, 0, 0, 0, 0) + FRAME])
def test_what_makes_no_sense_is_refused(octets: bytes) -> None:
    with pytest.raises(WireError):
        parse(octets)


@given(st.binary(max_size=200))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    try:
        parse(octets)
    except WireError:
        pass


@pytest.mark.parametrize(
    "sent",
    [
        SentFrame((FRAME,)),
        SentFrame((FRAME,), 34, 16),
        SentFrame((FRAME,), 34, 6),
        SentFrame((FRAME,), 38, 16),  # behind a VLAN's tag, say
        SentFrame((FRAME, b"payload"), 34, 16),
        SentFrame((FRAME, memoryview(b"payload")), 34, 16),
        SentFrame((FRAME, bytearray(b"pay"), b"load"), 34, 16),
        SentFrame((FRAME, bytes(SMALL)), 34, 16, Segmentation.TCP4, 500, 54),
        SentFrame((FRAME, bytes(40)), 34, 16, Segmentation.TCP4, 500, 54),
    ],
)
def test_frames_are_written_with_their_headers(sent: SentFrame) -> None:
    (octets,) = finish([sent], 1500, OFFLOADS)
    assert b"".join((octets,) if isinstance(octets, bytes) else octets) == serialize(sent) + b"".join(sent.buffers)


@pytest.mark.parametrize(
    ("sent", "capabilities"),
    [
        (SentFrame((FRAME, bytes(1455)), 34, 16), OFFLOADS),
        (SentFrame((FRAME[:51],), 34, 16), OFFLOADS),
        (SentFrame((FRAME,), 34, 16), Capabilities()),
        (SentFrame((FRAME, bytes(3000)), 34, 16, Segmentation.TCP4, 500, 54), Capabilities(send_checksum=True)),
    ],
)
def test_what_is_beyond_the_device_is_told(sent: SentFrame, capabilities: Capabilities) -> None:
    with pytest.raises(StateError):
        finish([sent], 1500, capabilities)
