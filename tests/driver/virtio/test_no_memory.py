"""Interrupts that there is no memory for: a frame is dropped and counted, a read fails, and the device goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fata.device.net import Segmentation
from fata.driver.net.switch import Port
from fata.driver.net.tap import OFFLOADS
from fata.driver.virtio.net import BURST, RING
from tests.conformance.net import Rig, frame_of
from tests.conformance.net_offload import large_frame, pattern
from tests.driver.virtio.open_block import open_virtio_block
from tests.driver.virtio.test_virtio_net import SOURCE_MAC, Bench, bench

FRAMES = 3 * RING  # each of the ring's buffers is used again
LARGE = 10_000  # octets, in three buffers


class Copying:
    """A part of memory that cannot be copied."""

    def __bytes__(self) -> bytes:
        raise MemoryError


class Scarce:
    """A device's memory, of which every so-many-th copy of more than a few octets fails."""

    def __init__(self, memory: memoryview, every: int) -> None:
        self._memory = memory
        self._every = every
        self._copies = 0

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice) and place.stop - place.start > 20:
            self._copies += 1
            if self._copies % self._every == 0:
                return Copying()
        return self._memory[place]


def received(made: Bench) -> list[bytes]:
    """Take all that there is, as a stack does: in lists of a burst."""
    taken: list[bytes] = []
    for _ in range(RING // BURST + 1):
        made.poller.wait(made.poller.monotonic())
        taken += [frame.data for frame in made.net.receive()]
    return taken


@pytest.mark.parametrize("every", [1, 7])
def test_a_frame_that_there_is_no_memory_for_is_dropped_and_counted(every: int) -> None:
    made = bench()
    whole = made.net._in
    made.net._in = Scarce(whole, every)  # type: ignore[assignment]  # it has the shape
    rig = Rig(made.net, made.far, made.poller)
    sent = [frame_of(rig, number, inwards=True) for number in range(FRAMES)]
    taken: list[bytes] = []
    for number, frame in enumerate(sent):
        made.far.transmit(frame)
        if number % 50 == 49:
            taken += received(made)
    taken += received(made)
    assert taken == [frame for number, frame in enumerate(sent, 1) if number % every]
    assert made.net.no_memory == FRAMES // every
    assert f"no memory for {FRAMES // every} frames" in made.net.report()
    made.net._in = whole
    made.far.transmit(sent[0])
    assert received(made) == [sent[0]]
    made.poller.close()


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_frame_in_several_buffers_is_dropped_whole(failing: int) -> None:
    made = bench()
    source: Port = made.switch.port(SOURCE_MAC, capabilities=OFFLOADS)
    large = large_frame(Segmentation.TCP4, pattern(LARGE), SOURCE_MAC, made.net.mac)
    whole = made.net._in
    scarce = Scarce(whole, 4)
    scarce._copies = 4 - failing
    for memory, count in ((scarce, 0), (whole, 2)):
        made.net._in = memory  # type: ignore[assignment]  # it has the shape
        source.send([large] if memory is scarce else [large, large])
        assert len(received(made)) == count
    assert made.net.no_memory == 1
    made.poller.close()


@pytest.mark.virtual_time
async def test_a_read_that_there_is_no_memory_for_is_its_readers_error() -> None:
    disk, _ = open_virtio_block(8)
    await disk.write(0, b"r" * 512)
    reading = asyncio.create_task(disk.read(0, 1))
    await asyncio.sleep(0)
    whole = disk._memory
    disk._memory = Scarce(whole, 1)  # type: ignore[assignment]  # it has the shape
    with pytest.raises(MemoryError):
        await reading
    disk._memory = whole
    assert await disk.read(0, 1) == b"r" * 512
