"""Volumes of others are read, ours are read by others and judged: mkfs.fat, fsck.fat, mtools, pyfatfs."""

from __future__ import annotations

from pathlib import Path

import pytest

from fata.disk.fat.plan import Wish
from fata.driver.block.ramdisk import RamDisk
from fata.driver.clock.virtual import VirtualClock
from fata.runtime.drive import drive
from fata.store.fat.check import check
from fata.store.fat.file_system import FileSystem
from fata.store.fat.mount import format_volume, mount
from tests.store.fat import judges
from tests.store.fat.judges import Tree
from tests.store.fat.power_cuts import tree_of

pytestmark = [pytest.mark.slow, pytest.mark.peer]

MEGA = 1 << 20
SHAPES = [  # type, octets, sector size, cluster size
    *((12, MEGA, sector, cluster) for sector in (512, 1024, 2048, 4096) for cluster in (sector, 4096)),
    *((12, 24 * MEGA, sector, 32_768) for sector in (512, 4096)),
    *((16, 5000 * sector, sector, sector) for sector in (512, 1024, 2048, 4096)),
    *((16, 150 * MEGA, sector, 32_768) for sector in (512, 4096)),
    *((32, 67_000 * sector, sector, sector) for sector in (512, 1024)),
    (32, 67_000 * 4096, 4096, 4096),
]
CONTENT: Tree = {
    "README.TXT": b"upper case\r\n",
    "lower.txt": b"lower case\n",
    "A name with spaces and more.text": b"long" * 1000,
    "Grüße, κόσμε.txt": b"Unicode",
    "x" * 255: b"longest",
    "empty": b"",
    "folder": None,
    "folder/one.txt": b"1" * 513,
    "folder/deeper and deeper": None,
    "folder/deeper and deeper/two.txt": b"2" * 70_000,
    "bare": None,
    **{f"many/a file with number {number}.dat": b"%d" % number * number for number in range(120)},
    "many": None,
}


def name(shape: tuple[int, int, int, int]) -> str:
    bits, octets, sector, cluster = shape
    return f"FAT{bits}, {octets // 1024} KiB, sectors {sector}, clusters {cluster}"


def fill(files: FileSystem) -> Tree:
    """Write CONTENT, and change enough of it that nothing has stayed as simple as it was."""
    for path, content in CONTENT.items():
        if content is None:
            drive(files.mkdir(path, parents=True))
        else:
            drive(files.store(path, content, parents=True))
    expected = dict(CONTENT)
    for number in range(0, 120, 3):
        drive(files.remove(f"many/a file with number {number}.dat"))
        del expected[f"many/a file with number {number}.dat"]
    drive(files.rename("folder/deeper and deeper", "bare/shallow"))
    expected["bare/shallow"] = expected.pop("folder/deeper and deeper")
    expected["bare/shallow/two.txt"] = expected.pop("folder/deeper and deeper/two.txt")
    drive(files.rename("lower.txt", "Lower.TXT"))
    expected["Lower.TXT"] = expected.pop("lower.txt")
    drive(files.write("A name with spaces and more.text", 3990, b"new" * 2000))
    expected["A name with spaces and more.text"] = (b"long" * 1000)[:3990] + b"new" * 2000
    drive(files.truncate("bare/shallow/two.txt", 40_001))
    expected["bare/shallow/two.txt"] = b"2" * 40_001
    drive(files.append("empty", b"no longer"))
    expected["empty"] = b"no longer"
    drive(files.rename("README.TXT", "folder/one.txt"))
    expected["folder/one.txt"] = expected.pop("README.TXT")
    return expected


