"""Every state that a cut of the power may leave keeps the promise of docs/design/fat.md, and each bug breaks it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from typing import Any
from unittest.mock import patch

import pytest

from fata.disk.fat import entry as entry_format
from fata.disk.fat.errors import NotFat
from fata.driver.block.ramdisk import RamDisk
from fata.runtime.drive import drive
from fata.sim.powercut import Recorder, Violation, campaign, check, record_over
from fata.store.fat import examine, naming, volume, writeout, writing
from fata.store.fat.directory import Directory
from fata.store.fat.log import Log
from fata.store.fat.medium import Medium
from fata.store.fat.mount import format_volume, mount
from fata.store.fat.table import Table
from tests.store.fat.power_cuts import SHAPES, Tree, judge, recover, workload

pytestmark = pytest.mark.slow

STATES = int(os.environ.get("FATA_POWER_CUTS", "104000"))  # distinct ones, of all shapes together
SHARES = {"FAT12": 0.42, "FAT12, clusters of two sectors": 0.32, "FAT16": 0.01, "FAT32": 0.25}
SEED = int(os.environ.get("FATA_FUZZ_SEED", "0"))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_promise_holds_in_every_state(shape: str, capsys: pytest.CaptureFixture[str]) -> None:
    report = campaign(workload(shape), recover, judge, states=int(STATES * SHARES[shape]), seed=SEED)
    with capsys.disabled():
        print(f"\n{shape}: {report}")


@pytest.mark.parametrize("shape", ["FAT12", "FAT32"])
def test_formatting_leaves_the_old_volume_none_or_the_new_one(shape: str) -> None:
    wish, sectors = SHAPES[shape]
    ram = RamDisk(sectors)
    drive(format_volume(ram, wish))
    files = drive(mount(ram))
    drive(files.store("old/file", b"old" * 300, parents=True))
    drive(files.close())
    disk = drive(record_over(ram))
    drive(format_volume(disk, wish))

    async def look(crashed: Recorder) -> Tree | None:
        try:
            return await recover(crashed)
        except NotFat:
            return None

    def allowed(seen: Tree | None, _: object) -> None:
        assert seen in (None, {}, {"old": None, "old/file": b"old" * 300})

    assert check(disk.record, look, allowed).states > 2


# --- the bugs


async def _nothing(*_: object, **__: object) -> None:
    pass


def no_barrier_before_entries() -> AbstractContextManager[object]:
    """The FAT and the data may come later than the entries that name them."""

    async def settle(volume: Any) -> None:
        volume.table.dirty.clear()
        volume.fresh_data = volume.overwritten = False

    return patch.object(writeout, "_settle", settle)


def no_barriers_between_entries() -> AbstractContextManager[object]:
    """Entries of different sectors come in any order."""

    async def write_log(volume: Any) -> None:
        while volume.log.patches:
            sector, octets, count = volume.log.group()
            await volume.medium.write(sector * volume.medium.unit, octets)
            volume.log.written(sector, octets, count)
        await volume.medium.barrier()

    return patch.object(writeout, "_write_log", write_log)


def no_last_barrier() -> AbstractContextManager[object]:
    """`flush` returns before the last entries are durable."""

    async def write_log(volume: Any) -> None:
        while volume.log.patches:
            sector, octets, count = volume.log.group()
            await volume.medium.write(sector * volume.medium.unit, octets)
            volume.log.written(sector, octets, count)
            if volume.log.patches:
                await volume.medium.barrier()

    return patch.object(writeout, "_write_log", write_log)


def one_copy_forgotten() -> AbstractContextManager[object]:
    """Only the first FAT is written."""
    write = Medium.write

    async def forgetful(medium: Medium, offset: int, data: Any) -> None:
        if not 2 * 512 <= offset < 3 * 512:  # the second FAT of the shape that is used
            await write(medium, offset, data)

    return patch.object(Medium, "write", forgetful)


def freed_at_once() -> AbstractContextManager[object]:
    """Clusters are used again while the disk still names them."""

    def give_up(table: Table, runs: Any, cut: int | None = None) -> None:
        runs = list(runs)
        for first, length in runs:
            for cluster in range(first, first + length):
                table.put(cluster, 0)
        table.release(runs)
        if cut is not None:
            table.cuts.add(cut)

    return patch.object(Table, "give_up", give_up)


def never_marked() -> AbstractContextManager[object]:
    """Nobody learns that the volume was in use, so that nobody repairs it."""

    async def mark(volume: Any) -> None:
        volume.marked = True

    return patch.object(writeout, "mark", mark)


def short_name_first() -> AbstractContextManager[object]:
    """An entry is there before its long name is."""
    write = Directory._write

    def backwards(directory: Directory, log: Log, slot: int, octets: bytes) -> None:
        size = entry_format.SIZE
        for at in range(len(octets) - size, -1, -size):
            write(directory, log, slot + at // size, octets[at : at + size])

    return patch.object(Directory, "_write", backwards)


def old_name_first() -> AbstractContextManager[object]:
    """A rename deletes the old entry before it writes the new one."""
    move = naming._move

    async def hasty(volume: Any, key: str, old: Directory, node: Any, inner: Any, new: Any, names: Any) -> None:
        old.remove(volume.log, node)
        with patch.object(Directory, "remove", lambda *_: None):
            await move(volume, key, old, node, inner, new, names)

    return patch.object(naming, "_move", hasty)


def both_names_kept() -> AbstractContextManager[object]:
    """Repair does not see that two entries are one file under two names."""
    return patch.object(examine.Examiner, "_is_new", lambda *_: True)


def newer_name_removed() -> AbstractContextManager[object]:
    """Repair takes the newer entry for the older one: a file that the rename replaced is lost."""
    return patch.object(examine, "is_later", lambda one, other: (other - one) % 3 == 1)


def overwritten_early() -> AbstractContextManager[object]:
    """Octets of a file are overwritten before what came earlier is durable."""

    async def write(volume: Any, key: str, directory: Any, node: Any, offset: int, data: bytes) -> None:
        with patch.object(writing, "write_out", _nothing):
            await real(volume, key, directory, node, offset, data)

    real = writing.write
    return patch.object(writing, "write", write)


def shortened_and_extended() -> AbstractContextManager[object]:
    """A file that was shortened is extended over what the disk still has of it."""
    moments = count()
    return patch.object(volume.Volume, "epoch", property(lambda _: next(moments), lambda *_: None), create=True)


def linked_before_written() -> AbstractContextManager[object]:
    """A directory leads to its new part before that is there."""

    @contextmanager
    def eager() -> Iterator[None]:
        image = Table.image
        with (
            patch.object(Table, "image", lambda table, unit, hiding: image(table, unit, hiding=False)),
            no_barrier_before_entries(),
        ):
            yield

    return eager()


BUGS: list[Callable[[], AbstractContextManager[object]]] = [
    no_barrier_before_entries,
    no_barriers_between_entries,
    no_last_barrier,
    one_copy_forgotten,
    freed_at_once,
    never_marked,
    short_name_first,
    old_name_first,
    both_names_kept,
    newer_name_removed,
    overwritten_early,
    shortened_and_extended,
    linked_before_written,
]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_seeded_bug_is_caught(bug: Callable[[], AbstractContextManager[object]]) -> None:
    with bug(), pytest.raises(Violation):
        campaign(workload("FAT12"), recover, judge, states=15_000, seed=1)
