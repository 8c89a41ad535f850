"""The file system: its promises one by one, and its limits."""

from __future__ import annotations

import pytest

from fata.device.block import Buffer
from fata.device.kv import AlreadyPresent, DictionaryExpected, InvalidKey, Kind, NoSpace, NotFound, ValueExpected
from fata.disk.fat import boot, fsinfo, stamp
from fata.disk.fat.boot import DIRTY, FAILED
from fata.disk.fat.errors import NotFat
from fata.disk.fat.plan import Wish
from fata.driver.block.ramdisk import RamDisk
from fata.driver.clock.virtual import VirtualClock
from fata.errors import ConfigError, DeviceError, StateError
from fata.runtime.drive import drive
from fata.store.fat import file_system as file_system_module
from fata.store.fat import volume as volume_module
from fata.store.fat.check import check
from fata.store.fat.file_system import FileSystem
from fata.store.fat.image import octets_for, write_image
from fata.store.fat.mount import format_volume, mount
from fata.store.fat.repair import repair
from fata.store.fat.volume import DirectoryNotEmpty, NameRefused

SMALL32 = Wish(32, undersized=True)


class Counting(RamDisk):
    """A RAM disk that counts flushes, and fails when it is told to."""

    flushes = 0
    broken = False

    async def flush(self) -> None:
        self.flushes += 1
        await super().flush()

    async def read(self, sector: int, count: int) -> bytes:
        if self.broken:
            raise DeviceError("unreadable")
        return await super().read(sector, count)


def volume(sectors: int = 2000, wish: Wish | None = None, **options: object) -> tuple[Counting, FileSystem]:
    """Make and mount a volume."""
    disk = Counting(sectors)
    drive(format_volume(disk, wish))
    return disk, drive(mount(disk, **options))  # type: ignore[arg-type]


def sound(disk: RamDisk) -> bool:
    return drive(check(disk)) == []


def state(disk: RamDisk) -> int:
    octets = drive(disk.read(0, 1))
    return octets[boot.state_offset(boot.parse(octets).wide)]


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


def test_a_name_has_255_units() -> None:
    disk, files = volume()
    for name in ("x" * 255, "\U0001f600" * 127 + "y"):
        drive(files.store(name, name.encode()))
        assert drive(files.read(name)) == name.encode()
    with pytest.raises(NameRefused):
        drive(files.store("\U0001f600" * 128, b""))
    drive(files.close())
    assert sound(disk)


@pytest.mark.parametrize("wish", [Wish(12), Wish(12, 1024, 2048), SMALL32])
def test_a_full_volume_is_not_damaged(wish: Wish) -> None:
    disk, files = volume(800, wish)
    drive(files.store("kept", b"k" * 5000))
    drive(files.mkdir("d"))
    free = files.info().free_clusters * files.info().cluster_size
    with pytest.raises(NoSpace):
        drive(files.store("kept", b"x" * (free + 1)))
    drive(files.store("all", b"x" * free))
    assert files.info().free_clusters == 0
    for call in (
        files.append("kept", b"x" * 5000),
        files.mkdir("e"),
        files.store("one more", b"x"),
        files.write("kept", 4000, b"x" * 9000),
        files.truncate("kept", 20_000),
    ):
        with pytest.raises(NoSpace):
            drive(call)
    assert drive(files.read("kept")) == b"k" * 5000
    drive(files.rename("all", "d/all of it"))
    drive(files.store("kept", b""))
    drive(files.store("again", b"a" * 5000))
    drive(files.close())
    assert sound(disk)


