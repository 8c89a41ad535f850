"""The file system at its limits: full volumes, large files and directories, long names."""

from __future__ import annotations

import pytest

from fata.device.block import Buffer
from fata.device.kv import NoSpace
from fata.disk.fat.plan import Wish
from fata.driver.block.ramdisk import RamDisk
from fata.errors import ConfigError
from fata.runtime.drive import drive
from fata.store.fat import volume as volume_module
from fata.store.fat.mount import format_volume, mount
from fata.store.fat.volume import NameRefused
from tests.store.fat.volumes import SMALL32, sound, volume


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
    monkeypatch.setattr(volume_module, "HELD_SLOTS", 700)  # the root alone has 512
    files = drive(mount(disk, read_only=True))
    for number in range(60):
        assert drive(files.read(f"d{number}/f")) == b"%d" % number
        assert files.volume.held_slots < 1000
    for sync in ("flush", "op"):
        files = drive(mount(disk, sync=sync))
        for number in range(60):
            drive(files.append(f"d{number}/f", b"!"))
            assert files.volume.held_slots < 1000
        drive(files.close())
    files = drive(mount(disk))
    assert [drive(files.read(f"d{number}/f")) for number in range(60)] == [b"%d!!" % number for number in range(60)]


def test_no_directory_is_dropped_in_the_midst_of_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that has to flush for room goes on with the directories that it has."""
    disk, files = volume(150, Wish(12, root_entries=16))
    drive(files.store("D/X", b"x", parents=True))
    for number in range(14):
        drive(files.store(f"E/F{number}", b"", parents=True))
    drive(files.close())
    monkeypatch.setattr(volume_module, "HELD_SLOTS", 40)  # less than the three directories of 16 that are used here
    files = drive(mount(disk))
    drive(files.store("ALL", b"x" * files.info().free_clusters * 512))
    drive(files.remove("ALL"))
    assert drive(files.read("D/X")) == b"x"
    drive(files.rename("D/X", "E/Y"))
    assert drive(files.exists("D/X")) is None
    assert drive(files.read("E/Y")) == b"x"
    drive(files.close())
    assert sound(disk)


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
