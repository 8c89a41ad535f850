"""Offloads in software, on frames as they are received. What is sent goes the same way: see the switch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.device.net import Checksum, ReceivedFrame, Segmentation, SentFrame
from fata.driver.net.software_offload import finish, finish_received
from fata.errors import WireError
from fata.wire import udp
from fata.wire.checksum import residue
from tests.conformance.net_offload import SIZE, check_checksum, large_frame, pattern

KINDS = [Segmentation.TCP4, Segmentation.TCP6]
ADDRESSES = bytes([10, 0, 0, 1, 10, 0, 0, 2])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("size", "segments"), [(0, 1), (1000, 1), (2500, 3)])
def test_a_received_frame_is_finished(kind: Segmentation, size: int, segments: int) -> None:
    sent = large_frame(kind, pattern(size), bytes(6))
    received = ReceivedFrame(b"".join(sent.buffers), Checksum.PARTIAL, sent.segmentation, SIZE)
    finished = finish_received(received)
    assert len(finished) == segments
    for octets in finished:
        check_checksum(octets)


@pytest.mark.parametrize("checksum", [Checksum.UNKNOWN, Checksum.VERIFIED])
def test_a_finished_frame_stays_as_it_is(checksum: Checksum) -> None:
    data = bytes(60)
    assert finish_received(ReceivedFrame(data, checksum)) == [data]


def test_udp_is_summed() -> None:
    payload = udp.HEADER.pack(53, 53, 12, residue(ADDRESSES, 17 + 12)) + b"data"
    frame = bytes(12) + b"\x08\x00\x45\x00\x00\x20" + bytes(5) + b"\x11\x00\x00" + ADDRESSES + payload
    (finished,) = finish_received(ReceivedFrame(frame, Checksum.PARTIAL))
    assert residue(finished[34:], residue(ADDRESSES, 17 + 12)) == 0


def test_tcp_is_found_behind_ipv6_extensions() -> None:
    sent = large_frame(Segmentation.TCP6, b"", bytes(6))
    whole = b"".join(sent.buffers)
    extended = whole[:20] + b"\0" + whole[21:54] + b"\x3c\0" + bytes(6) + b"\x06\1" + bytes(14) + whole[54:]
    (finished,) = finish_received(ReceivedFrame(extended, Checksum.PARTIAL))
    addresses = finished[22:54]
    assert residue(finished[78:], residue(addresses, 6 + len(finished) - 78)) == 0


@pytest.mark.parametrize("data", [b"", bytes(60), bytes(12) + b"\x08\x00\x45" + bytes(50), bytes(12) + b"\x86\xdd"])
def test_what_is_not_what_it_says_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        finish_received(ReceivedFrame(data, Checksum.PARTIAL, Segmentation.NONE))


@given(st.sampled_from(list(Segmentation)), st.integers(-1, 300), st.integers(-1, 300), st.binary(max_size=200))
def test_any_metadata_are_obeyed_or_refused(kind: Segmentation, size: int, start: int, octets: bytes) -> None:
    for _ in range(2):
        try:
            finish(SentFrame([octets], start, 16, kind, size))
        except WireError:
            pass
        octets = bytes(12) + b"\x08\x00\x45" + octets


@given(
    st.sampled_from(list(Segmentation)), st.sampled_from([b"\x08\x00\x45", b"\x86\xdd\x60"]), st.binary(max_size=200)
)
def test_any_received_octets_are_finished_or_refused(kind: Segmentation, head: bytes, octets: bytes) -> None:
    for data in (octets, bytes(12) + head + octets):
        try:
            finish_received(ReceivedFrame(data, Checksum.PARTIAL, kind, 100))
        except WireError:
            pass
