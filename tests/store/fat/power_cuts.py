"""Random work on small volumes, what a cut of the power may leave of it, and what repair makes of that."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import NamedTuple

from fata.device.kv import KvError
from fata.disk.fat.layout import Layout
from fata.disk.fat.plan import Wish
from fata.driver.block.ramdisk import RamDisk
from fata.driver.clock.virtual import VirtualClock
from fata.runtime.drive import drive
from fata.sim.powercut import Record, Recorder, record_over
from fata.store.fat.check import check
from fata.store.fat.file_system import FileSystem
from fata.store.fat.mount import format_volume, mount

SECTOR = 512


class Octets(bytes):
    """A file's content, which shows itself in short."""

    def __repr__(self) -> str:
        return f"<{len(self)} × {self[:2].hex()}>"


Tree = dict[str, bytes | None]  # a directory is None

NAMES = [
    "a",
    "B.TXT",
    "a name of its own",
    "x" * 60,
    "y" * 100,
    "Ω and more than thirteen" * 2,
    "z" * 140,
    "LAST",
    "c.c",
]


class Step(NamedTuple):
    """An operation: the tree before and after it. `overwritten` is the file of which it writes over octets, if any."""

    before: Tree
    after: Tree
    overwritten: str | None = None


class Promise(NamedTuple):
    """What a cut may leave: the tree at the last flush, or after any of the steps since."""

    flushed: Tree
    steps: tuple[Step, ...] = ()


def judge(seen: Tree, promise: Promise) -> None:
    """Compare what is there with what was promised."""
    if seen == promise.flushed:
        return
    for step in promise.steps:
        if seen == step.after or (step.overwritten is not None and is_mixture(seen, step)):
            return
    raise AssertionError(f"neither flushed nor after any of {len(promise.steps)} steps: {seen}")


def is_mixture(seen: Tree, step: Step) -> bool:
    """Say whether a file's sectors are old or new, each by itself, and all else is as before."""
    name = step.overwritten
    assert name is not None
    old, new, found = step.before[name], step.after[name], seen.get(name)
    if old is None or new is None or found is None or len(found) != len(old):
        return False
    if {key: value for key, value in seen.items() if key != name} != {
        key: value for key, value in step.before.items() if key != name
    }:
        return False
    starts = range(0, len(old), SECTOR)
    return all(found[at : at + SECTOR] in (old[at : at + SECTOR], new[: len(old)][at : at + SECTOR]) for at in starts)


async def tree_of(files: FileSystem, path: str = "") -> Tree:
    """Return all that is on a volume."""
    found: Tree = {}
    for entry in await files.list(path):
        child = f"{path}/{entry.name}" if path else entry.name
        if entry.kind.value == "value":
            found[child] = Octets(await files.read(child))
        else:
            found[child] = None
            found |= await tree_of(files, child)
    return found


async def recover(disk: Recorder) -> Tree:
    """Mount what a cut has left; nothing may be wrong with it afterwards."""
    files = await mount(disk)
    tree = await tree_of(files)
    faults = await check(disk)
    assert not faults, [str(fault) for fault in faults]
    return tree


def place(shape: Layout, sector: int, _count: int) -> str:
    """Name what a write is of; "" for clusters, where the operation says more."""
    offset = sector * SECTOR
    if offset < shape.fat_offset:
        return "boot sector"
    return "FAT" if offset < shape.root_offset else "root" if offset < shape.data_offset else ""


