"""Block under every cancellation and interleaving: sectors hold the old or the new, and the disk goes on working."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest

from fata.device.block import Block, Buffer
from fata.driver.block.cache import CachedBlock
from fata.driver.block.encrypted import EncryptedBlock
from fata.driver.block.faults import FaultyBlock
from fata.driver.block.file import open_file_block
from fata.driver.block.partition import PartitionBlock
from fata.driver.block.ramdisk import RamDisk
from fata.errors import StateError
from fata.sim.exploring_loop import pause
from fata.sim.interleave import Explored, Outcome, explore
from fata.sim.powercut import Recorder
from fata.sim.suspending import SuspendingBlock

pytestmark = pytest.mark.slow  # in all, some seconds

OLD, RED, BLUE = (letter * 512 for letter in (b"o", b"r", b"b"))
SECTORS = 3

Build = Callable[[], Coroutine[Any, Any, Block]]


async def _read(disk: Block) -> list[bytes]:
    octets = await disk.read(0, SECTORS)
    return [octets[at : at + 512] for at in range(0, len(octets), 512)]


async def _check_usable(disk: Block) -> None:
    """Whatever happened before, the disk takes a write, flushes and reads it back."""
    await disk.write(0, b"u" * 512 * SECTORS)
    await disk.flush()
    assert await _read(disk) == [b"u" * 512] * SECTORS
    await disk.close()


def explore_a_cancelled_write(build: Build) -> Explored:
    """Cancel a write of three sectors anywhere."""

    async def check(disk: Block, outcomes: Sequence[Outcome]) -> None:
        after = await _read(disk)
        assert all(sector in (OLD, RED) for sector in after), "a sector is torn"
        assert outcomes[0].cancelled or after == [RED] * SECTORS, "a write has returned and is not there"
        await _check_usable(disk)

    return explore(build, [lambda disk: disk.write(0, RED * SECTORS)], check, cancellations=1)


def explore_two_writes(build: Build) -> Explored:
    """Two writes overlap in the middle sector; either may be cancelled."""

    async def check(disk: Block, outcomes: Sequence[Outcome]) -> None:
        first, middle, last = await _read(disk)
        assert first in (OLD, RED)
        assert middle in (OLD, RED, BLUE), "a sector is torn"
        assert last in (OLD, BLUE)
        if not any(outcome.cancelled for outcome in outcomes):
            assert (first, last) == (RED, BLUE), "a write has returned and is not there"
            assert middle != OLD
        await _check_usable(disk)

    tasks: list[Callable[[Block], Coroutine[Any, Any, object]]] = [
        lambda disk: disk.write(0, RED * 2),
        lambda disk: disk.write(1, BLUE * 2),
    ]
    return explore(build, tasks, check, cancellations=1)


def explore_a_reader(build: Build) -> Explored:
    """A reader beside a writer and a discard."""

    async def check(disk: Block, outcomes: Sequence[Outcome]) -> None:
        seen = outcomes[0].value
        if isinstance(seen, bytes):
            assert seen[:512] in (OLD, RED), "a sector is torn"
            assert seen[512:1024] == OLD, "a sector has changed that nobody wrote"
            assert seen[1024:] in (OLD, bytes(512))
        await _check_usable(disk)

    tasks: list[Callable[[Block], Coroutine[Any, Any, object]]] = [
        lambda disk: disk.read(0, SECTORS),
        lambda disk: disk.write(0, RED),
        lambda disk: disk.discard(2, 1),
    ]
    return explore(build, tasks, check, cancellations=1)


def explore_a_flush(build: Build) -> Explored:
    """A flush beside a write; both may be cancelled."""

    async def check(disk: Block, outcomes: Sequence[Outcome]) -> None:
        assert (await _read(disk))[0] in (OLD, RED)
        await _check_usable(disk)

    tasks: list[Callable[[Block], Coroutine[Any, Any, object]]] = [
        lambda disk: disk.flush(),
        lambda disk: disk.write(0, RED),
    ]
    return explore(build, tasks, check, cancellations=2)


CHECKS = [explore_a_cancelled_write, explore_two_writes, explore_a_reader, explore_a_flush]


def _over(kind: str, disk: Block) -> Block:
    """Lay a driver over a disk that holds `OLD`."""
    match kind:
        case "partition":
            return PartitionBlock(disk, 0, SECTORS)
        case "cached":
            return CachedBlock(disk, 4)
        case "small cache":
            return CachedBlock(disk, 2)
        case "faulty":
            return FaultyBlock(disk)
        case "recorder":
            return Recorder(disk)
    raise StateError(kind)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("kind", ["partition", "cached", "small cache", "faulty", "recorder"])
def test_sectors_are_whole_over_a_disk_that_suspends(kind: str, check: Callable[[Build], Explored]) -> None:
    async def build() -> Block:
        disk = RamDisk(SECTORS)
        await disk.write(0, OLD * SECTORS)
        return _over(kind, SuspendingBlock(disk, tear=True))

    assert check(build).schedules


@pytest.mark.parametrize("check", CHECKS)
def test_ciphertext_is_whole_in_every_schedule(check: Callable[[Build], Explored]) -> None:
    async def build() -> Block:
        disk = RamDisk(SECTORS)
        key = bytes(range(64))
        await EncryptedBlock(disk, key).write(0, OLD * SECTORS)
        return EncryptedBlock(SuspendingBlock(disk, tear=True), key)

    assert check(build).schedules > 5


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("kind", ["ramdisk", "file"])
def test_sectors_are_whole_in_every_schedule(kind: str, check: Callable[[Build], Explored], tmp_path: Path) -> None:
    async def build() -> Block:
        image = tmp_path / "disk.img"
        image.write_bytes(OLD * SECTORS)
        if kind == "file":
            return SuspendingBlock(await open_file_block(str(image)), tear=True)
        disk = RamDisk(SECTORS)
        await disk.write(0, image.read_bytes())
        return SuspendingBlock(disk, tear=True)

    assert check(build).schedules > 5


class _Mutant(RamDisk):
    """A disk to be spoiled."""

    def __init__(self) -> None:
        super().__init__(SECTORS)
        self._octets[:] = OLD * SECTORS


class _TearsSectors(_Mutant):
    async def write(self, sector: int, data: Buffer) -> None:
        half = len(bytes(data)) // 2
        start = sector * 512
        self._octets[start : start + half - 1] = bytes(data)[: half - 1]
        await pause("half-way")
        await super().write(sector, data)


class _ForgetsWrites(_Mutant):
    async def write(self, sector: int, data: Buffer) -> None:
        before = bytes(self._octets)
        await pause("read")
        start = sector * 512
        self._octets[:] = before[:start] + bytes(data) + before[start + len(bytes(data)) :]


class _StaysBusy(_Mutant):
    _busy = False

    async def write(self, sector: int, data: Buffer) -> None:
        if self._busy:
            raise StateError("busy")
        self._busy = True
        await pause("transfer")
        await super().write(sector, data)
        self._busy = False  # not reached when the write is cancelled


class _WritesNeighbours(_Mutant):
    async def write(self, sector: int, data: Buffer) -> None:
        await pause("before")
        await super().write(sector, data)
        if sector + len(bytes(data)) // 512 < self.sectors:
            self._octets[(sector + 1) * 512] ^= 1
            await pause("between")
            self._octets[(sector + 1) * 512] ^= 1


@pytest.mark.parametrize(
    ("mutant", "check"),
    [
        (_TearsSectors, explore_a_cancelled_write),
        (_ForgetsWrites, explore_two_writes),
        (_StaysBusy, explore_a_flush),
        (_StaysBusy, explore_a_cancelled_write),
        (_WritesNeighbours, explore_a_reader),
    ],
)
def test_a_broken_disk_is_caught(mutant: type[_Mutant], check: Callable[[Build], Explored]) -> None:
    async def build() -> Block:
        return SuspendingBlock(mutant())

    with pytest.raises((AssertionError, StateError)):
        check(build)
