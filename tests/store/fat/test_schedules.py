"""The file system under every cancellation and interleaving, on a disk that makes it wait at every call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

import pytest

from fata.device.kv import KvError, NotFound
from fata.disk.fat.plan import Wish
from fata.driver.block.ramdisk import RamDisk
from fata.errors import DeviceError
from fata.runtime.drive import drive
from fata.sim.interleave import Outcome, explore
from fata.sim.suspending import SuspendingBlock
from fata.store.fat.check import check
from fata.store.fat.file_system import FileSystem
from fata.store.fat.gate import Gate
from fata.store.fat.mount import format_volume, mount
from tests.store.fat.power_cuts import Tree, tree_of

pytestmark = pytest.mark.slow

START: Tree = {"d": None, "d/v": b"old" * 200, "d/w": b"w" * 700, "e": b""}


class World(NamedTuple):
    """A volume, and the disk beneath the one that suspends."""

    disk: RamDisk
    files: FileSystem


async def filled(disk: RamDisk) -> RamDisk:
    """Make a volume with START on it."""
    await format_volume(disk, Wish(root_entries=16))
    files = await mount(disk)
    for path, content in START.items():
        await (files.mkdir(path) if content is None else files.store(path, content))
    await files.close()
    return disk


async def build(sync: bool = False) -> World:
    """Mount such a volume on a disk that suspends; nothing of it is in memory yet."""
    disk = await filled(RamDisk(48))
    return World(disk, await mount(SuspendingBlock(disk), sync="op" if sync else "flush"))


def changed(*without: str, **changes: bytes | None) -> Tree:
    """Return START with changes; "__" in a name is "/"."""
    tree = {path: content for path, content in START.items() if path not in without}
    return tree | {name.replace("__", "/"): content for name, content in changes.items()}


Call = Callable[[FileSystem], Coroutine[Any, Any, object]]
CHANGES: dict[str, tuple[Call, Tree]] = {
    "create": (lambda files: files.store("d/new", b"n" * 900), changed(d__new=b"n" * 900)),
    "replace": (lambda files: files.store("d/v", b"v" * 1200), changed(d__v=b"v" * 1200)),
    "nested": (lambda files: files.store("x/y/z", b"z", parents=True), changed(x=None, x__y=None, x__y__z=b"z")),
    "append": (lambda files: files.append("d/v", b"more" * 200), changed(d__v=b"old" * 200 + b"more" * 200)),
    "patch": (lambda files: files.patch("d/v", 590, b"+" * 30), changed(d__v=(b"old" * 200)[:590] + b"+" * 30)),
    "truncate": (lambda files: files.truncate("d/w", 100), changed(d__w=b"w" * 100)),
    "mkdir": (lambda files: files.mkdir("f"), changed(f=None)),
    "remove": (lambda files: files.remove("d/v"), changed("d/v")),
    "rename": (lambda files: files.rename("d/v", "u"), changed("d/v", u=b"old" * 200)),
    "rename over": (lambda files: files.rename("d/v", "d/w"), changed("d/v", d__w=b"old" * 200)),
    "rename empty": (lambda files: files.rename("e", "d/e"), changed("e", d__e=b"")),
    "move directory": (
        lambda files: files.rename("d", "g/h", parents=True),
        {"g": None, "g/h": None, "g/h/v": b"old" * 200, "g/h/w": b"w" * 700, "e": b""},
    ),
    "remove tree": (lambda files: files.remove_tree("d"), {"e": b""}),
    "flush": (lambda files: files.flush(), START),
}


async def check_sound(world: World) -> Tree:
    """Return what is there; it must stay so, nothing may be wrong with the disk, and the volume must be usable."""
    await world.files.store("usable", b"1")
    await world.files.remove("usable")
    tree = await tree_of(world.files)
    await world.files.close()
    assert [str(fault) for fault in await check(world.disk)] == []
    assert await tree_of(await mount(world.disk)) == tree
    return tree


@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize("name", CHANGES)
def test_a_cancelled_change_happens_whole_or_not_at_all(name: str, sync: bool) -> None:
    call, after = CHANGES[name]

    async def judge(world: World, outcomes: Sequence[Outcome]) -> None:
        tree = await check_sound(world)
        assert tree == after or (outcomes[0].cancelled and tree == START)

    explore(lambda: build(sync), [lambda world: call(world.files)], judge, cancellations=1)


@pytest.mark.parametrize("names", [*combinations_with_replacement(sorted(CHANGES), 2)], ids=" and ".join)
def test_two_changes_at_once_follow_one_another(names: tuple[str, str]) -> None:
    """Also if one is cancelled: then it has happened, or it has not."""

    def possible() -> list[Tree]:
        trees = []
        for order in ([], [0], [1], [0, 1], [1, 0]):
            files = drive(mount(drive(filled(RamDisk(48)))))
            for number in order:
                try:
                    drive(CHANGES[names[number]][0](files))
                except KvError:
                    pass
            trees.append(drive(tree_of(files)))
        return trees

    nothing, first, second, *both = possible()

    async def judge(world: World, outcomes: Sequence[Outcome]) -> None:
        cancelled = [outcome.cancelled for outcome in outcomes]
        allowed = [*both]
        allowed += [second] if cancelled[0] else []
        allowed += [first] if cancelled[1] else []
        allowed += [nothing] if all(cancelled) else []
        assert await check_sound(world) in allowed

    tasks: list[Callable[[World], Coroutine[Any, Any, object]]] = [
        lambda world, call=CHANGES[name][0]: call(world.files)  # type: ignore[misc]
        for name in names
    ]
    explore(build, tasks, judge, cancellations=1, cancellable=[0], expect=(KvError,))


def test_a_reader_sees_the_old_or_the_new_content() -> None:
    async def read(world: World) -> bytes | None:
        try:
            return await world.files.read("d/v")
        except NotFound:
            return None

    for name in ("replace", "append", "patch", "remove", "rename", "remove tree"):
        call, after = CHANGES[name]

        async def judge(world: World, outcomes: Sequence[Outcome], after: Tree = after) -> None:
            assert outcomes[1].value in (START["d/v"], after.get("d/v"))
            await check_sound(world)

        tasks: list[Callable[[World], Coroutine[Any, Any, object]]] = [
            lambda world, call=call: call(world.files),  # type: ignore[misc]
            read,
        ]
        explore(build, tasks, judge)


class Failing(RamDisk):
    """A disk whose n-th call fails, once."""

    def __init__(self, sectors: int) -> None:
        super().__init__(sectors)
        self.left = -1

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise DeviceError("the disk has failed")

    async def read(self, sector: int, count: int) -> bytes:
        self._count()
        return await super().read(sector, count)

    async def write(self, sector: int, data: Any) -> None:
        self._count()
        await super().write(sector, data)

    async def flush(self) -> None:
        self._count()
        await super().flush()


@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize("name", CHANGES)
def test_a_disk_that_fails_once_at_any_call_loses_nothing(name: str, sync: bool) -> None:
    call, after = CHANGES[name]
    for number in range(1, 200):
        disk = Failing(48)
        drive(filled(disk))
        files = drive(mount(disk, sync="op" if sync else "flush"))
        disk.left = number
        failed = False
        for work in (call, FileSystem.flush):
            try:
                drive(work(files))
            except DeviceError:
                failed = True
        disk.left = -1
        tree = drive(tree_of(files))
        assert tree == after or (failed and tree == START)
        drive(files.close())
        faults = [fault for fault in drive(check(disk)) if fault.fault.name != "FAILED"]
        assert faults == []
        assert drive(tree_of(drive(mount(disk)))) == tree
        if not failed:
            return
    raise AssertionError("it never came to its end")


def test_whoever_waits_at_the_gate_is_admitted_in_order() -> None:
    async def run() -> list[str]:
        gate, order = Gate(), list[str]()

        async def use(name: str, alone: bool) -> None:
            await (gate.enter_alone() if alone else gate.enter_shared())
            order.append(f"{name} in")
            await asyncio.sleep(0)
            order.append(f"{name} out")
            (gate.leave_alone if alone else gate.leave_shared)()

        tasks = [asyncio.ensure_future(use(name, name.isupper())) for name in ("a", "b", "C", "d", "E", "f")]
        await asyncio.sleep(0)
        tasks[3].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await gate.enter_alone()
        gate.leave_alone()
        return order

    assert asyncio.run(run()) == [
        "a in", "b in", "a out", "b out", "C in", "C out", "E in", "E out", "f in", "f out",
    ]  # fmt: skip
