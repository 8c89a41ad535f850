"""Partition tables on disks: sfdisk reads ours and we read sfdisk's; damage, repair and power cuts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fata.disk import gpt, mbr
from fata.disk.partition import KINDS, Partition, PartitionError, Wish
from fata.driver.block.file import open_file_block
from fata.driver.block.partition_table import GPT, MBR, Table, open_partition, read_table, repair_table, write_table
from fata.driver.block.ramdisk import RamDisk
from fata.errors import Unavailable
from fata.runtime.drive import drive
from fata.sim.powercut import Recorder, check, record_over

GUID = "11111111-2222-3333-4444-555555555555"
DISKS = [(512, 1 << 16), (4096, 1 << 14)]  # sector size, sectors

needs_sfdisk = pytest.mark.skipif(
    shutil.which("sfdisk", path="/usr/sbin:/sbin:/usr/bin") is None, reason="needs sfdisk"
)


def table_of(scheme: str, sectors: int, sector_size: int, count: int = 3, seed: int = 1) -> Table:
    """Plan a table of some partitions."""
    rng = Random(seed)
    kinds = [rng.choice(KINDS) for _ in range(count)]
    octets = [rng.randrange(1, 3 << 20) for _ in kinds[1:]]
    if scheme == MBR:
        wishes = [Wish(size, kind.mbr) for size, kind in zip([*octets, None], kinds, strict=True)]
        return Table(MBR, f"{seed:08x}", tuple(mbr.plan(wishes, sectors, sector_size)))
    wishes = [Wish(size, kind.gpt, f"part {size}") for size, kind in zip([*octets, None], kinds, strict=True)]
    partitions = [
        partition._replace(identity=gpt.guid_text(rng.randbytes(16)))
        for partition in gpt.plan(wishes, sectors, sector_size)
    ]
    return Table(GPT, gpt.guid_text(rng.randbytes(16)), tuple(partitions))


@pytest.mark.parametrize(("sector_size", "sectors"), DISKS)
@pytest.mark.parametrize(("scheme", "count"), [(MBR, 1), (MBR, 4), (MBR, 7), (GPT, 1), (GPT, 9)])
def test_a_table_is_read_as_it_was_written(scheme: str, count: int, sector_size: int, sectors: int) -> None:
    disk = RamDisk(sectors, sector_size)
    table = table_of(scheme, sectors, sector_size, count)
    drive(write_table(disk, table))
    assert drive(read_table(disk)) == table
    last = table.partitions[-1]
    part = drive(open_partition(disk, last.number))
    assert part.sectors == last.sectors
    drive(part.write(0, b"p" * sector_size))
    assert drive(disk.read(last.first, 1)) == b"p" * sector_size
    with pytest.raises(Unavailable, match="no partition 77"):
        drive(open_partition(disk, 77))


# Debian 12's sfdisk takes a file's sectors to have 512 octets, always.
@pytest.mark.peer
@needs_sfdisk
@pytest.mark.parametrize(("scheme", "count"), [(MBR, 1), (MBR, 4), (MBR, 7), (GPT, 9)])
def test_sfdisk_reads_ours(tmp_path: Path, scheme: str, count: int) -> None:
    path = tmp_path / "disk.img"
    disk = drive(open_file_block(str(path), create_sectors=1 << 16))
    table = table_of(scheme, 1 << 16, 512, count)
    drive(write_table(disk, table))
    drive(disk.close())
    done = _sfdisk("--json", str(path))
    told = json.loads(done)["partitiontable"]
    assert told["label"] == ("dos" if scheme == MBR else "gpt")
    assert told["id"].lower().removeprefix("0x") == table.identity.lower()
    theirs = [row for row in told["partitions"] if row["type"] != "f"]
    assert [(row["start"], row["size"], row.get("name", "")) for row in theirs] == [
        (partition.first, partition.sectors, partition.name) for partition in table.partitions
    ]
    assert [row["type"].upper().zfill(2) for row in theirs] == [p.kind.upper() for p in table.partitions]
    verified = _sfdisk("--verify", str(path))
    assert "No errors detected" in verified or scheme == MBR


def _sfdisk(*words: str, script: str = "") -> str:
    path = shutil.which("sfdisk", path="/usr/sbin:/sbin:/usr/bin")
    assert path is not None
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [path, *words], input=script, capture_output=True, text=True, timeout=30, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr if "--json" not in words else done.stdout


@pytest.mark.peer
@needs_sfdisk
def test_a_gpt_reaches_beyond_what_an_mbr_can_say(tmp_path: Path) -> None:
    path, sectors = tmp_path / "disk.img", 6 << 30  # 3 TiB, of which next to nothing is on the host's disk
    disk = drive(open_file_block(str(path), create_sectors=sectors))
    kind = KINDS[1].gpt
    planned = gpt.plan([Wish(5 << 39, kind), Wish(None, kind)], sectors, 512)
    drive(write_table(disk, Table(GPT, GUID, tuple(each._replace(identity=GUID) for each in planned))))
    table = drive(read_table(disk))
    drive(disk.close())
    assert table.partitions[1].first > 1 << 32
    told = json.loads(_sfdisk("--json", str(path)))["partitiontable"]
    assert [(row["start"], row["size"]) for row in told["partitions"]] == [
        (each.first, each.sectors) for each in table.partitions
    ]


SCRIPTS = {
    "mbr": "label: dos\n,1M,83\n,2M,c,*\n",
    "mbr with logical ones": "label: dos\n,1M,83\n,20M,5\n,1M,83\n,2M,82\n,3M,c\n",
    "gpt": 'label: gpt\nsize=1M, type=L, name=one\nsize=3M, type=U, name="zwei €"\n,,S\n',
}


@pytest.mark.peer
@needs_sfdisk
@pytest.mark.parametrize("name", SCRIPTS)
def test_we_read_what_sfdisk_makes(tmp_path: Path, name: str) -> None:
    path = tmp_path / "disk.img"
    path.touch()
    os.truncate(path, 64 << 20)
    _sfdisk("--quiet", str(path), script=SCRIPTS[name])
    told = json.loads(_sfdisk("--json", str(path)))["partitiontable"]
    disk = drive(open_file_block(str(path), read_only=True))
    table = drive(read_table(disk))
    drive(disk.close())
    assert table.complaints == ()
    theirs = [row for row in told["partitions"] if row["type"] not in ("5", "f")]
    assert [(p.first, p.sectors, p.name, p.bootable) for p in table.partitions] == [
        (row["start"], row["size"], row.get("name", ""), row.get("bootable", False)) for row in theirs
    ]
    assert [int(row["node"].rpartition(".img")[2]) for row in theirs] == [p.number for p in table.partitions]


@pytest.mark.parametrize(("sector_size", "sectors"), DISKS)
@pytest.mark.parametrize("damage", ["primary", "primary entries", "backup", "backup entries"])
def test_a_damaged_gpt_is_read_and_repaired_from_its_copy(damage: str, sector_size: int, sectors: int) -> None:
    disk = RamDisk(sectors, sector_size)
    table = table_of(GPT, sectors, sector_size)
    drive(write_table(disk, table))
    whole = drive(disk.read(0, sectors))
    place = {"primary": 1, "primary entries": 2, "backup": sectors - 1, "backup entries": sectors - 2}[damage]
    if damage == "backup entries":
        place = gpt.usable(sectors, sector_size)[1] + 1
    drive(disk.write(place, b"!" * sector_size))
    found = drive(read_table(disk))
    assert found._replace(complaints=()) == table
    assert len(found.complaints) == 1
    assert drive(repair_table(disk)) == list(found.complaints)
    assert drive(disk.read(0, sectors)) == whole
    assert drive(repair_table(disk)) == []


def test_a_gpt_without_a_whole_copy_is_refused() -> None:
    disk = RamDisk(1 << 14)
    drive(write_table(disk, table_of(GPT, 1 << 14, 512)))
    for place in (1, (1 << 14) - 1):
        drive(disk.write(place, bytes(512)))
    for attempt in (read_table(disk), repair_table(disk)):
        with pytest.raises(PartitionError, match=r"sector 1 .*; .*sector 16383 "):
            drive(attempt)


@pytest.mark.peer
@needs_sfdisk
def test_a_disk_that_has_grown_gets_its_copy_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "disk.img"
    disk = drive(open_file_block(str(path), create_sectors=1 << 15))
    drive(write_table(disk, table_of(GPT, 1 << 15, 512)))
    drive(disk.close())
    with path.open("r+b") as file:
        file.truncate(1 << 25)
    disk = drive(open_file_block(str(path)))
    assert len(drive(read_table(disk)).complaints) > 0
    drive(repair_table(disk))
    assert drive(read_table(disk)).complaints == ()
    drive(disk.close())
    assert "No errors detected" in _sfdisk("--verify", str(path))


@pytest.mark.parametrize("octets", [b"", b"\0" * 512, b"\x55\xaa" * 256, bytes(510) + b"\x55\xaa"])
def test_disks_without_a_table(octets: bytes) -> None:
    disk = RamDisk(len(octets) // 512)
    drive(disk.write(0, octets))
    if octets[:1] == b"\0" and octets[-1:] == b"\xaa":
        assert drive(read_table(disk)).partitions == ()  # four free rows
        return
    with pytest.raises(PartitionError):
        drive(read_table(disk))


def test_boot_code_stays_and_a_gpt_goes_with_its_headers() -> None:
    disk = RamDisk(1 << 14)
    drive(write_table(disk, table_of(MBR, 1 << 14, 512, 2)))
    drive(disk.write(0, b"boot" * 110 + drive(disk.read(0, 1))[440:]))
    for scheme in (MBR, GPT, MBR):
        drive(write_table(disk, table_of(scheme, 1 << 14, 512, 2)))
        assert drive(disk.read(0, 1))[:440] == b"boot" * 110
    assert drive(disk.read(1, 1)) == drive(disk.read((1 << 14) - 1, 1)) == bytes(512)


@pytest.mark.slow
@pytest.mark.parametrize("old", [MBR, GPT])
@pytest.mark.parametrize("new", [MBR, GPT])
def test_a_power_cut_leaves_the_old_table_or_the_new(old: str, new: str) -> None:
    sectors = 1 << 16
    before, after = table_of(old, sectors, 512, 3, seed=1), table_of(new, sectors, 512, 9, seed=2)
    inner = RamDisk(sectors)
    drive(write_table(inner, before))
    disk = drive(record_over(inner))
    disk.promise((before, after))
    drive(write_table(disk, after))
    disk.promise((after,))

    async def recover(crashed: Recorder) -> tuple[Table, Table]:
        seen = (await read_table(crashed))._replace(complaints=())
        await repair_table(crashed)
        return seen, await read_table(crashed)

    def judge(seen: tuple[Table, Table], promise: tuple[Table, ...]) -> None:
        assert seen[0] in promise
        assert seen[1] == seen[0]

    report = check(disk.record, recover, judge)
    assert report.states > 8


def test_two_partitions_are_two_disks() -> None:
    disk = RamDisk(1 << 14)
    table = table_of(GPT, 1 << 14, 512, 2)
    drive(write_table(disk, table))
    parts: list[Any] = [drive(open_partition(disk, number)) for number in (1, 2)]
    for number, part in enumerate(parts):
        drive(part.write(0, bytes([number + 1]) * 512 * part.sectors))
    for number, part in enumerate(parts):
        assert set(drive(part.read(0, part.sectors))) == {number + 1}
    assert drive(read_table(disk)) == table


def test_a_partition_says_where_it_ends() -> None:
    assert Partition(1, 10, 5, "83").end == 15
