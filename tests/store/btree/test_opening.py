"""Opening: what is no store, what is from a later version, what is smaller than it says, what is read-only."""

from __future__ import annotations

from zlib import crc32

import pytest

from fata.disk.btree.superblock import parse, serialize
from fata.driver.block.memory_image import MemoryImage
from fata.driver.block.ramdisk import RamDisk
from fata.errors import ConfigError, StateError
from fata.runtime.drive import drive
from fata.store.btree.errors import NotAStore
from fata.store.btree.opening import format_btree, open_btree, open_or_format
from tests.store.btree.stores import UUID, disk_of, made


def test_what_is_no_store_is_refused() -> None:
    disk = RamDisk(1024)
    with pytest.raises(NotAStore, match="format it"):
        drive(open_btree(disk))
    with pytest.raises(NotAStore):
        drive(open_btree(RamDisk(0)))
    with pytest.raises(ConfigError, match="too small"):
        drive(format_btree(RamDisk(64), UUID))
    with pytest.raises(ConfigError):
        drive(format_btree(disk, UUID, node_size=5000))
    drive(open_or_format(disk, UUID))
    with pytest.raises(StateError, match="already"):
        drive(format_btree(disk, UUID))
    drive(format_btree(disk, UUID, force=True))
    with pytest.raises(ConfigError):
        drive(open_btree(disk, durability="some"))  # type: ignore[arg-type]


def test_a_disk_smaller_than_the_store() -> None:
    store = drive(made(64))
    octets = drive(disk_of(store).read(0, 32 * 8))
    small = RamDisk(32 * 8)
    drive(small.write(0, octets))
    with pytest.raises(NotAStore, match="the store has 262144 octets, the disk only 131072"):
        drive(open_btree(small))


def test_a_read_only_disk_shows_what_the_log_holds() -> None:
    store = drive(made(64))
    drive(store.put(b"a", b"1"))
    octets = drive(disk_of(store).read(0, 64 * 8))
    frozen = RamDisk(64 * 8, read_only=True)
    frozen._octets[:] = octets
    again = drive(open_btree(frozen))
    assert drive(again.get(b"a")) == b"1"
    with pytest.raises(StateError, match="read-only"):
        drive(again.put(b"b", b"2"))
    drive(again.close())


@pytest.mark.parametrize(("field", "reads"), [("compatible", True), ("read_compatible", True), ("incompatible", False)])
def test_features_of_a_later_version(field: str, reads: bool) -> None:
    disk = RamDisk(512)
    drive(format_btree(disk, UUID))
    superblock = parse(drive(disk.read(8, 1)), 8)
    later = serialize(superblock._replace(**{field: 4}))  # type: ignore[arg-type]  # an int each
    for sector in (8, 512 - 8):
        drive(disk.write(sector, later))
    frozen = MemoryImage(bytes(disk._octets))
    if field == "compatible":
        drive(drive(open_btree(disk)).put(b"a", b"1"))
    else:
        with pytest.raises(NotAStore, match="features"):
            drive(open_btree(disk))
    if reads:
        assert drive(drive(open_btree(frozen)).count()) == 0
    else:
        with pytest.raises(NotAStore, match="features"):
            drive(open_btree(frozen))


def test_a_store_of_a_later_version_says_so() -> None:
    disk = RamDisk(512)
    drive(format_btree(disk, UUID))
    octets = bytearray(drive(disk.read(8, 1)))
    octets[8] = 2
    octets[508:] = crc32(octets[:508]).to_bytes(4, "little")
    for sector in (8, 512 - 8):
        drive(disk.write(sector, octets))
    with pytest.raises(NotAStore, match="version 2, this program knows 1"):
        drive(open_btree(disk))
    with pytest.raises(NotAStore):
        drive(open_or_format(disk, UUID))