def test_freed_clusters_wait_but_are_there_when_they_are_needed() -> None:
    _, files = volume(100, Wish(12, root_entries=16))
    free = files.info().free_clusters
    for _ in range(20):
        drive(files.store("f", b"x" * (free // 2 * 512)))
        drive(files.store("g", b"x" * (free // 2 * 512)))
        drive(files.remove("f"))
        assert files.info().free_clusters == free - free // 2
        drive(files.remove("g"))


def test_a_fixed_root_is_full_and_a_directory_is_not() -> None:
    disk, files = volume(2000, Wish(12, root_entries=16))
    for number in range(16):
        drive(files.store(f"FILE{number}", b""))
    with pytest.raises(NoSpace):
        drive(files.store("ONE MORE", b""))
    drive(files.remove("FILE3"))
    drive(files.mkdir("D"))
    for number in range(300):
        drive(files.store(f"D/a long name {number}", b""))
    drive(files.close())
    assert sound(disk)


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


def test_a_label_needs_room_in_a_full_root() -> None:
    disk, files = volume(2000, Wish(12, root_entries=16))
    for number in range(16):
        drive(files.store(f"FILE{number}", b""))
    with pytest.raises(NoSpace):
        drive(files.set_label("ONE"))
    drive(files.remove("FILE3"))
    drive(files.set_label("ONE"))
    drive(files.close())
    assert sound(disk)


def test_directories_that_nobody_changes_are_dropped_when_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    disk, files = volume(9000)
    for number in range(60):
        drive(files.store(f"d{number}/f", b"%d" % number, parents=True))
    drive(files.close())
    for module in (volume_module, file_system_module):
        monkeypatch.setattr(module, "HELD_SLOTS", 500)
    files = drive(mount(disk, read_only=True))
    for number in range(60):
        assert drive(files.read(f"d{number}/f")) == b"%d" % number
        assert files.volume.held_slots < 1000
    files = drive(mount(disk))
    for number in range(60):
        drive(files.append(f"d{number}/f", b"!"))
        drive(files.flush())
        assert files.volume.held_slots < 1000
    assert [drive(files.read(f"d{number}/f")) for number in range(60)] == [b"%d!" % number for number in range(60)]


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


def test_sectors_of_the_disk_are_not_larger_than_the_volume_s() -> None:
    disk = RamDisk(1000, sector_size=4096)
    with pytest.raises(ConfigError):
        drive(format_volume(disk))
    drive(format_volume(disk, Wish(sector_size=4096)))
    files = drive(mount(disk))
    drive(files.store("f", b"x" * 5000))
    drive(files.write("f", 4000, b"y" * 200))
    drive(files.append("f", b"z" * 10))
    assert drive(files.read("f")) == b"x" * 4000 + b"y" * 200 + b"x" * 800 + b"z" * 10
    drive(files.close())
    assert sound(disk)


def test_images_of_files() -> None:
    contents = {f"folder {number % 7}/file {number}": b"%d" % number * number for number in range(200)}
    size = octets_for(map(len, contents.values()), 7)
    images = []
    for _ in range(2):
        disk = RamDisk(size // 512)
        drive(write_image(disk, contents.items(), wish=Wish(label="MADE")))
        images.append(drive(disk.read(0, disk.sectors)))
        files = drive(mount(disk, read_only=True))
        assert {path: drive(files.read(path)) for path in contents} == contents
        assert sound(disk)
    assert images[0] == images[1]


class Hollow(RamDisk):
    """A disk of any size that keeps what is not zeros."""

    def __init__(self, sectors: int) -> None:
        super().__init__(0)
        self._geometry.sectors = sectors
        self.kept: dict[int, bytes] = {}

    async def read(self, sector: int, count: int) -> bytes:
        if count > 4096:
            return bytes(count * 512)
        return b"".join(self.kept.get(number, bytes(512)) for number in range(sector, sector + count))

    async def write(self, sector: int, data: Buffer) -> None:
        octets = bytes(data)
        if octets.count(0) == len(octets) > 512:
            for number in [number for number in self.kept if sector <= number < sector + len(octets) // 512]:
                del self.kept[number]
            return
        for at in range(0, len(octets), 512):
            piece = octets[at : at + 512]
            if piece.strip(b"\0"):
                self.kept[sector + at // 512] = piece
            else:
                self.kept.pop(sector + at // 512, None)


@pytest.mark.slow
def test_a_file_of_4_gib_less_one_octet() -> None:
    disk = Hollow((5 << 30) // 512)
    drive(format_volume(disk, Wish(32, cluster_size=32768)))
    files = drive(mount(disk))
    largest = (1 << 32) - 1
    drive(files.allocate("f", largest - 10))
    drive(files.append("f", b"0123456789"))
    with pytest.raises(NoSpace):
        drive(files.append("f", b"x"))
    with pytest.raises(NoSpace):
        drive(files.truncate("f", 1 << 32))
    assert drive(files.stat("f")).size == largest
    assert drive(files.read("f", largest - 12)) == b"\0\x000123456789"
    drive(files.close())
    assert sound(disk)


@pytest.mark.slow
def test_a_directory_of_65536_entries_is_indexed() -> None:
    disk, files = volume(150_000, Wish(32, cluster_size=512))
    drive(files.mkdir("D"))
    for number in range(65_534):  # besides `.` and `..`
        drive(files.store(f"D/F{number:05}", b""))
    with pytest.raises(NoSpace):
        drive(files.store("D/ONEMORE", b""))
    drive(files.flush())
    node = files.volume.directories[drive(files.volume.existing("D", ("D",))).entry.cluster].find("F65533")  # type: ignore[union-attr]
    assert node is not None
    drive(files.remove("D/F00007"))
    drive(files.store("D/ONEMORE", b""))
    drive(files.close())
    files = drive(mount(disk))
    assert len(drive(files.list("D"))) == 65_534
    assert sound(disk)


def test_moments_of_the_clock_are_those_of_the_entries() -> None:
    assert stamp.posix(*stamp.stamp(1_700_000_001.5)) == 1_700_000_001.5
