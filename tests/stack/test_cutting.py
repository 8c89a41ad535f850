"""Segments cut in software are what a device would have cut, by a naive reckoning of our own."""

from __future__ import annotations

from random import Random

import pytest

from fata.device.net import Capabilities, Segmentation, SentFrame
from fata.driver.net.software_offload import finish
from fata.proto.tcp.transmission import Transmission
from fata.stack.path import Path, Way
from fata.stack.segmentation import to_frames
from fata.wire.tcp import ACK, FIN, PSH
from tests.stack.networks import CHECKSUMS, OFFLOADS, PLAIN

KEY = bytes((10, 0, 0, 2, 10, 0, 0, 1)) + (5000).to_bytes(2, "big") + (80).to_bytes(2, "big")
LINK = bytes(range(12)) + b"\x08\x00"
STAMPS = bytes.fromhex("0101080a0000000100000002")


def added_up(octets: bytes) -> int:
    """Return RFC 1071's sum, word by word; 0xFFFF where a checksum in it is right."""
    total = 0
    for at in range(0, len(octets), 2):
        total += int.from_bytes(octets[at : at + 2].ljust(2, b"\0"), "big")
        total = (total & 0xFFFF) + (total >> 16)
    return total


def transmission(random: Random, length: int, size: int, buffers: int, options: bytes) -> Transmission:
    payload = random.randbytes(length)
    edges = sorted(random.randint(0, length) for _ in range(buffers - 1))
    pieces = [payload[start:end] for start, end in zip([0, *edges], [*edges, length], strict=True)]
    kept = tuple(memoryview(piece) if random.random() < 0.5 else piece for piece in pieces if piece)
    seq = random.choice((0, 0xFFFFFF00, 12345))
    return Transmission(seq, 99, ACK | PSH | FIN, 5000, options, kept, length, size)


def cut(sent: Transmission, device: Capabilities) -> list[bytes]:
    """Return the frames as they are on the wire."""
    path = Path(KEY, Way(KEY[4:8] + KEY[:4]))
    frames: list[bytes] = []
    for frame in to_frames(path, LINK, sent, device):
        frames += finish(frame) if frame.checksum_start >= 0 else [joined(frame)]
    return frames


def joined(frame: SentFrame) -> bytes:
    return b"".join(bytes(buffer) for buffer in frame.buffers)


@pytest.mark.parametrize("device", [PLAIN, CHECKSUMS, OFFLOADS], ids=["software", "checksums", "offloads"])
@pytest.mark.parametrize("options", [b"", STAMPS], ids=["bare", "stamps"])
@pytest.mark.parametrize(
    ("length", "size", "buffers"),
    [
        (0, 1448, 1),
        (1, 1448, 1),
        (1447, 1448, 3),
        (1448, 1448, 1),
        (1449, 1448, 2),
        (10_001, 999, 7),
        (64_000, 1448, 1),
    ],
)
def test_frames(length: int, size: int, buffers: int, options: bytes, device: Capabilities) -> None:
    sent = transmission(Random(length), length, size, buffers, options)
    frames = cut(sent, device)
    assert len(frames) == max(1, -(-length // size))
    payload = b""
    for number, frame in enumerate(frames):
        assert frame[:14] == LINK
        assert added_up(frame[14:34]) == 0xFFFF
        segment = frame[34:]
        assert int.from_bytes(frame[16:18], "big") == 20 + len(segment)
        pseudo = frame[26:34] + bytes((0, 6)) + len(segment).to_bytes(2, "big")
        assert added_up(pseudo + segment) == 0xFFFF
        assert int.from_bytes(segment[4:8], "big") == (sent.seq + number * size) & 0xFFFFFFFF
        last = number == len(frames) - 1
        assert segment[13] == (ACK | PSH | FIN if last else ACK)
        head = (segment[12] >> 4) * 4
        assert segment[20:head] == options
        payload += segment[head:]
    assert payload == b"".join(bytes(buffer) for buffer in sent.buffers)


def test_a_device_that_cuts_gets_one_frame() -> None:
    sent = transmission(Random(1), 64_000, 1448, 3, STAMPS)
    path = Path(KEY, Way(KEY[4:8] + KEY[:4]))
    (frame,) = to_frames(path, LINK, sent, OFFLOADS)
    assert (frame.segmentation, frame.segment_size) == (Segmentation.TCP4, 1448)
