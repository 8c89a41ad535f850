"""The short way of a brief answer makes the frame that the long way makes."""

from __future__ import annotations

from typing import Any

import pytest

from fata.device.net import Capabilities, RawForm
from fata.proto.path_mtu import PathMtu
from fata.proto.tcp.transmission import Answer, Transmission, transmission_of
from fata.stack.counters import Counters
from fata.stack.output import LINK_LIFE, Output
from fata.stack.path import TTL
from fata.stack.segmentation import to_frames
from fata.wire.tcp import ACK, FIN, PSH, SYN

LINK = bytes(range(14))
KEY = bytes((10, 0, 0, 1, 10, 0, 0, 2, 0x80, 0x01, 0, 80))
OTHER_KEY = KEY[:9] + bytes((2, 0, 80))
HEADER = b"the card's"
COMPLETES = Capabilities(send_checksum=True)
NOW = 5.0


class Card:
    """As much of an interface as `Output` looks at."""

    capabilities = COMPLETES

    def __init__(self, header: bytes | None) -> None:
        self.raw = RawForm(0, header)
        self.sent: list[Any] = []

    def send(self, _link: bytes, _next_hop: bytes, frames: list[Any], _now: float) -> None:
        self.sent += frames

    def send_raw(self, frames: list[Any]) -> None:
        self.sent += frames


class Ways:
    """As much of an `Ipv4`: every address has the same way, and `own` is this host's."""

    def __init__(self, header: bytes | None, own: bytes = b"") -> None:
        self.interface = Card(header)
        self.path_mtus = PathMtu(1500)
        self._own = own
        self.asked = 0  # for the way

    def way(self, remote: bytes, _now: float) -> tuple[bytes, bytes]:
        self.asked += 1
        return LINK, remote

    def is_own(self, address: bytes) -> bool:
        return address == self._own


def made(ways: Any, service: tuple[int, int] = (0, TTL)) -> Output:
    """Return an output that has sent on the path once, and so knows its way."""
    output = Output(ways, Counters())
    output.set_service(KEY, *service)
    output.emit(KEY, [transmission_of(answer(b"first"))], NOW)
    return output


def answer(payload: bytes) -> Answer:
    return 0xFFFFFFF0, 5, 0xFFFF, 0xFFFFFFFF, 7, payload, 1448


class Answering:
    """As much of a `Connection`: it has one answer to send, or nothing."""

    key = KEY

    def __init__(self, payload: bytes) -> None:
        self._payload = payload

    def answer(self, _now: float, _ticks: int) -> Answer | None:
        return answer(self._payload) if self._payload else None


def sent(output: Any, payload: bytes, now: float = NOW) -> list[Any]:
    """Return what leaves as an answer with such a payload: `bytes` if it takes the short way."""
    output._ip.interface.sent.clear()
    assert output.send_answers([Answering(payload)], now) == []
    frames: list[Any] = output._ip.interface.sent
    return frames


@pytest.mark.parametrize("payload", [b"x", b"answer" * 20, bytes(1448)])
@pytest.mark.parametrize("service", [(0, TTL), (0xB8, 1)])
def test_both_ways_make_the_same_frame(payload: bytes, service: tuple[int, int]) -> None:
    output = made(Ways(HEADER), service)
    path = output._paths[KEY]
    for length in (len(payload), 3, len(payload)):
        (expected,) = to_frames(path, LINK, transmission_of(answer(payload[:length])), COMPLETES)
        assert sent(output, payload[:length]) == [HEADER + b"".join(expected.buffers)]


def test_a_way_that_may_have_changed_is_looked_up_first() -> None:
    ways = Ways(HEADER)
    output = made(ways)
    asked = ways.asked
    for now, times in ((NOW, 0), (NOW + LINK_LIFE, 1), (NOW + LINK_LIFE, 1)):
        sent(output, b"x", now)
        assert ways.asked == asked + times


def test_there_is_no_short_way_to_oneself_nor_through_a_card_that_completes_nothing() -> None:
    for ways in (Ways(HEADER, own=KEY[:4]), Ways(None)):
        (frame,) = sent(made(ways), b"x")
        assert not isinstance(frame, bytes)


def test_who_has_no_answer_is_returned() -> None:
    output: Any = made(Ways(HEADER))
    silent = Answering(b"")
    assert output.send_answers([silent], NOW) == [silent]


def test_a_neighbor_with_another_address_is_sent_to_there() -> None:
    ways = Ways(HEADER)
    output = made(ways)
    (before,) = sent(output, b"x")
    moved = bytes(6) + LINK[6:]
    sent(output, b"xy")
    sent(output, b"x")
    ways.way = lambda remote, _now: (moved, remote)  # type: ignore[method-assign]
    output.emit(OTHER_KEY, [transmission_of(answer(b"first"))], NOW + LINK_LIFE)  # who notices is somebody else
    assert sent(output, b"x", NOW + LINK_LIFE) == [before.replace(LINK, moved)]


@pytest.mark.parametrize("options", [b"", bytes(12)])
@pytest.mark.parametrize(("flags", "payload"), [(SYN | ACK, b""), (FIN | ACK, b""), (FIN | ACK | PSH, b"last words")])
def test_a_small_segment_of_any_kind_takes_the_short_way(flags: int, payload: bytes, options: bytes) -> None:
    output: Any = made(Ways(HEADER), (0xB8, 1))
    buffers = (payload[:1], memoryview(payload)[1:]) if payload else ()
    segment = Transmission(0xFFFFFFF0, 5, flags, 0xFFFF, options, buffers, len(payload), 1448)
    output._ip.interface.sent.clear()
    output.emit(KEY, [segment], NOW)
    (expected,) = to_frames(output._paths[KEY], LINK, segment, COMPLETES)
    assert output._ip.interface.sent == [HEADER + b"".join(expected.buffers)]


def test_a_large_segment_is_not_copied() -> None:
    output: Any = made(Ways(HEADER))
    output._ip.interface.sent.clear()
    payload = bytes(3000)
    output.emit(KEY, [Transmission(1, 5, ACK, 0xFFFF, b"", (payload,), 3000, 8960)], NOW)
    (frame,) = output._ip.interface.sent
    assert frame.buffers[1] is payload
