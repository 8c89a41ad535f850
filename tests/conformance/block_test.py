"""The contract of Block, run over every driver; each as it is, and made to suspend at every operation."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fata.device.block import Block
from fata.driver.block.cache import CachedBlock
from fata.driver.block.encrypted import EncryptedBlock
from fata.driver.block.faults import FaultyBlock
from fata.driver.block.file import open_file_block
from fata.driver.block.memory_image import MemoryImage
from fata.driver.block.partition import PartitionBlock
from fata.driver.block.ramdisk import RamDisk
from fata.driver.block.read_only import ReadOnlyBlock
from fata.driver.block.statistics import CountingBlock
from fata.errors import StateError
from fata.sim.powercut import Recorder
from fata.sim.powercut.image import CrashDisk
from fata.sim.pytest_plugin import Drive
from fata.sim.suspending import SuspendingBlock
from tests.driver.virtio.open_block import open_virtio_block

pytestmark = pytest.mark.virtual_time

SECTORS = 16

Open = Callable[[Path, int, int, bool], Coroutine[Any, Any, Block]]


async def _ramdisk(_folder: Path, sectors: int, sector_size: int, read_only: bool) -> Block:
    return RamDisk(sectors, sector_size, read_only)


async def _file(folder: Path, sectors: int, sector_size: int, read_only: bool) -> Block:
    image = folder / "disk.img"
    image.write_bytes(bytes(sectors * sector_size))
    return await open_file_block(str(image), sector_size, read_only)


async def _torn(_folder: Path, sectors: int, sector_size: int, read_only: bool) -> Block:
    return SuspendingBlock(RamDisk(sectors, sector_size, read_only), tear=True)


async def _suspending_file(folder: Path, sectors: int, sector_size: int, read_only: bool) -> Block:
    return SuspendingBlock(await _file(folder, sectors, sector_size, read_only))


async def _virtio(_folder: Path, sectors: int, sector_size: int, read_only: bool) -> Block:
    return open_virtio_block(sectors, sector_size=sector_size, read_only=read_only).disk


async def _partition(_folder: Path, sectors: int, sector_size: int, read_only: bool) -> Block:
    return PartitionBlock(RamDisk(sectors + 5, sector_size, read_only), 3, sectors)


async def _counting(_folder: Path, sectors: int, sector_size: int, read_only: bool) -> Block:
    return CountingBlock(RamDisk(sectors, sector_size, read_only))


async def _encrypted(_folder: Path, sectors: int, sector_size: int, read_only: bool) -> Block:
    plain = RamDisk(sectors, sector_size)
    await EncryptedBlock(plain, bytes(range(64))).write(0, bytes(sectors * sector_size))
    return EncryptedBlock(ReadOnlyBlock(plain) if read_only else plain, bytes(range(64)))


async def _faulty(_folder: Path, sectors: int, sector_size: int, read_only: bool) -> Block:
    return FaultyBlock(RamDisk(sectors, sector_size, read_only))


async def _recorder(_folder: Path, sectors: int, sector_size: int, read_only: bool) -> Block:
    return Recorder(RamDisk(sectors, sector_size, read_only))


async def _crashed(_folder: Path, sectors: int, sector_size: int, read_only: bool) -> Block:
    disk = CrashDisk(sectors, sector_size, {}, {})
    return ReadOnlyBlock(disk) if read_only else disk


async def _image(_folder: Path, sectors: int, sector_size: int, read_only: bool) -> Block:
    if not read_only:
        return RamDisk(sectors, sector_size)  # an image can only be read
    return MemoryImage(bytes(max(sectors * sector_size - 3, 0)), sector_size)


def _cached(capacity: int) -> Open:
    async def open_it(_folder: Path, sectors: int, sector_size: int, read_only: bool) -> Block:
        return CachedBlock(RamDisk(sectors, sector_size, read_only), capacity)

    return open_it


async def _suspending_cached(_folder: Path, sectors: int, sector_size: int, read_only: bool) -> Block:
    return CachedBlock(SuspendingBlock(RamDisk(sectors, sector_size, read_only), tear=True), 5)


IMPLEMENTATIONS = {
    "partition": _partition,
    "counting": _counting,
    "encrypted": _encrypted,
    "faulty": _faulty,
    "recorder": _recorder,
    "crashed": _crashed,
    "image": _image,
    "cached": _cached(4096),
    "small cache": _cached(4),
    "cache that suspends": _suspending_cached,
    "ramdisk": _ramdisk,
    "file": _file,
    "suspending, torn": _torn,
    "suspending file": _suspending_file,
    "virtio": _virtio,
}


@pytest.fixture(params=IMPLEMENTATIONS)
def open_disk(request: pytest.FixtureRequest, tmp_path: Path, drive: Drive[Any]) -> Iterator[Callable[..., Block]]:
    """Return a function that opens a disk of zeros."""
    opened: list[Block] = []

    def open_it(sectors: int = SECTORS, sector_size: int = 512, read_only: bool = False) -> Block:
        implementation: Open = IMPLEMENTATIONS[request.param]
        opened.append(drive(implementation(tmp_path, sectors, sector_size, read_only)))
        return opened[-1]

    yield open_it
    for disk in opened:
        drive(disk.close())


@pytest.fixture
def disk(open_disk: Callable[..., Block]) -> Block:
    """A writable disk of `SECTORS` sectors."""
    return open_disk()


@pytest.mark.parametrize("sector_size", [512, 1024, 2048, 4096])
def test_a_disk_tells_its_shape(open_disk: Callable[..., Block], sector_size: int) -> None:
    disk = open_disk(3, sector_size)
    assert (disk.sectors, disk.sector_size, disk.read_only) == (3, sector_size, False)


def test_a_disk_may_have_no_sectors(open_disk: Callable[..., Block], drive: Drive[bytes]) -> None:
    assert drive(open_disk(0).read(0, 0)) == b""


async def test_a_write_changes_its_sectors_and_no_others(disk: Block) -> None:
    new = bytes(range(256)) * 4
    await disk.write(3, new)
    assert await disk.read(0, SECTORS) == bytes(3 * 512) + new + bytes((SECTORS - 5) * 512)


@pytest.mark.parametrize(
    "shape",
    [
        bytes,
        bytearray,
        memoryview,
        lambda octets: memoryview(octets).cast("I"),
        lambda octets: memoryview(octets[::-1])[::-1],
    ],
    ids=["bytes", "bytearray", "memoryview", "view of integers", "view backwards"],
)
async def test_any_buffer_can_be_written(disk: Block, shape: Callable[[bytes], Any]) -> None:
    octets = bytes(range(256)) * 2
    await disk.write(1, shape(octets))
    assert await disk.read(1, 1) == octets


async def test_buffers_are_not_shared(disk: Block) -> None:
    mine = bytearray(b"a" * 512)
    await disk.write(0, mine)
    mine[:] = b"b" * 512
    before = await disk.read(0, 1)
    await disk.write(0, bytes(512))
    assert before == b"a" * 512


async def test_nothing_can_be_read_and_written_anywhere_on_the_disk(disk: Block) -> None:
    for sector in (0, 5, SECTORS):
        assert await disk.read(sector, 0) == b""
        await disk.write(sector, b"")
        await disk.discard(sector, 0)


@pytest.mark.parametrize(
    ("sector", "count"), [(-1, 1), (0, -1), (SECTORS, 1), (SECTORS - 1, 2), (1 << 70, 1), (3, 1 << 70)]
)
async def test_sectors_outside_the_disk_are_refused(disk: Block, sector: int, count: int) -> None:
    with pytest.raises(StateError):
        await disk.read(sector, count)
    with pytest.raises(StateError):
        await disk.discard(sector, count)
    if 0 <= count < SECTORS:
        with pytest.raises(StateError):
            await disk.write(sector, b"x" * 512 * count)
    assert await disk.read(0, SECTORS) == bytes(SECTORS * 512)


@pytest.mark.parametrize("octets", [1, 511, 513])
async def test_parts_of_sectors_are_refused(disk: Block, octets: int) -> None:
    with pytest.raises(StateError):
        await disk.write(0, b"x" * octets)
    assert await disk.read(0, 2) == bytes(1024)


def test_a_read_only_disk_refuses_changes(open_disk: Callable[..., Block], drive: Drive[Any]) -> None:
    disk = open_disk(read_only=True)
    assert disk.read_only
    for change in (disk.write(0, b"x" * 512), disk.write(0, b""), disk.discard(0, 1)):
        with pytest.raises(StateError):
            drive(change)
    drive(disk.flush())
    assert drive(disk.read(0, 1)) == bytes(512)


async def test_discarded_sectors_hold_the_old_octets_or_zeros(disk: Block) -> None:
    await disk.write(0, b"a" * 512 * SECTORS)
    await disk.discard(4, 8)
    assert await disk.read(0, 4) == b"a" * 2048
    assert await disk.read(12, 4) == b"a" * 2048
    for sector in range(4, 12):
        assert await disk.read(sector, 1) in (b"a" * 512, bytes(512))
    await disk.write(5, b"b" * 512)
    assert await disk.read(5, 1) == b"b" * 512


async def test_a_flush_keeps_what_was_written(disk: Block) -> None:
    await disk.write(2, b"c" * 512)
    await disk.flush()
    await disk.flush()
    assert await disk.read(2, 1) == b"c" * 512


async def test_a_closed_disk_refuses_everything_but_another_close(disk: Block) -> None:
    await disk.close()
    await disk.close()
    for operation in (disk.read(0, 1), disk.write(0, bytes(512)), disk.flush(), disk.discard(0, 1)):
        with pytest.raises(StateError):
            await operation


operations = st.one_of(
    st.tuples(st.just("write"), st.integers(0, SECTORS), st.integers(0, SECTORS)),
    st.tuples(st.just("read"), st.integers(0, SECTORS), st.integers(0, SECTORS)),
    st.tuples(st.just("discard"), st.integers(0, SECTORS), st.integers(0, SECTORS)),
    st.tuples(st.just("flush"), st.just(0), st.just(0)),
)


@pytest.mark.parametrize("name", IMPLEMENTATIONS)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(operations, max_size=20))
def test_a_disk_is_an_array_of_sectors(
    name: str, tmp_path: Path, drive: Drive[Any], steps: list[tuple[str, int, int]]
) -> None:
    implementation: Open = IMPLEMENTATIONS[name]
    disk = drive(implementation(tmp_path, SECTORS, 512, False))
    drive(compare_with_an_array(disk, steps))
    drive(disk.close())


async def compare_with_an_array(disk: Block, steps: list[tuple[str, int, int]]) -> None:
    """Do the steps on a disk of zeros, and the same on an array."""
    model = bytearray(SECTORS * 512)
    for number, (name, sector, count) in enumerate(steps):
        count = min(count, SECTORS - sector)
        span = slice(sector * 512, (sector + count) * 512)
        match name:
            case "write":
                model[span] = bytes([number + 1]) * 512 * count
                await disk.write(sector, model[span])
            case "discard":
                await disk.discard(sector, count)
                now = await disk.read(sector, count)
                assert all(octet in (0, old) for octet, old in zip(now, model[span], strict=True))
                model[span] = now
            case "flush":
                await disk.flush()
        assert await disk.read(sector, count) == model[span]
    assert await disk.read(0, SECTORS) == model