class Work:
    """Random operations on a volume and on a dict beside it, with the promise told to the recorder."""

    def __init__(self, rng: Random, wish: Wish, sectors: int, *, sync: bool = False) -> None:
        self.rng = rng
        ram = RamDisk(sectors)
        drive(format_volume(ram, wish))
        shape = drive(mount(ram, read_only=True)).volume.layout
        self.disk = drive(record_over(ram, classify=partial(place, shape)))
        self.clock = VirtualClock(wall=1_700_000_000.0)
        self.files = drive(mount(self.disk, clock=self.clock, sync="op" if sync else "flush"))
        self.sync = sync
        self.tree: Tree = {}
        self.promise = Promise({})
        self.disk.promise(self.promise)

    def run(self, operations: int) -> Record:
        """Work, and return what has happened to the disk."""
        for _ in range(operations):
            self.clock.advance(self.rng.random() * 4)
            self.rng.choice(OPERATIONS)(self)
        if self.rng.random() < 0.5:
            self.disk.moment("close")
            drive(self.files.close())
            self._settle()
        return self.disk.record

    def _settle(self) -> None:
        self.promise = Promise(dict(self.tree))
        self.disk.promise(self.promise)

    def _do(self, label: str, after: Tree, call: Callable[[], object], overwritten: str | None = None) -> None:
        """Take a step that is to lead to `after`; a refusal leads nowhere."""
        before, steps = self.tree, self.promise.steps
        after = {key: None if value is None else Octets(value) for key, value in after.items()}
        self.disk.moment(label)
        self.promise = self.promise._replace(steps=(*steps, Step(before, after, overwritten)))
        self.disk.promise(self.promise)
        try:
            call()
            self.tree = after
        except KvError:
            self.promise = self.promise._replace(steps=steps)
            self.disk.promise(self.promise)
        if self.sync:
            self._settle()

    # --- choices

    def content(self) -> bytes:
        """Return a file's content, which no other has."""
        size = self.rng.choice((0, 1, 100, 511, 512, 513, 1500, 3000))
        return (self.rng.randbytes(4) * (size // 4 + 1))[:size]

    def folder(self) -> str:
        """Return a directory, with a slash behind it."""
        return self.rng.choice(["", *(f"{key}/" for key, value in self.tree.items() if value is None)])

    def new_name(self) -> str | None:
        """Return a name that is free."""
        name = self.folder() + self.rng.choice(NAMES)
        return name if name.upper() not in map(str.upper, self.tree) else None

    def some(self, *, folder: bool) -> str | None:
        """Return something that is there."""
        there = [key for key, value in self.tree.items() if (value is None) == folder]
        return self.rng.choice(there) if there else None

    # --- operations

    def store(self) -> None:
        """Make a file, or give one new content."""
        name = self.some(folder=False) if self.rng.random() < 0.3 else self.new_name()
        if name is not None:
            data = self.content()
            self._do("store", {**self.tree, name: data}, lambda: drive(self.files.store(name, data)))

    def mkdir(self) -> None:
        """Make a directory, now and then with one inside."""
        name = self.new_name()
        if name is not None and self.rng.random() < 0.3:
            self._do(
                "mkdir -p",
                {**self.tree, name: None, f"{name}/within": None},
                lambda: drive(self.files.mkdir(f"{name}/within", parents=True)),
            )
        elif name is not None:
            self._do("mkdir", {**self.tree, name: None}, lambda: drive(self.files.mkdir(name)))

    def append(self) -> None:
        """Write at a file's end."""
        name = self.some(folder=False)
        if name is not None:
            data = self.content()
            after = {**self.tree, name: (self.tree[name] or b"") + data}
            self._do("append", after, lambda: drive(self.files.append(name, data)))

    def write(self) -> None:
        """Write into a file, or with a gap behind it."""
        name = self.some(folder=False)
        if name is not None:
            old, data = self.tree[name] or b"", self.content()
            offset = self.rng.choice((0, len(old) // 2, len(old), len(old) + 700))
            new = (old.ljust(offset, b"\0")[:offset] + data + old[offset + len(data) :]) if data else old
            inside = name if data and offset < len(old) else None
            self._do("write", {**self.tree, name: new}, lambda: drive(self.files.write(name, offset, data)), inside)

    def truncate(self) -> None:
        """Cut a file, or let it grow."""
        name = self.some(folder=False)
        if name is not None:
            old = self.tree[name] or b""
            size = self.rng.choice((0, len(old) // 2, max(len(old) - 1, 0), len(old) + 600))
            after = {**self.tree, name: old[:size].ljust(size, b"\0")}
            self._do("truncate", after, lambda: drive(self.files.truncate(name, size)))

    def remove(self) -> None:
        """Remove a file, or a directory with all that is in it."""
        name = self.some(folder=self.rng.random() < 0.3)
        if name is not None:
            after = {key: value for key, value in self.tree.items() if key != name and not key.startswith(f"{name}/")}
            self._do("remove", after, lambda: drive(self.files.remove_tree(name)))

    def rename(self) -> None:
        """Move a file or a directory, now and then over a file."""
        name = self.some(folder=self.rng.random() < 0.4)
        new = self.some(folder=False) if self.rng.random() < 0.3 else self.new_name()
        if name is None or new is None or new == name or new.startswith(f"{name}/"):
            return
        after = {key: value for key, value in self.tree.items() if key not in (name, new)}
        for key in [key for key in self.tree if key == name or key.startswith(f"{name}/")]:
            after.pop(key, None)
            after[new + key[len(name) :]] = self.tree[key]
        self._do("rename", after, lambda: drive(self.files.rename(name, new)))

    def move_to_new_folder(self) -> None:
        """Move something into a directory that is made on the way. (An empty file needs two steps for that.)"""
        name, folder = self.some(folder=self.rng.random() < 0.4), self.new_name()
        if name is None or folder is None or folder.startswith(f"{name}/") or self.tree[name] == b"":
            return
        after = {key: value for key, value in self.tree.items() if key != name and not key.startswith(f"{name}/")}
        after[folder] = None
        for key in [key for key in self.tree if key == name or key.startswith(f"{name}/")]:
            after[f"{folder}/inside{key[len(name) :]}"] = self.tree[key]
        self._do("rename -p", after, lambda: drive(self.files.rename(name, f"{folder}/inside", parents=True)))

    def label(self) -> None:
        """Change the label; only that nothing is wrong afterwards is judged."""
        label = self.rng.choice(("", "ONE", "TWO"))
        self._do("label", self.tree, lambda: drive(self.files.set_label(label)))

    def change_case(self) -> None:
        """Rename something to itself in another case."""
        name = self.some(folder=False)
        if name is not None:
            folder, _, last = name.rpartition("/")
            new = f"{folder}/{last.swapcase()}" if folder else last.swapcase()
            after = {new if key == name else key: value for key, value in self.tree.items()}
            if len({key.upper() for key in after}) == len(after) and new != name:
                self._do("rename", after, lambda: drive(self.files.rename(name, new)))

    def flush(self) -> None:
        """Make it all durable."""
        self.disk.moment("flush")
        drive(self.files.flush())
        self._settle()


OPERATIONS: list[Callable[[Work], None]] = [
    Work.store, Work.store, Work.store, Work.mkdir, Work.append, Work.write, Work.truncate, Work.remove, Work.rename,
    Work.rename, Work.change_case, Work.move_to_new_folder, Work.label, Work.flush,
]  # fmt: skip

SHAPES: dict[str, tuple[Wish, int]] = {
    "FAT12": (Wish(12, root_entries=32), 80),
    "FAT12, clusters of two sectors": (Wish(12, cluster_size=1024, root_entries=16), 90),
    "FAT16": (Wish(16, root_entries=16), 4200),
    "FAT32": (Wish(32, undersized=True), 120),
}


def workload(shape: str, *, operations: int = 14) -> Callable[[Random], Record]:
    """Return what records random work on a volume of a shape."""
    wish, sectors = SHAPES[shape]

    def record(rng: Random) -> Record:
        return Work(rng, wish, sectors, sync=rng.random() < 0.2).run(operations)

    return record
