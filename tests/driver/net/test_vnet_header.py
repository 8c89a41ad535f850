"""The header that virtio puts before a frame."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.device.net import Checksum, ReceivedFrame, Segmentation, SentFrame
from fata.driver.net.vnet_header import HEADER, complete, parse, serialize
from fata.errors import WireError
from tests.conformance.net_offload import check_checksum, large_frame, pattern

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


@pytest.mark.parametrize("kind", [Segmentation.TCP4, Segmentation.TCP6])
def test_what_is_left_to_do_is_done_in_software(kind: Segmentation) -> None:
    sent = large_frame(kind, pattern(2500), bytes(6))
    finished = complete(serialize(sent) + b"".join(sent.buffers))
    assert len(finished) == 3
    for frame in finished:
        check_checksum(frame.data)


@given(st.binary(max_size=200))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    for read in (parse, complete):
        try:
            read(octets)
        except WireError:
            pass


@given(st.integers(0, 3), st.sampled_from([0, 1, 4, 0x81]), *[st.integers(0, 300)] * 3, st.binary(max_size=200))
def test_any_header_is_obeyed_or_refused(
    flags: int, kind: int, size: int, start: int, offset: int, octets: bytes
) -> None:
    try:
        complete(HEADER.pack(flags, kind, 0, size, start, offset) + octets)
    except WireError:
        pass
