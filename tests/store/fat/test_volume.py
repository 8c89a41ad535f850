"""The file system: its promises one by one."""

from __future__ import annotations

import pytest

from fata.device.kv import AlreadyPresent, DictionaryExpected, InvalidKey, Kind, NotFound, ValueExpected
from fata.disk.fat import boot, fsinfo, stamp
from fata.disk.fat.boot import DIRTY, FAILED
from fata.disk.fat.errors import NotFat
from fata.disk.fat.plan import Wish
from fata.driver.block.ramdisk import RamDisk
from fata.driver.clock.virtual import VirtualClock
from fata.errors import ConfigError, DeviceError, StateError
from fata.runtime.drive import drive
from fata.store.fat.check import check
from fata.store.fat.mount import mount
from fata.store.fat.repair import repair
from fata.store.fat.volume import DirectoryNotEmpty, NameRefused
from tests.store.fat.volumes import SMALL32, sound, state, volume


def test_what_was_refused_has_changed_nothing() -> None:
    disk, files = volume()
    drive(files.mkdir("d"))
    drive(files.store("d/f", b"1"))
    refused = [
        (files.read("x"), NotFound),
        (files.read("d"), ValueExpected),
        (files.read("d/f", -1, 2), InvalidKey),
        (files.list("d/f"), DictionaryExpected),
        (files.store("x/y", b""), NotFound),
        (files.store("d", b""), ValueExpected),
        (files.store("d/f/g", b""), DictionaryExpected),
        (files.store("a:b", b""), NameRefused),
        (files.store("a?b/c", b"", parents=True), NameRefused),
        (files.mkdir("d"), AlreadyPresent),
        (files.mkdir("x/y"), NotFound),
        (files.rmdir("d"), DirectoryNotEmpty),
        (files.rmdir("d/f"), DictionaryExpected),
        (files.rmdir(""), InvalidKey),
        (files.remove("d"), ValueExpected),
        (files.remove("x"), NotFound),
        (files.append("x", b"1"), NotFound),
        (files.truncate("d/f", -1), InvalidKey),
        (files.write("d/f", -1, b"1"), InvalidKey),
        (files.rename("d", "d/e"), InvalidKey),
        (files.rename("x", "y"), NotFound),
        (files.rename("d/f", "x/y"), NotFound),
        (files.store("../x", b""), InvalidKey),
    ]
    free = files.info().free_clusters
    for call, error in refused:
        with pytest.raises(error):
            drive(call)
    assert files.info().free_clusters == free
    drive(files.close())
    assert sound(disk)


def test_names_keep_their_case_and_are_found_in_any() -> None:
    _, files = volume()
    drive(files.store("Über Großes.TXT", b"1"))
    assert drive(files.read("üBER gROßES.txt")) == b"1"
    assert drive(files.read("_BERGR~1.TXT")) == b"1", "the short name is a name as well"
    drive(files.store("ÜBER GROßES.txt", b"2"))
    assert [entry.name for entry in drive(files.list())] == ["Über Großes.TXT"]


def test_times_are_kept() -> None:
    clock = VirtualClock(wall=1_700_000_001.5)
    disk, files = volume(clock=clock)
    drive(files.store("f", b"1"))
    clock.advance(100)
    drive(files.append("f", b"2"))
    stat = drive(files.stat("f"))
    assert (stat.created, stat.modified, stat.size, stat.kind) == (1_700_000_001.5, 1_700_000_100, 2, Kind.VALUE)
    clock.set_wall(None)
    drive(files.append("f", b"3"))
    assert drive(files.stat("f")).modified is None
    drive(files.close())
    assert drive(drive(mount(disk)).stat("f")).created == 1_700_000_001.5


def test_the_volume_is_marked_while_it_is_changed() -> None:
    for wish in (Wish(12), SMALL32):
        disk, files = volume(2000, wish)
        assert state(disk) == 0
        drive(files.read("x")) if drive(files.exists("x")) else None
        drive(files.flush())
        assert state(disk) == 0, "nothing was changed"
        drive(files.store("f", b"1"))
        drive(files.flush())
        assert state(disk) == DIRTY
        assert "not closed" in [fault.fault.value for fault in drive(check(disk))]
        drive(files.close())
        assert state(disk) == 0
        assert sound(disk)


def test_a_failing_disk_is_noted_on_the_volume() -> None:
    disk, files = volume(5000, Wish(16))
    drive(files.store("f", b"1"))
    drive(files.flush())
    disk.broken = True
    with pytest.raises(DeviceError):
        drive(files.read("f"))
    disk.broken = False
    assert drive(files.read("f")) == b"1"
    drive(files.store("g", b"1"))
    drive(files.close())
    assert state(disk) == FAILED
    assert [fault.fault.name for fault in drive(check(disk))] == ["FAILED"]
    drive(repair(disk))
    assert sound(disk)


