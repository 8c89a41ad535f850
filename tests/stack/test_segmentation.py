"""The short way of a brief answer makes the frame that the long way makes."""

from __future__ import annotations

import pytest

from fata.device.net import Capabilities
from fata.proto.tcp.transmission import Transmission
from fata.stack.path import TTL, Path
from fata.stack.segmentation import answer, to_frames
from fata.wire.tcp import ACK, PSH, Options, serialize_options

LINK = bytes(range(14))
KEY = bytes((10, 0, 0, 1, 10, 0, 0, 2, 0x80, 0x01, 0, 80))
STAMPS = serialize_options(Options(), 0xFFFFFFFF, 7)


@pytest.mark.parametrize("payload", [b"", b"x", b"answer" * 20, bytes(1448)])
@pytest.mark.parametrize("service", [(0, TTL), (0xB8, 1)])
def test_both_ways_make_the_same_frame(payload: bytes, service: tuple[int, int]) -> None:
    path = Path(KEY, *service)
    path.link = LINK
    path.begin = LINK + bytes((0x45, service[0]))
    buffers = (payload,) if payload else ()
    sent = Transmission(0xFFFFFFF0, 5, ACK | PSH, 0xFFFF, STAMPS, buffers, len(payload), 1448)
    (expected,) = to_frames(path, LINK, sent, Capabilities(send_checksum=True))
    assert answer(path, sent) == expected
