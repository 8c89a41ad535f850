"""Volumes that lie: nothing hangs, nothing but a typed error is raised, and nothing outside the volume is written."""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

import pytest

from fata.device.block import Buffer
from fata.device.kv import Kind, KvError
from fata.disk.fat.errors import FatError, NotFat
from fata.driver.block.ramdisk import RamDisk
from fata.runtime.drive import drive
from fata.store.fat.check import check
from fata.store.fat.file_system import FileSystem
from fata.store.fat.mount import mount
from fata.store.fat.repair import repair
from tests.store.fat import broken_boot_sectors, broken_structures
from tests.store.fat.broken_images import CONTENT, MUTATIONS, WISHES, Image

pytestmark = pytest.mark.slow

SECONDS, OCTETS = 2.0, 64 << 20
FUZZED = int(os.environ.get("FATA_FAT_FUZZ", "600"))  # images
SEED = int(os.environ.get("FATA_FUZZ_SEED", "0"))


class Guarded(RamDisk):
    """A disk that holds a volume and something behind it that nobody may touch."""

    def __init__(self, octets: bytes, behind: int = 64) -> None:
        whole = octets.ljust(-(-len(octets) // 512) * 512, b"\0")
        super().__init__(len(whole) // 512)
        drive(super().write(0, whole))
        self.written: list[tuple[int, int]] = []

    async def write(self, sector: int, data: Buffer) -> None:
        self.written.append((sector, len(data) // 512))
        await super().write(sector, data)


def read_all(files: FileSystem) -> dict[str, bytes]:
    """Return every file that can be read, walking no deeper than a sound volume could be."""
    found: dict[str, bytes] = {}
    waiting = [""]
    while waiting:
        path = waiting.pop()
        try:
            entries = drive(files.list(path))
        except (FatError, KvError):
            continue
        for entry in entries:
            child = f"{path}/{entry.name}" if path else entry.name
            if entry.kind is Kind.DICTIONARY:
                waiting.append(child)
                continue
            try:
                found[child] = drive(files.read(child))
            except (FatError, KvError):
                continue
    return found


def use(disk: RamDisk, *, read_only: bool) -> dict[str, bytes] | None:
    """Do with a volume all that can be done; return what was read, or None if it was refused."""
    try:
        files = drive(mount(disk, read_only=read_only, recover=False))
    except NotFat:
        return None
    found = read_all(files)
    if not read_only:
        operations: list[Callable[[], Coroutine[Any, Any, object]]] = [
            lambda: files.store("new file with a name", b"n" * 1500),
            lambda: files.append("ALPHA.BIN", b"more" * 300),
            lambda: files.truncate("gamma.bin", 100),
            lambda: files.rename("folder", "moved"),
            lambda: files.remove("empty"),
            lambda: files.remove_tree("moved"),
            lambda: files.flush(),
        ]
        for operation in operations:
            try:
                drive(operation())
            except (FatError, KvError):
                pass
        drive(files.close())
    return found


def bounded(octets: bytes) -> dict[str, bytes] | None:
    """Use, check and repair a volume, each within the seconds and octets that it may take."""
    tracemalloc.start()
    try:
        found = None
        for step in ("read", "check", "change", "repair"):
            disk = Guarded(octets)
            tracemalloc.reset_peak()
            held, start = tracemalloc.get_traced_memory()[0], time.process_time()
            if step == "read":
                found = use(disk, read_only=True)
            elif step == "check":
                drive(check(disk))
            elif step == "change":
                use(disk, read_only=False)
            else:
                mend(disk)
            assert time.process_time() - start < SECONDS * 2, step  # tracing takes more than half of it
            assert tracemalloc.get_traced_memory()[1] - held < len(octets) + OCTETS, step
            assert step not in ("read", "check") or not disk.written, f"{step} has written"
        return found
    finally:
        tracemalloc.stop()


def mend(disk: RamDisk) -> None:
    """Repair a volume; then nothing may be wrong with it, and it can be used."""
    try:
        drive(repair(disk))
    except NotFat:
        return
    assert [str(fault) for fault in drive(check(disk))] == []
    files = drive(mount(disk))
    read_all(files)
    drive(files.close())
    assert [str(fault) for fault in drive(check(disk))] == []


@pytest.mark.parametrize("bits", WISHES)
@pytest.mark.parametrize("name", MUTATIONS)
def test_a_broken_volume_is_refused_or_read_in_part(name: str, bits: int) -> None:
    image = Image(bits)
    MUTATIONS[name](image)
    found = bounded(bytes(image.octets))
    assert drive(check(Guarded(bytes(image.octets)))) != [], "check has nothing to say"
    for path, content in (found or {}).items():
        expected = CONTENT.get(path)
        if expected is None or path in ("alpha.bin", "gamma.bin"):
            continue  # what was broken, or bears another name now
        assert content == expected or "FAT of" in name, path


def test_there_are_as_many_ways_as_were_promised() -> None:
    assert len(MUTATIONS) >= 40
    assert {function.__module__ for function in MUTATIONS.values()} == {
        broken_boot_sectors.__name__, broken_structures.__name__,
    }  # fmt: skip


@pytest.mark.parametrize("bits", WISHES)
def test_a_sound_volume_is_read_and_has_no_faults(bits: int) -> None:
    image = Image(bits)
    assert bounded(bytes(image.octets)) == CONTENT
    assert drive(check(Guarded(bytes(image.octets)))) == []


@pytest.mark.parametrize("bits", WISHES)
def test_fuzzed_volumes(bits: int) -> None:
    sound = bytes(Image(bits).octets)
    shape = Image(bits).layout
    rng = Random(f"{SEED}/{bits}")
    places = [(0, 90), (shape.fat_offset, shape.fat_offset + 120), (Image(bits).root(), Image(bits).root() + 700)]
    places += [(shape.data_offset, shape.data_offset + 30 * shape.cluster_size)]
    for _ in range(FUZZED // 3):
        octets = bytearray(sound)
        for _ in range(rng.choice((1, 1, 2, 5, 30))):
            start, end = rng.choice(places)
            octets[rng.randrange(start, end)] = rng.choice((0, 0xFF, 0xE5, rng.randrange(256), 1 << rng.randrange(8)))
        use(Guarded(bytes(octets)), read_only=True)
        use(Guarded(bytes(octets)), read_only=False)
        mend(Guarded(bytes(octets)))


def test_cases_that_take_time_are_bounded() -> None:
    """A FAT32 volume of 1 GiB in which every cluster leads to the next, and the last to the first."""
    image = Image(12)
    for cluster in range(2, image.layout.clusters + 2):
        image.put(cluster, cluster + 1 if cluster < image.layout.last_cluster else 2)
    bounded(bytes(image.octets))
