"""The tar that grows: others read it, a power cut leaves what a flush has left, schedules and errors spoil nothing."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fata.device.block import Block
from fata.device.kv import Kind, KvError, KvRo, NoSpace, NotFound
from fata.driver.block.faults import Fault, FaultyBlock
from fata.driver.block.file import open_file_block
from fata.driver.block.ramdisk import RamDisk
from fata.driver.clock.virtual import VirtualClock
from fata.driver.kv.tar_pack import pack
from fata.errors import DeviceError, StateError
from fata.runtime.drive import drive
from fata.sim.interleave import Outcome, explore
from fata.sim.powercut import Record, Recorder, Violation, campaign
from fata.sim.suspending import SuspendingBlock
from fata.store.tar.appending import AppendingTarKv, open_appending_tar
from fata.store.tar.end import ArchiveEnd
from fata.store.tar.reading import open_tar

SECTOR_SIZES = [512, 4096]
STATES = int(os.environ.get("FATA_POWER_CUTS", "100000")) // 100  # for each sector size

Task = Callable[[tuple[AppendingTarKv, Block]], Coroutine[Any, Any, object]]


async def contents(store: KvRo, key: str = "") -> dict[str, bytes]:
    """Read every value beneath."""
    found: dict[str, bytes] = {}
    for name, kind in await store.list(key):
        child = f"{key}/{name}" if key else name
        found |= await contents(store, child) if kind is Kind.DICTIONARY else {child: await store.get(child)}
    return found


def fill(store: AppendingTarKv) -> None:
    drive(store.set("a", b"1"))
    drive(store.set("d/b", b"2" * 3000))
    drive(store.set("ü" * 70, b"3"))


@pytest.mark.parametrize("sector_size", SECTOR_SIZES)
def test_what_is_flushed_is_there_when_it_is_opened_again(sector_size: int) -> None:
    disk = RamDisk((1 << 18) // sector_size, sector_size)
    store = drive(open_appending_tar(disk))
    fill(store)
    drive(store.remove("a"))
    drive(store.rename("d", "e"))
    seen = drive(contents(store))
    assert seen == {"e/b": b"2" * 3000, "ü" * 70: b"3"}
    assert drive(contents(drive(open_tar(disk)))) == {}
    drive(store.flush())
    for _ in range(3):
        store = drive(open_appending_tar(disk))
        assert drive(contents(store)) == seen
        drive(store.set("e/b", b"again"))
        drive(store.flush())
        seen["e/b"] = b"again"


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("tar") is None, reason="needs tar")
@pytest.mark.parametrize("sector_size", SECTOR_SIZES)
def test_gnu_tar_unpacks_what_we_append(tmp_path: Path, sector_size: int) -> None:
    image = tmp_path / "disk.img"
    disk = drive(open_file_block(str(image), sector_size, create_sectors=400))
    clock = VirtualClock()
    store = drive(open_appending_tar(disk, clock))
    fill(store)
    drive(store.set("a", b"newer"))
    drive(store.flush())
    drive(disk.close())
    out = tmp_path / "out"
    out.mkdir()
    done = subprocess.run(["tar", "xvf", image, "-C", out], capture_output=True, text=True, timeout=30, check=True)
    assert done.stderr == ""
    assert {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()} == {
        "a": b"newer",
        "d/b": b"2" * 3000,
        "ü" * 70: b"3",
    }


def _tree(folder: Path) -> dict[str, bytes]:
    rng = Random(1)
    made = {"a": b"", "d/e/f": rng.randbytes(70_000), "ü/" + "x" * 120: b"long", "deep/" * 40 + "v": b"deep"}
    for key, value in made.items():
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(value)
    return made


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("tar") is None, reason="needs tar")
@pytest.mark.parametrize("kind", ["ustar", "gnu", "pax", "oldgnu", "v7"])
def test_we_read_what_gnu_tar_packs(tmp_path: Path, kind: str) -> None:
    (tmp_path / "in").mkdir()
    made = _tree(tmp_path / "in")
    if kind in ("ustar", "v7"):
        for key in [key for key in made if "x" * 120 in key or (kind == "v7" and "deep" in key)]:
            shutil.rmtree(tmp_path / "in" / key.partition("/")[0])
            del made[key]
    (tmp_path / "in" / "link").symlink_to("/etc/passwd")
    (tmp_path / "in" / "hard").hardlink_to(tmp_path / "in" / "d/e/f")
    archive = tmp_path / "x.tar"
    subprocess.run(["tar", f"--format={kind}", "-cf", archive, "-C", tmp_path / "in", "."], timeout=30, check=True)
    disk = drive(open_file_block(str(archive), read_only=True))
    store = drive(open_tar(disk))
    assert drive(contents(store)) == made | {"hard": made["d/e/f"]}
    assert [name for name, _ in store.skipped] == [b"./link"]
    drive(disk.close())


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("tar") is None, reason="needs tar")
def test_gnu_tar_unpacks_what_we_pack_and_appends_to_it(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    made = _tree(tmp_path / "in")
    archive, out = tmp_path / "x.tar", tmp_path / "out"
    pack(str(tmp_path / "in"), str(archive))
    first = archive.read_bytes()
    pack(str(tmp_path / "in"), str(archive))
    assert archive.read_bytes() == first
    out.mkdir()
    (tmp_path / "more").write_bytes(b"more")
    subprocess.run(["tar", "rf", archive, "-C", tmp_path, "more"], timeout=30, check=True)
    done = subprocess.run(["tar", "xf", archive, "-C", out], capture_output=True, text=True, timeout=30, check=True)
    assert done.stderr == ""
    unpacked = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert unpacked == made | {"more": b"more"}
    disk = drive(open_file_block(str(archive), read_only=True))
    assert drive(contents(drive(open_tar(disk)))) == unpacked
    drive(disk.close())


def test_python_reads_what_we_append() -> None:
    disk = RamDisk(200)
    store = drive(open_appending_tar(disk))
    fill(store)
    drive(store.flush())
    with tarfile.open(fileobj=io.BytesIO(drive(disk.read(0, 200)))) as archive:
        assert archive.getnames() == ["a", "d/b", "ü" * 70]


def test_full_is_said_before_anything_is_written() -> None:
    disk = RamDisk(16)
    store = drive(open_appending_tar(disk))
    drive(store.set("a", b"1" * 4096))
    changes: list[Callable[[], Coroutine[Any, Any, None]]] = [
        lambda: store.set("b", b"2" * 2600),
        lambda: store.allocate("b", 1 << 60),
        lambda: store.set_partial("a", 0, b"x"),
        lambda: store.rename("a", "b"),
    ]
    for change in changes:
        with pytest.raises(NoSpace):
            drive(change())
    drive(store.set("c", b"3" * 1024))
    drive(store.flush())
    assert drive(contents(drive(open_appending_tar(disk)))) == {"a": b"1" * 4096, "c": b"3" * 1024}


def test_keys_that_would_hide_others_are_refused() -> None:
    store = drive(open_appending_tar(RamDisk(16)))
    with pytest.raises(KvError, match=r"\.wh\."):
        drive(store.set("d/.wh.a", b""))
    with pytest.raises(KvError, match="too long"):
        drive(store.set("d/" * 3000 + "x", b""))
    with pytest.raises(StateError, match="read-only"):
        drive(open_appending_tar(RamDisk(16, read_only=True)))


def _workload(rng: Random, sector_size: int = 512) -> Record:
    """Make changes and flush; a promise is the set of stores that may be there, each a frozenset of items."""
    disk = Recorder(RamDisk(64 * 512 // sector_size, sector_size))

    async def work() -> None:
        store = await open_appending_tar(disk)
        now: dict[str, bytes] = {}
        disk.moment("append")
        disk.promise((frozenset(),))
        for _ in range(rng.randrange(3, 14)):
            key = rng.choice(["a", "b", "d/a", "d/b"])
            match rng.randrange(5):
                case 0:
                    await store.remove(key)
                case 1 if await store.exists(key):
                    await store.rename(key, rng.choice(["r/1", "r/2"]))
                case 2:
                    before = frozenset(now.items())
                    now = await contents(store)
                    disk.moment("flush")
                    disk.promise((before, frozenset(now.items())))
                    await store.flush()
                    disk.promise((frozenset(now.items()),))
                    disk.moment("append")
                case _:
                    try:
                        await store.set(key, rng.randbytes(rng.choice((0, 1, 512, 700, 1300))))
                    except NoSpace:
                        return

    drive(work())
    return disk.record


async def _recover(disk: Recorder) -> frozenset[tuple[str, bytes]]:
    store = await open_appending_tar(disk)
    seen = frozenset((await contents(store)).items())
    disk.stop()
    await store.set("z", b"usable")
    await store.flush()
    again = await contents(await open_appending_tar(disk))
    assert again.pop("z") == b"usable"
    assert frozenset(again.items()) == seen
    return seen


def _judge(seen: frozenset[tuple[str, bytes]], promise: Sequence[object]) -> None:
    assert seen in promise


@pytest.mark.parametrize("sector_size", SECTOR_SIZES)
def test_a_power_cut_leaves_what_a_flush_has_left(sector_size: int) -> None:
    report = campaign(lambda rng: _workload(rng, sector_size), _recover, _judge, states=STATES, limit=64)
    print(report)
    assert report.states >= STATES


async def _commit_without_flush(end: ArchiveEnd) -> None:
    await end._block.write(end.committed // end._block.sector_size, end._held)
    await end._block.flush()
    end.committed, end._held = end.next, end._tail


async def _commit_without_last_flush(end: ArchiveEnd) -> None:
    await end._block.flush()
    await end._block.write(end.committed // end._block.sector_size, end._held)
    end.committed, end._held = end.next, end._tail


@pytest.mark.parametrize("bug", [_commit_without_flush, _commit_without_last_flush])
def test_a_commit_that_flushes_wrongly_is_caught(bug: Callable[..., object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ArchiveEnd, "commit", bug)
    with pytest.raises(Violation):
        campaign(_workload, _recover, _judge, states=1000, limit=64)


@pytest.mark.parametrize("sector_size", SECTOR_SIZES)
@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.TORN])
def test_an_error_at_any_call_leaves_the_store_as_it_was(sector_size: int, fault: Fault) -> None:
    """After the error, what the store says is what it says when it is opened again."""
    for number in range(1, 40):
        disk = RamDisk(64 * 512 // sector_size, sector_size)
        faulty = FaultyBlock(disk, {number: fault})
        try:
            store = drive(open_appending_tar(faulty))
        except DeviceError:
            continue
        steps: list[Callable[[AppendingTarKv], Coroutine[Any, Any, None]]] = [
            lambda store: store.set("a", b"1" * 600), lambda store: store.flush(), lambda store: store.set("b", b"2"),
            lambda store: store.rename("a", "d/c"), lambda store: store.flush(), lambda store: store.remove("b"),
        ]  # fmt: skip
        failures = 0
        for step in steps:
            try:
                drive(step(store))
            except NotFound:
                pass
            except DeviceError:
                failures += 1
        assert failures <= 1
        faulty._fault = lambda _number, _name: None
        seen = drive(contents(store))
        drive(store.flush())
        assert drive(contents(drive(open_appending_tar(disk)))) == seen


World = tuple[AppendingTarKv, Block]
TASKS: dict[str, Task] = {
    "set": lambda world: world[0].set("a", b"new"),
    "rename": lambda world: world[0].rename("a", "r"),
    "flush": lambda world: world[0].flush(),
    "get": lambda world: world[0].get("a"),
}
ALLOWED = ((b"old" * 300, None), (None, b"old" * 300), (b"new", None), (None, b"new"))  # of a and r


def _world(sector_size: int) -> Callable[[], Coroutine[Any, Any, World]]:
    """Make a store with something flushed and something pending, then let its disk suspend."""

    async def build() -> World:
        disk = RamDisk(64 * 512 // sector_size, sector_size)
        store = await open_appending_tar(disk)
        await store.set("a", b"old" * 300)
        await store.flush()
        await store.set("d/x", b"pending")
        store._block = store._end._block = SuspendingBlock(disk, tear=True)
        return store, disk

    return build


async def _is_whole(world: World, outcomes: Sequence[Outcome]) -> None:
    store, disk = world
    seen = await contents(store)
    assert seen["d/x"] == b"pending"
    assert (seen.get("a"), seen.get("r")) in ALLOWED
    await store.set("u", b"usable")
    await store.flush()
    assert await contents(await open_appending_tar(disk)) == seen | {"u": b"usable"}


@pytest.mark.slow
@pytest.mark.parametrize("sector_size", SECTOR_SIZES)
def test_changes_are_whole_in_every_schedule_and_when_cancelled(sector_size: int) -> None:
    build = _world(sector_size)
    for name in TASKS:
        explore(build, [TASKS[name]], _is_whole, cancellations=1)
    explore(build, [TASKS["rename"], TASKS["flush"]], _is_whole, cancellations=1)
    assert explore(build, [TASKS["flush"], TASKS["get"]], _is_whole, cancellations=1).schedules > 20
    assert explore(build, [TASKS["rename"], TASKS["get"]], _is_whole, expect=(NotFound,)).schedules > 10
