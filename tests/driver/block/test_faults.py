"""The disk that fails as planned, and the simplest disks over disks."""

from __future__ import annotations

import pytest

from fata.driver.block.faults import Fault, FaultyBlock
from fata.driver.block.partition import PartitionBlock
from fata.driver.block.ramdisk import RamDisk
from fata.driver.block.read_only import ReadOnlyBlock
from fata.driver.block.statistics import BlockCounters, CountingBlock
from fata.errors import DeviceError, StateError, Unavailable

pytestmark = pytest.mark.virtual_time

RED = b"r" * 512


async def test_the_call_with_the_number_fails_and_no_other() -> None:
    disk = FaultyBlock(RamDisk(8), {2: Fault.ERROR, 4: Fault.ERROR, 6: Fault.ERROR})
    await disk.write(0, RED)
    with pytest.raises(DeviceError, match="call 2, write"):
        await disk.write(1, RED)
    assert await disk.read(0, 2) == RED + bytes(512)
    with pytest.raises(DeviceError, match="call 4, read"):
        await disk.read(0, 2)
    await disk.flush()
    with pytest.raises(DeviceError, match="call 6, flush"):
        await disk.flush()
    assert disk.calls == 6


async def test_mistakes_of_the_caller_do_not_count() -> None:
    disk = FaultyBlock(RamDisk(8), {1: Fault.ERROR})
    with pytest.raises(StateError):
        await disk.read(8, 1)
    assert disk.calls == 0


async def test_a_torn_write_arrives_in_half() -> None:
    disk = FaultyBlock(RamDisk(8), {1: Fault.TORN})
    with pytest.raises(DeviceError, match="torn"):
        await disk.write(0, RED * 4)
    assert await disk.read(0, 4) == RED * 2 + bytes(1024)


async def test_lies_are_not_told() -> None:
    inner = RamDisk(8)
    disk = FaultyBlock(inner, {1: Fault.LOST, 2: Fault.MISDIRECTED, 3: Fault.CORRUPT, 4: Fault.LOST})
    await disk.write(0, RED)
    await disk.write(2, RED)
    await disk.write(5, RED)
    await disk.flush()
    assert await inner.read(0, 8) == bytes(8 * 512)
    assert await disk.read(0, 5) == bytes(3 * 512) + RED + bytes(512)
    spoiled = int.from_bytes(await disk.read(5, 1)) ^ int.from_bytes(RED)
    assert spoiled.bit_count() == 1


async def test_a_function_may_choose() -> None:
    disk = FaultyBlock(RamDisk(8), lambda _number, name: Fault.ERROR if name == "flush" else None)
    await disk.write(0, RED)
    with pytest.raises(DeviceError):
        await disk.flush()


async def test_a_power_cut_keeps_what_was_flushed_and_some_of_the_rest() -> None:
    kept: set[int] = set()
    for seed in range(20):
        disk = FaultyBlock(RamDisk(8), seed=seed)
        await disk.write(0, RED)
        await disk.flush()
        await disk.write(2, RED * 4)
        await disk.cut()
        for call in (disk.read(0, 1), disk.write(0, RED), disk.flush(), disk.discard(0, 1)):
            with pytest.raises(DeviceError, match="no power"):
                await call
        disk.power_on()
        assert await disk.read(0, 1) == RED
        kept.add((await disk.read(2, 4)).count(RED))
    assert len(kept) > 2


async def test_a_cut_can_be_planned() -> None:
    disk = FaultyBlock(RamDisk(8), {2: Fault.CUT})
    await disk.write(0, RED)
    with pytest.raises(DeviceError, match="no power"):
        await disk.flush()


async def test_counters_count() -> None:
    disk = CountingBlock(RamDisk(8))
    await disk.write(0, RED * 2)
    await disk.read(0, 3)
    await disk.discard(1, 1)
    await disk.flush()
    with pytest.raises(StateError):
        await disk.read(7, 2)
    assert disk.counters == BlockCounters(1, 1, 1, 1, 1536, 1024, 512, 1)
    assert str(disk.counters).startswith("1 reads of 1,536 octets, 1 writes of 1,024 octets, 1 flushes, 1 discards")


async def test_partitions_do_not_reach_each_other() -> None:
    disk = RamDisk(10)
    first, second = PartitionBlock(disk, 1, 4), PartitionBlock(disk, 5, 4)
    await first.write(0, RED * 4)
    assert await disk.read(0, 10) == bytes(512) + RED * 4 + bytes(5 * 512)
    await first.close()
    assert await second.read(0, 4) == bytes(4 * 512)
    for beginning, sectors in ((-1, 2), (5, 6), (11, 0)):
        with pytest.raises(Unavailable, match="does not fit"):
            PartitionBlock(disk, beginning, sectors)


async def test_a_read_only_view_leaves_the_disk_writable() -> None:
    disk = RamDisk(2)
    view = ReadOnlyBlock(disk)
    await disk.write(0, RED)
    assert await view.read(0, 1) == RED
    with pytest.raises(StateError, match="read-only"):
        await view.write(0, RED)
