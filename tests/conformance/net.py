"""What every Net promises (`fata.device.net`). A driver's test subclasses these and brings `rig`.

Far is the other end of the wire: a raw socket, another port of a switch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import pytest

from fata.device.net import Buffer, Checksum, Net, ReceivedFrame, Segmentation, SentFrame
from fata.device.poller import Poller
from fata.errors import StateError

EXPERIMENT = b"\x88\xb5"  # IEEE 802: an EtherType for local experiments
FAR_MAC = bytes.fromhex("020000000fa0")
PATIENCE = 200  # waits of at most 10 ms each for what is on its way


class Far(Protocol):
    """The other end of the wire."""

    def transmit(self, frame: bytes) -> None:
        """Put a frame on the wire towards the device."""

    def collect(self) -> list[bytes]:
        """Take what has come from the device, as it was on the wire."""


class Rig(NamedTuple):
    """A device under test."""

    net: Net
    far: Far
    poller: Poller


def frame_of(rig: Rig, number: int, size: int = 60, *, inwards: bool = False) -> bytes:
    """Return a frame with a number, `size` octets long."""
    addresses = rig.net.mac + FAR_MAC if inwards else FAR_MAC + rig.net.mac
    head = addresses + EXPERIMENT + number.to_bytes(4)
    return head + bytes(index & 0xFF for index in range(size - len(head)))


def number_of(frame: bytes) -> int:
    return int.from_bytes(frame[14:18])


class NetContract:
    """Frames in and out."""

    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        raise NotImplementedError

    def wait(self, rig: Rig, until: Callable[[], object]) -> None:
        """Wait with the poller until something is the case."""
        for _ in range(PATIENCE):
            if until():
                return
            rig.poller.wait(rig.poller.monotonic() + 0.01)
        raise AssertionError("nothing came of it")

    def collect(self, rig: Rig, count: int) -> list[bytes]:
        """Wait for `count` frames at the far end."""
        came: list[bytes] = []

        def enough() -> bool:
            came.extend(rig.far.collect())
            return len(came) >= count

        self.wait(rig, enough)
        return came

    def receive(self, rig: Rig, count: int) -> list[bytes]:
        """Wait for `count` frames at the device."""
        came: list[bytes] = []

        def enough() -> bool:
            came.extend(frame.data for frame in rig.net.receive())
            return len(came) >= count

        self.wait(rig, enough)
        return came

    def send_all(self, rig: Rig, frames: list[SentFrame]) -> None:
        """Send as a stack does: keep what was not accepted until there is room."""
        room: list[int] = []
        rig.net.watch(lambda: None, lambda: room.append(1))
        while frames:
            accepted = rig.net.send(frames)
            assert 0 <= accepted <= len(frames)
            frames = frames[accepted:]
            if frames:
                self.wait(rig, lambda: room)
                room.clear()

    def test_it_says_what_it_is(self, rig: Rig) -> None:
        assert len(rig.net.mac) == 6
        assert not rig.net.mac[0] & 1
        assert rig.net.mtu >= 576

    def test_a_frame_arrives_as_immutable_octets(self, rig: Rig) -> None:
        sent = frame_of(rig, 1, inwards=True)
        rig.far.transmit(sent)
        (received,) = self.receive(rig, 1)
        assert type(received) is bytes
        assert received == sent

    def test_what_was_received_stays_as_it_is(self, rig: Rig) -> None:
        rig.far.transmit(frame_of(rig, 1, 1000, inwards=True))
        (first,) = self.receive(rig, 1)
        rig.far.transmit(frame_of(rig, 2, 1000, inwards=True))
        self.receive(rig, 1)
        assert first == frame_of(rig, 1, 1000, inwards=True)

    def test_nothing_received_is_an_empty_list(self, rig: Rig) -> None:
        assert rig.net.receive() == []

    @pytest.mark.parametrize("size", [60, 61, 999, 1514])
    def test_a_frame_leaves_as_it_is(self, rig: Rig, size: int) -> None:
        sent = frame_of(rig, 1, size)
        assert rig.net.send([SentFrame([sent])]) == 1
        assert self.collect(rig, 1) == [sent]

    def test_buffers_leave_as_one_frame(self, rig: Rig) -> None:
        sent = frame_of(rig, 1, 700)
        view = memoryview(sent)
        buffers: list[Buffer] = [sent[:20], bytearray(sent[20:30]), view[30:30], view[30:333], view[333:]]
        assert rig.net.send([SentFrame(buffers)]) == 1
        assert self.collect(rig, 1) == [sent]

    def test_frames_leave_in_order(self, rig: Rig) -> None:
        self.send_all(rig, [SentFrame([frame_of(rig, number, 200)]) for number in range(150)])
        assert [number_of(frame) for frame in self.collect(rig, 150)] == list(range(150))

    def test_frames_arrive_in_order_and_in_bounded_lists(self, rig: Rig) -> None:
        for number in range(200):
            rig.far.transmit(frame_of(rig, number, inwards=True))
        came: list[int] = []

        def all_there() -> bool:
            frames = rig.net.receive()
            assert len(frames) <= 64
            came.extend(number_of(frame.data) for frame in frames)
            return len(came) == 200

        self.wait(rig, all_there)
        assert came == list(range(200))

    def test_its_owner_is_called_when_frames_arrive(self, rig: Rig) -> None:
        calls: list[int] = []
        rig.net.watch(lambda: calls.append(len(rig.net.receive())), lambda: None)
        rig.poller.wait(rig.poller.monotonic())
        assert not calls
        rig.far.transmit(frame_of(rig, 1, inwards=True))
        self.wait(rig, lambda: sum(calls))
        assert sum(calls) == 1
        count = len(calls)
        rig.poller.wait(rig.poller.monotonic())
        assert len(calls) == count, "he is called though everything is received"

    def test_its_owner_is_called_for_what_was_there_before_he_watched(self, rig: Rig) -> None:
        rig.far.transmit(frame_of(rig, 1, inwards=True))
        calls: list[int] = []
        rig.net.watch(lambda: calls.append(len(rig.net.receive())), lambda: None)
        self.wait(rig, lambda: sum(calls))
        assert sum(calls) == 1

    def test_its_owner_is_called_until_nothing_is_left(self, rig: Rig) -> None:
        calls: list[int] = []
        rig.net.watch(lambda: calls.append(len(rig.net.receive())), lambda: None)
        for number in range(150):
            rig.far.transmit(frame_of(rig, number, inwards=True))
        self.wait(rig, lambda: sum(calls) == 150)

    def test_another_owner_takes_over(self, rig: Rig) -> None:
        calls: list[int] = []
        rig.net.watch(lambda: pytest.fail("the first owner is called"), lambda: None)
        rig.net.watch(lambda: calls.append(len(rig.net.receive())), lambda: None)
        rig.far.transmit(frame_of(rig, 1, inwards=True))
        self.wait(rig, lambda: sum(calls))
        assert sum(calls) == 1

    def test_a_frame_too_large_or_too_small_is_a_mistake(self, rig: Rig) -> None:
        for size in (13, rig.net.mtu + 15):
            with pytest.raises(StateError):
                rig.net.send([SentFrame([frame_of(rig, 1, rig.net.mtu + 100)[:size]])])
        assert rig.net.send([SentFrame([frame_of(rig, 2, rig.net.mtu + 14)])]) == 1
        assert [number_of(frame) for frame in self.collect(rig, 1)] == [2]

    def test_what_it_does_not_offload_is_a_mistake_to_ask_for(self, rig: Rig) -> None:
        frame = SentFrame([frame_of(rig, 1, 100)], 34, 16)
        if not rig.net.capabilities.send_checksum:
            with pytest.raises(StateError):
                rig.net.send([frame])
        for kind in {Segmentation.TCP4, Segmentation.TCP6} - rig.net.capabilities.send_segmentation:
            with pytest.raises(StateError):
                rig.net.send([frame._replace(segmentation=kind, segment_size=10, header_length=54)])

    def test_without_offloads_frames_come_plain(self, rig: Rig) -> None:
        rig.far.transmit(frame_of(rig, 1, inwards=True))
        received: list[ReceivedFrame] = []

        def look() -> list[ReceivedFrame]:
            received.extend(rig.net.receive())
            return received

        self.wait(rig, look)
        (frame,) = received
        if not rig.net.capabilities.receive_checksum:
            assert frame == (frame_of(rig, 1, inwards=True), Checksum.UNKNOWN, Segmentation.NONE, 0)

    def test_it_closes_twice_and_is_closed_then(self, rig: Rig) -> None:
        rig.net.watch(lambda: None, lambda: None)
        asyncio.run(self.close_twice(rig.net))
        with pytest.raises(StateError):
            rig.net.receive()
        with pytest.raises(StateError):
            rig.net.send([SentFrame([frame_of(rig, 1)])])
        with pytest.raises(StateError):
            rig.net.watch(lambda: None, lambda: None)
        assert rig.poller.wait(rig.poller.monotonic()) == 0

    @staticmethod
    async def close_twice(net: Net) -> None:
        await net.close()
        await net.close()

    def test_closed_it_calls_nobody(self, rig: Rig) -> None:
        calls: list[int] = []
        rig.net.watch(lambda: calls.append(1), lambda: calls.append(2))
        rig.far.transmit(frame_of(rig, 1, inwards=True))
        asyncio.run(rig.net.close())
        rig.poller.wait(rig.poller.monotonic())
        assert not calls
