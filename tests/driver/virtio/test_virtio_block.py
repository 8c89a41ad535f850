"""virtio-blk over a disk in Python, which answers in any order."""

from __future__ import annotations

import asyncio

import pytest

from fata.driver.virtio import block
from fata.driver.virtio.session import EVENT_IDX
from fata.errors import DeviceError, StateError
from tests.driver.virtio.open_block import open_virtio_block

pytestmark = pytest.mark.virtual_time

BITS = [EVENT_IDX.bit_length() - 1, block.SIZE_MAX, block.BLK_SIZE, block.FLUSH, block.DISCARD]
RED, BLUE = b"r" * 512, b"b" * 512


async def test_requests_are_under_way_at_once() -> None:
    disk, device = open_virtio_block(64)
    await asyncio.gather(*(disk.write(sector, bytes([sector]) * 512) for sector in range(64)))
    assert device.most_under_way == block.SLOTS
    assert await disk.read(0, 64) == b"".join(bytes([sector]) * 512 for sector in range(64))


async def test_a_long_transfer_is_several_requests() -> None:
    disk, device = open_virtio_block(1024)
    octets = bytes(range(256)) * 2048
    await disk.write(0, octets)
    assert device.asked == [block.WRITE] * 8
    assert await disk.read(0, 1024) == octets


@pytest.mark.parametrize("bit", BITS)
async def test_it_works_without_each_feature(bit: int) -> None:
    disk, device = open_virtio_block(300, masked=1 << bit)
    await disk.write(7, RED * 200)
    await disk.flush()
    assert device.power_cut()[7 * 512 : 207 * 512] == RED * 200
    await disk.discard(8, 100)
    assert await disk.read(7, 1) + await disk.read(108, 99) == RED * 100
    assert (block.DISCARDING in device.asked) == (bit != block.DISCARD)


async def test_it_works_with_the_smallest_ring() -> None:
    disk, device = open_virtio_block(1024, limit=4)
    await asyncio.gather(*(disk.write(sector, RED) for sector in range(20)), disk.flush())
    assert await disk.read(0, 20) == RED * 20
    assert device.most_under_way == 1


async def test_what_was_flushed_survives_and_only_that_is_promised() -> None:
    disk, device = open_virtio_block(8)
    await disk.write(0, RED)
    assert device.power_cut()[:512] == bytes(512), "the model does not lose what was not flushed"
    await disk.flush()
    assert device.power_cut()[:512] == RED


@pytest.mark.parametrize(("status", "message"), [(1, "input or output error"), (2, "does not know"), (77, "status 77")])
async def test_a_failure_is_a_typed_error_and_the_disk_stays(status: int, message: str) -> None:
    disk, device = open_virtio_block(8)
    device.answers = status
    for operation in (disk.read(0, 1), disk.write(0, RED), disk.flush(), disk.discard(0, 1)):
        with pytest.raises(DeviceError, match=message):
            await operation
    device.answers = block.OK
    await disk.write(0, RED)
    assert await disk.read(0, 1) == RED


async def test_a_write_does_not_overtake_one_that_was_cancelled() -> None:
    for seed in range(20):
        disk, _ = open_virtio_block(8, seed=seed)
        first = asyncio.create_task(disk.write(0, RED))
        await asyncio.sleep(0)
        first.cancel()
        await disk.write(0, BLUE)
        await asyncio.sleep(1)
        assert await disk.read(0, 1) == BLUE


async def test_those_who_wait_for_a_slot_may_be_cancelled() -> None:
    disk, _ = open_virtio_block(64)
    tasks = [asyncio.create_task(disk.read(sector, 1)) for sector in range(40)]
    await asyncio.sleep(0)
    for task in tasks[::3]:
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(answer, bytes) for answer in answers] == [index % 3 > 0 for index in range(40)]


async def test_closing_ends_what_is_under_way() -> None:
    disk, _ = open_virtio_block(64)
    tasks = [asyncio.create_task(disk.read(sector, 1)) for sector in range(20)]
    await asyncio.sleep(0)
    await disk.close()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(answer) for answer in answers} == {DeviceError, StateError}


@pytest.mark.parametrize(
    ("place", "octets", "message"),
    [
        (20, (500).to_bytes(4, "little"), "sectors of 500 octets"),
        (8, (100).to_bytes(4, "little"), "pieces of 100 octets"),
        (0, b"\xff" * 8, "more than any disk"),
    ],
)
async def test_a_shape_that_cannot_be_is_told(place: int, octets: bytes, message: str) -> None:
    _, device = open_virtio_block(8)
    device.config[place : place + len(octets)] = octets
    with pytest.raises(DeviceError, match=message):
        open_virtio_block_over(device)


def open_virtio_block_over(device: object) -> object:
    """Open another driver over a model that was changed."""
    from fata.device.poller import Software
    from fata.driver.poller.virtual import VirtualPoller
    from fata.driver.virtio.mmio import Mmio
    from tests.driver.virtio.model_block import ModelBlock

    assert isinstance(device, ModelBlock)
    return block.VirtioBlock(Mmio("disk", device), device.memory, VirtualPoller(), Software("line"))
