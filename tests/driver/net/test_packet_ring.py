"""The rings of a packet socket, over plain memory, with the test in the kernel's place."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator

import pytest

from fata.driver.net.packet_ring import (
    AVAILABLE,
    COPIED,
    FITS,
    KERNELS,
    OURS,
    RECEIVE_SLOTS,
    REFUSED,
    SEND_SLOTS,
    SLOT,
    SLOT_HEADER,
    TO_SEND,
    UNDER_WAY,
    ReceiveRing,
    SendRing,
)

SLOT_FIELDS = struct.Struct("=IIIH")
MAC = 76  # octets before a frame in its slot, as the kernel has it
VNET = b"virtio net"  # a header of ten octets


class Kernel:
    """The other side of a ring."""

    def __init__(self, slots: int) -> None:
        self.memory = mmap.mmap(-1, slots * SLOT)
        self.slots = slots
        self.at = 0

    def status(self, number: int) -> int:
        return int.from_bytes(self.memory[number * SLOT : number * SLOT + 4], "little")

    def set_status(self, number: int, status: int) -> None:
        self.memory[number * SLOT : number * SLOT + 4] = status.to_bytes(4, "little")

    def deliver(self, frame: bytes, *, length: int | None = None, status: int = OURS) -> None:
        slot = self.at * SLOT
        self.memory[slot + MAC - 10 : slot + MAC + len(frame)] = VNET + frame
        SLOT_FIELDS.pack_into(self.memory, slot, status, length or len(frame), len(frame), MAC)
        self.at = (self.at + 1) % self.slots

    def fetch(self) -> bytes:
        """Take what is to be sent from the next slot, and free it."""
        assert self.status(self.at) == TO_SEND
        slot = self.at * SLOT
        _status, length, _captured, _mac = SLOT_FIELDS.unpack_from(self.memory, slot)
        self.set_status(self.at, AVAILABLE)
        self.at = (self.at + 1) % self.slots
        return self.memory[slot + SLOT_HEADER : slot + SLOT_HEADER + length]


@pytest.fixture
def queued() -> list[bytes]:
    """What is too large for a slot."""
    return []


@pytest.fixture
def arriving() -> Kernel:
    return Kernel(RECEIVE_SLOTS)


@pytest.fixture
def receiving(arriving: Kernel, queued: list[bytes]) -> Iterator[ReceiveRing]:
    made = ReceiveRing(arriving.memory, lambda: queued.pop(0))
    yield made
    made.close()


@pytest.fixture
def leaving() -> Kernel:
    return Kernel(SEND_SLOTS)


@pytest.fixture
def sending(leaving: Kernel) -> Iterator[SendRing]:
    made = SendRing(leaving.memory)
    yield made
    made.close()


def frame(number: int) -> bytes:
    return VNET + number.to_bytes(4) * 20


def test_frames_come_in_order_round_and_round(arriving: Kernel, receiving: ReceiveRing) -> None:
    came = []
    for number in range(RECEIVE_SLOTS + 10):
        arriving.deliver(number.to_bytes(60))
        came += receiving.take(64)
    assert came == [VNET + number.to_bytes(60) for number in range(RECEIVE_SLOTS + 10)]
    assert receiving.take(64) == []


def test_a_list_is_bounded_and_slots_are_given_back(arriving: Kernel, receiving: ReceiveRing) -> None:
    for number in range(100):
        arriving.deliver(number.to_bytes(60))
    assert len(receiving.take(64)) == 64
    assert [arriving.status(number) for number in range(100)] == [KERNELS] * 64 + [OURS] * 36
    assert len(receiving.take(64)) == 36


def test_large_frames_come_from_the_queue_in_their_place(
    arriving: Kernel, receiving: ReceiveRing, queued: list[bytes]
) -> None:
    arriving.deliver(b"first")
    arriving.deliver(b"begins", length=60000, status=OURS | COPIED)
    arriving.deliver(b"last")
    queued.append(b"whole")
    assert receiving.take(64) == [VNET + b"first", b"whole", VNET + b"last"]


def test_a_frame_that_was_cut_is_none(arriving: Kernel, receiving: ReceiveRing) -> None:
    arriving.deliver(b"begins", length=60000)
    assert receiving.take(64) == [b""]


def test_frames_leave_in_order_round_and_round(leaving: Kernel, sending: SendRing) -> None:
    for number in range(SEND_SLOTS + 10):
        assert sending.put([frame(number), frame(number + 1)], 1) == 1
        sent = leaving.fetch()
        assert sent[:2] + sent[4:] == frame(number + 1)[:2] + frame(number + 1)[4:]
        assert int.from_bytes(sent[2:4], "little") == len(sent) - 10, "all of it is header"


def test_no_more_than_there_is_room_for(leaving: Kernel, sending: SendRing) -> None:
    frames = [frame(number) for number in range(SEND_SLOTS + 5)]
    assert sending.put(frames, 0) == SEND_SLOTS
    assert sending.put(frames, SEND_SLOTS) == 0
    leaving.set_status(0, UNDER_WAY)
    assert sending.put(frames, SEND_SLOTS) == 0
    leaving.set_status(0, AVAILABLE)
    assert sending.put(frames, SEND_SLOTS) == 1


@pytest.mark.parametrize("large", [bytes(FITS + 1), (VNET, b"in several pieces")])
def test_a_frame_for_no_slot_ends_the_list(sending: SendRing, large: bytes | tuple[bytes, bytes]) -> None:
    assert sending.put([frame(1), large, frame(2)], 0) == 1
    assert sending.put([frame(1), large, frame(2)], 1) == 0


@pytest.mark.parametrize("status", [TO_SEND, REFUSED])
def test_what_the_kernel_does_not_take_is_withdrawn(leaving: Kernel, sending: SendRing, status: int) -> None:
    assert not sending.waits()
    sending.put([frame(number) for number in range(5)], 0)
    leaving.fetch()
    leaving.fetch()
    leaving.set_status(2, status)
    assert sending.waits()
    assert sending.withdraw() == 3
    assert not sending.waits()
    sending.put([frame(7)], 0)
    assert leaving.fetch()[10:] == frame(7)[10:]


def test_what_is_under_way_does_not_wait(leaving: Kernel, sending: SendRing) -> None:
    sending.put([frame(1)], 0)
    leaving.set_status(0, UNDER_WAY)
    assert not sending.waits()
    assert sending.withdraw() == 0