def test_every_operation_is_flushed_if_that_is_wished() -> None:
    disk, files = volume(sync="op")
    before = disk.flushes
    drive(files.store("f", b"1"))
    assert disk.flushes > before
    copy = RamDisk(disk.sectors)
    drive(copy.write(0, drive(disk.read(0, disk.sectors))))
    assert drive(drive(mount(copy)).read("f")) == b"1"
    lazy, files = volume()
    before = lazy.flushes
    drive(files.store("f", b"1"))
    assert lazy.flushes == before
    drive(files.flush())
    assert lazy.flushes > before


@pytest.mark.parametrize("destination", ["g", "new/folder/g"])
def test_what_a_shortened_file_has_on_the_disk_is_not_overwritten(destination: str) -> None:
    """Not even under another name: until the next flush the disk has the file as it was."""
    disk, files = volume()
    drive(files.store("f", b"x" * 400))
    drive(files.flush())
    drive(files.truncate("f", 100))
    drive(files.rename("f", destination, parents=True))
    drive(files.append(destination, b"y" * 50))
    copy = RamDisk(disk.sectors)
    drive(copy.write(0, drive(disk.read(0, disk.sectors))))
    found = drive(mount(copy))
    kept = [path for path in ("f", destination) if drive(found.exists(path))]
    assert [drive(found.read(path)) for path in kept] in ([b"x" * 400], [b"x" * 100], [b"x" * 100 + b"y" * 50])
    assert drive(files.read(destination)) == b"x" * 100 + b"y" * 50


def test_many_entries_of_one_directory_share_their_flushes() -> None:
    disk, files = volume(8000)
    drive(files.mkdir("d"))
    drive(files.flush())
    before = disk.flushes
    for number in range(160):
        drive(files.store(f"d/NAME{number}", b""))
    drive(files.flush())
    assert disk.flushes - before <= 16, "16 entries lie in a sector"


def test_hints_are_written_and_not_believed() -> None:
    disk, files = volume(3000, SMALL32)
    drive(files.store("f", b"x" * 5000))
    drive(files.close())
    info = fsinfo.parse(drive(disk.read(1, 1)))
    assert info is not None
    assert info.free == drive(mount(disk)).info().free_clusters
    drive(disk.write(1, fsinfo.serialize(fsinfo.FsInfo(1, 0xFFFF))))
    files = drive(mount(disk))
    assert files.info().free_clusters == info.free
    assert [fault.fault.name for fault in drive(check(disk))] == ["FSINFO"]


def test_the_copy_of_the_boot_sector_saves_a_volume() -> None:
    disk, files = volume(3000, SMALL32)
    drive(files.store("f", b"1"))
    drive(files.close())
    drive(disk.write(0, bytes(512)))
    with pytest.raises(NotFat):
        drive(mount(disk))
    assert [fault.fault.name for fault in drive(check(disk))] == ["BACKUP_USED"]
    drive(repair(disk))
    assert sound(disk)
    assert drive(drive(mount(disk)).read("f")) == b"1"


def test_one_fat_may_be_kept_alone() -> None:
    disk, files = volume(3000, SMALL32)
    drive(files.close())
    sector = bytearray(drive(disk.read(0, 1)))
    sector[40] = boot.NO_MIRROR | 1  # the second is the one that counts
    drive(disk.write(0, sector))
    drive(disk.write(6, sector))
    first = drive(disk.read(32, 1))
    files = drive(mount(disk))
    drive(files.store("f", b"x" * 3000))
    drive(files.close())
    assert drive(disk.read(32, 1)) == first
    assert sound(disk)
    assert drive(drive(mount(disk)).read("f")) == b"x" * 3000


def test_a_label_is_changed_and_taken_away() -> None:
    disk, files = volume(3000, SMALL32._replace(label="first"))
    for label, expected in (("second", "SECOND"), ("", ""), ("third", "THIRD")):
        drive(files.set_label(label))
        assert files.label() == expected
        drive(files.close())
        assert sound(disk)
        files = drive(mount(disk))
        assert files.label() == expected
    with pytest.raises(ConfigError):
        drive(files.set_label("much too long a label"))


def test_a_volume_that_is_read_is_not_written_to() -> None:
    disk, files = volume()
    drive(files.store("f", b"1"))
    drive(files.close())
    before = drive(disk.read(0, disk.sectors))
    for read_only in (True, False):
        files = drive(mount(disk, read_only=read_only))
        assert drive(files.read("f")) == b"1"
        drive(files.list())
        drive(files.close())
        assert drive(disk.read(0, disk.sectors)) == before
    files = drive(mount(disk, read_only=True))
    with pytest.raises(StateError):
        drive(files.store("g", b"1"))


def test_a_closed_volume_is_closed() -> None:
    _, files = volume()
    drive(files.close())
    drive(files.close())
    for call in (files.read("f"), files.store("f", b""), files.flush(), files.list()):
        with pytest.raises(StateError):
            drive(call)


def test_moments_of_the_clock_are_those_of_the_entries() -> None:
    assert stamp.posix(*stamp.stamp(1_700_000_001.5)) == 1_700_000_001.5