@pytest.mark.parametrize("shape", SHAPES, ids=name)
def test_ours_is_read_by_others(shape: tuple[int, int, int, int], tmp_path: Path) -> None:
    bits, octets, sector, cluster = shape
    disk, image = RamDisk(octets // 512), tmp_path / "image"
    clock = VirtualClock(wall=1_700_000_000.0)
    drive(format_volume(disk, Wish(bits, sector, cluster, "OURS", 0x12345678), clock=clock))
    judges.save(disk, image)
    assert judges.complaints(image) == []
    files = drive(mount(disk, clock=clock))
    assert files.volume.layout.bits == bits
    expected = fill(files)
    drive(files.close())
    assert drive(check(disk)) == []
    judges.save(disk, image)
    assert judges.complaints(image) == []
    assert judges.read_by_mtools(image, tmp_path / "copied") == expected
    assert (tmp_path / "copied" / "empty").stat().st_mtime == 1_700_000_000
    assert "OURS" in judges.mtool("mdir", image, "::")
    if sector == 512:  # pyfatfs takes no other
        assert judges.read_by_pyfatfs(image) == expected


@pytest.mark.parametrize("shape", SHAPES, ids=name)
def test_others_are_read_and_changed_by_us(shape: tuple[int, int, int, int], tmp_path: Path) -> None:
    bits, octets, sector, cluster = shape
    image, source = tmp_path / "image", tmp_path / "source"
    judges.mkfs(image, octets, "-F", str(bits), "-S", str(sector), "-s", str(cluster // sector), "-n", "THEIRS")
    # mtools lets a directory grow by one cluster at a time, which is too little for the 21 slots of the longest name.
    content = {path: octets for path, octets in CONTENT.items() if len(path) < 255 or (bits, cluster) != (32, 512)}
    judges.write_on_host(content, source)
    judges.mtool("mcopy", image, "-s", *sorted(source.iterdir()), "::")
    disk = judges.disk_of(image)
    assert drive(check(disk)) == []
    files = drive(mount(disk))
    assert (files.volume.layout.bits, files.label()) == (bits, "THEIRS")
    assert drive(tree_of(files)) == content
    for path in [path for path in content if "/" not in path]:
        drive(files.remove_tree(path))
    expected = fill(files)
    drive(files.set_label("changed"))
    drive(files.close())
    assert drive(check(disk)) == []
    judges.save(disk, image)
    assert judges.complaints(image) == []
    assert judges.read_by_mtools(image, tmp_path / "copied") == expected


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_what_others_change_is_seen(bits: int, tmp_path: Path) -> None:
    """mtools works on a volume that we have filled, then we read it again."""
    image = tmp_path / "image"
    disk = RamDisk({12: 4, 16: 16, 32: 40}[bits] * MEGA // 512)
    drive(format_volume(disk, Wish(bits)))
    files = drive(mount(disk))
    expected = fill(files)
    drive(files.close())
    judges.save(disk, image)
    judges.mtool("mdeltree", image, "::many")
    judges.mtool("mren", image, "::Lower.TXT", "::A longer name for it.TXT")
    judges.mtool("mmd", image, "::folder/made by others")
    expected = {path: content for path, content in expected.items() if path.partition("/")[0] != "many"}
    expected["A longer name for it.TXT"] = expected.pop("Lower.TXT")
    expected["folder/made by others"] = None
    disk = judges.disk_of(image)
    assert drive(tree_of(drive(mount(disk)))) == expected
    assert [fault.detail for fault in drive(check(disk)) if fault.fault.name != "FSINFO"] == []


def test_case_bits_of_nt_are_read(tmp_path: Path) -> None:
    """mtools writes them for names such as readme.txt."""
    image, source = tmp_path / "image", tmp_path / "readme.txt"
    judges.mkfs(image, MEGA, "-F", "12")
    source.write_bytes(b"x")
    judges.mtool("mcopy", image, source, "::readme.txt")
    assert list(drive(tree_of(drive(mount(judges.disk_of(image)))))) == ["readme.txt"]


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_bad_clusters_are_left_alone(bits: int, tmp_path: Path) -> None:
    """mkfs.fat notes the blocks of a list (of 1 KiB each) as bad."""
    image = tmp_path / "image"
    (tmp_path / "bad").write_text("".join(f"{block}\n" for block in range(900, 960)))
    judges.mkfs(image, {12: 1, 16: 16, 32: 40}[bits] * MEGA, "-F", str(bits), "-s", "1", "-l", str(tmp_path / "bad"))
    disk = judges.disk_of(image)
    files = drive(mount(disk))
    assert files.info().bad_clusters == 120
    free = files.info().free_clusters * 512
    drive(files.store("all", b"x" * (min(free, MEGA * 3) - 512)))
    assert drive(files.read("all")) == b"x" * (min(free, MEGA * 3) - 512)
    drive(files.close())
    assert drive(check(disk)) == []
    judges.save(disk, image)
    assert judges.complaints(image) == []
