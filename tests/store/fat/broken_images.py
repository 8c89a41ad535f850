"""Volumes broken on purpose, each in one way that has a name."""

# ruff: noqa: N802 -- a mutation is called what it is

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable

from fata.disk.fat import entry as entry_format
from fata.disk.fat import long_name
from fata.disk.fat.boot import parse
from fata.disk.fat.entry import DIRECTORY, LABEL, SIZE, Entry
from fata.disk.fat.layout import Layout, layout
from fata.disk.fat.packing import pack, unpack
from fata.disk.fat.plan import Wish
from fata.driver.block.ramdisk import RamDisk
from fata.runtime.drive import drive
from fata.store.fat.mount import format_volume, mount

WISHES = {12: (Wish(12), 400), 16: (Wish(16), 4300), 32: (Wish(32, undersized=True), 600)}
CONTENT = {
    "alpha.bin": b"a" * 2000,  # four clusters
    "beta with a long name.txt": b"b" * 1500,
    "folder/inner.txt": b"i" * 600,
    "folder/sub/deep.txt": b"d" * 700,
    "empty": b"",
    "gamma.bin": b"g" * 5000,
}


class Image:
    """A volume's octets, and ways to get at its parts."""

    def __init__(self, bits: int) -> None:
        wish, sectors = WISHES[bits]
        disk = RamDisk(sectors)
        drive(format_volume(disk, wish))
        files = drive(mount(disk))
        for path, content in CONTENT.items():
            drive(files.store(path, content, parents=True))
        drive(files.close())
        self.octets = bytearray(drive(disk.read(0, sectors)))
        self.layout: Layout = layout(parse(bytes(self.octets[:512])))
        self.bits = bits

    def poke(self, offset: int, form: str, *values: int) -> None:
        """Put numbers at an offset."""
        struct.pack_into(f"<{form}", self.octets, offset, *values)

    def get(self, cluster: int) -> int:
        """Return an entry of the FAT."""
        return self._entries()[cluster] & ((1 << min(self.bits, 28)) - 1)

    def put(self, cluster: int, value: int) -> None:
        """Change an entry in every copy of the FAT."""
        entries = self._entries()
        entries[cluster] = value
        packed = pack(entries, self.bits)
        for copy in range(self.layout.fats):
            start = self.layout.fat_offset + copy * self.layout.fat_size
            self.octets[start : start + len(packed)] = packed

    def _entries(self) -> array[int]:
        start = self.layout.fat_offset
        return unpack(bytes(self.octets[start : start + self.layout.fat_size]), self.bits, self.layout.clusters + 2)

    def root(self) -> int:
        """Return where the root begins."""
        return self.layout.offset_of(self.layout.root_cluster) if self.bits == 32 else self.layout.root_offset

    def find(self, short: bytes, *, within: int | None = None) -> int:
        """Return where the entry with a short name is."""
        start = self.root() if within is None else self.layout.offset_of(within)
        found = self.octets.find(short.ljust(11), start)
        assert found >= 0, short
        return found

    def entry(self, short: bytes) -> Entry:
        """Return an entry of the root, or beneath."""
        return entry_format.parse(self.octets, self.find(short))

    def change(self, short: bytes, **fields: object) -> None:
        """Change fields of an entry."""
        at = self.find(short)
        changed = entry_format.parse(self.octets, at)._replace(**fields)  # type: ignore[arg-type]
        self.octets[at : at + SIZE] = entry_format.serialize(changed)

    def free_slot(self) -> int:
        """Return where the root has its first slot that was never used."""
        at = self.root()
        while self.octets[at]:
            at += SIZE
        return at

    def free_cluster(self) -> int:
        """Return a cluster that is free, far from those in use."""
        return self.layout.last_cluster - 5


ALPHA, BETA, GAMMA, FOLDER, EMPTY = b"ALPHA   BIN", b"BETAWI~1TXT", b"GAMMA   BIN", b"FOLDER     ", b"EMPTY      "
INNER, SUB = b"INNER   TXT", b"SUB        "

Mutation = Callable[[Image], None]
MUTATIONS: dict[str, Mutation] = {}


def mutation(function: Mutation) -> Mutation:
    """Enter a mutation under its name."""
    MUTATIONS[function.__name__.replace("_", " ")] = function
    return function


# --- the boot sector


@mutation
def no_signature(image: Image) -> None:
    image.octets[510:512] = b"\0\0"


@mutation
def zero_octets_in_a_sector(image: Image) -> None:
    image.poke(11, "H", 0)


@mutation
def sectors_of_100_octets(image: Image) -> None:
    image.poke(11, "H", 100)


@mutation
def sectors_of_32_KiB(image: Image) -> None:
    image.poke(11, "H", 32768)


@mutation
def no_sectors_in_a_cluster(image: Image) -> None:
    image.poke(13, "B", 0)


@mutation
def three_sectors_in_a_cluster(image: Image) -> None:
    image.poke(13, "B", 3)


@mutation
def clusters_larger_than_the_disk(image: Image) -> None:
    image.poke(13, "B", 128)
    image.poke(11, "H", 4096)


@mutation
def no_reserved_sectors(image: Image) -> None:
    image.poke(14, "H", 0)


@mutation
def reserved_beyond_the_end(image: Image) -> None:
    image.poke(14, "H", 0xFFFF)


@mutation
def no_FATs(image: Image) -> None:
    image.poke(16, "B", 0)


@mutation
def two_hundred_FATs(image: Image) -> None:
    image.poke(16, "B", 200)


@mutation
def a_root_of_65535_entries(image: Image) -> None:
    image.poke(17, "H", 0xFFFF)


@mutation
def no_sectors(image: Image) -> None:
    image.poke(19, "H", 0)
    image.poke(32, "I", 0)


@mutation
def as_many_sectors_as_can_be_said(image: Image) -> None:
    image.poke(19, "H", 0)
    image.poke(32, "I", 0xFFFF_FFFF)


@mutation
def no_cluster_at_all(image: Image) -> None:
    sectors = image.layout.data_offset // 512
    image.poke(19, "H", 0 if image.bits == 32 else sectors)
    image.poke(32, "I", sectors if image.bits == 32 else 0)


@mutation
def medium_0(image: Image) -> None:
    image.poke(21, "B", 0)


@mutation
def a_FAT_of_no_sectors(image: Image) -> None:
    image.poke(22, "H", 0)
    image.poke(36, "I", 0)


@mutation
def a_FAT_that_is_too_small(image: Image) -> None:
    image.poke(36 if image.bits == 32 else 22, "H", 1)
    image.poke(32, "I", len(image.octets) // 512)
    image.poke(19, "H", 0)
    if image.bits == 12:
        image.poke(13, "B", 1)
        image.poke(17, "H", 16)
        image.octets += bytes(1_000_000)
        image.poke(32, "I", len(image.octets) // 512)
    elif image.bits == 32:
        image.poke(38, "H", 0)


@mutation
def a_FAT_larger_than_the_disk(image: Image) -> None:
    image.poke(36 if image.bits == 32 else 22, "H", 0xFFFF)


@mutation
def a_truncated_file(image: Image) -> None:
    del image.octets[len(image.octets) // 2 // 512 * 512 :]


@mutation
def a_disk_of_one_sector(image: Image) -> None:
    del image.octets[512:]


@mutation
def zeros_alone(image: Image) -> None:
    image.octets[:] = bytes(len(image.octets))


@mutation
def ones_alone(image: Image) -> None:
    image.octets[:] = b"\xff" * len(image.octets)


# --- the FAT


@mutation
def a_chain_that_is_a_loop(image: Image) -> None:
    first = image.entry(ALPHA).cluster
    image.put(first + 1, first)


@mutation
def a_chain_of_itself(image: Image) -> None:
    first = image.entry(GAMMA).cluster
    image.put(first, first)


@mutation
def two_files_in_one_chain(image: Image) -> None:
    image.put(image.entry(ALPHA).cluster + 1, image.entry(GAMMA).cluster + 2)


@mutation
def two_files_with_one_beginning(image: Image) -> None:
    image.change(ALPHA, cluster=image.entry(GAMMA).cluster)


@mutation
def a_chain_past_the_end(image: Image) -> None:
    image.put(image.entry(ALPHA).cluster + 1, image.layout.last_cluster + 3)


@mutation
def a_chain_into_a_free_cluster(image: Image) -> None:
    image.put(image.entry(ALPHA).cluster + 1, image.free_cluster())


@mutation
def a_chain_into_a_bad_cluster(image: Image) -> None:
    bad = image.entry(ALPHA).cluster + 2
    image.put(bad, {12: 0xFF7, 16: 0xFFF7, 32: 0x0FFF_FFF7}[image.bits])


@mutation
def a_chain_to_cluster_1(image: Image) -> None:
    image.put(image.entry(ALPHA).cluster, 1)


@mutation
def a_chain_that_is_too_short(image: Image) -> None:
    image.put(image.entry(GAMMA).cluster + 1, {12: 0xFFF, 16: 0xFFFF, 32: 0x0FFF_FFFF}[image.bits])


@mutation
def a_chain_that_is_too_long(image: Image) -> None:
    image.change(GAMMA, size=600)


@mutation
def lost_clusters(image: Image) -> None:
    image.put(image.free_cluster(), image.free_cluster() + 1)
    image.put(image.free_cluster() + 1, {12: 0xFFF, 16: 0xFFFF, 32: 0x0FFF_FFFF}[image.bits])


@mutation
def FATs_that_differ(image: Image) -> None:
    image.octets[image.layout.fat_offset + image.layout.fat_size + 5] ^= 0xFF


@mutation
def a_wrong_first_entry(image: Image) -> None:
    image.put(0, 0)


@mutation
def a_FAT_of_zeros(image: Image) -> None:
    start = image.layout.fat_offset
    image.octets[start : start + 2 * image.layout.fat_size] = bytes(2 * image.layout.fat_size)


@mutation
def a_FAT_of_ones(image: Image) -> None:
    start = image.layout.fat_offset
    image.octets[start : start + 2 * image.layout.fat_size] = b"\xff" * (2 * image.layout.fat_size)


# --- directories


@mutation
def a_directory_that_contains_itself(image: Image) -> None:
    folder = image.entry(FOLDER).cluster
    at = image.find(SUB, within=folder)
    sub = entry_format.parse(image.octets, at)._replace(cluster=folder)
    image.octets[at : at + SIZE] = entry_format.serialize(sub)


@mutation
def a_directory_that_is_the_root(image: Image) -> None:
    image.change(FOLDER, cluster=0)


@mutation
def a_directory_whose_chain_is_a_loop(image: Image) -> None:
    folder = image.entry(FOLDER).cluster
    image.put(folder, folder)


@mutation
def a_directory_past_the_end(image: Image) -> None:
    image.change(FOLDER, cluster=image.layout.last_cluster + 100)


@mutation
def a_directory_in_a_free_cluster(image: Image) -> None:
    image.change(FOLDER, cluster=image.free_cluster())


@mutation
def a_directory_that_is_a_file(image: Image) -> None:
    image.change(GAMMA, attributes=DIRECTORY, size=0)


@mutation
def a_directory_with_a_size(image: Image) -> None:
    image.change(FOLDER, size=12345)


@mutation
def a_directory_named_twice(image: Image) -> None:
    at = image.free_slot()
    copy = image.entry(FOLDER)._replace(name=b"COPY       ")
    image.octets[at : at + SIZE] = entry_format.serialize(copy)


@mutation
def no_dot_entries(image: Image) -> None:
    start = image.layout.offset_of(image.entry(FOLDER).cluster)
    image.octets[start] = image.octets[start + SIZE] = 0xE5


@mutation
def a_wrong_parent(image: Image) -> None:
    start = image.layout.offset_of(image.entry(FOLDER).cluster)
    image.poke(start + SIZE + 26, "H", 7)


@mutation
def a_dot_entry_in_the_root(image: Image) -> None:
    at = image.free_slot()
    image.octets[at : at + SIZE] = entry_format.serialize(Entry(b"..         ", DIRECTORY))


@mutation
def a_file_past_the_end(image: Image) -> None:
    image.change(ALPHA, cluster=image.layout.last_cluster + 1)


@mutation
def a_file_at_cluster_1(image: Image) -> None:
    image.change(ALPHA, cluster=1)


@mutation
def a_file_with_a_size_and_no_chain(image: Image) -> None:
    image.change(ALPHA, cluster=0)


@mutation
def a_file_with_a_chain_and_no_size(image: Image) -> None:
    image.change(ALPHA, size=0)


@mutation
def a_file_of_4_GiB(image: Image) -> None:
    image.change(ALPHA, size=0xFFFF_FFFF)


@mutation
def a_date_that_is_none(image: Image) -> None:
    image.change(ALPHA, modified_date=0xFFFF, modified_time=0xFFFF)


@mutation
def attributes_that_mean_nothing(image: Image) -> None:
    image.change(ALPHA, attributes=0xE0)


@mutation
def a_name_of_control_characters(image: Image) -> None:
    image.change(EMPTY, name=b'\x01\x02\x03/\\:*?"<>')


@mutation
def a_name_of_spaces(image: Image) -> None:
    image.change(EMPTY, name=b"           ")


@mutation
def a_name_in_lower_case(image: Image) -> None:
    image.change(GAMMA, name=b"gamma   bin")


@mutation
def a_name_that_is_there_twice(image: Image) -> None:
    image.change(GAMMA, name=ALPHA)


@mutation
def a_second_label(image: Image) -> None:
    at = image.free_slot()
    for number, name in enumerate((b"ONE        ", b"TWO        ")):
        image.octets[at + number * SIZE : at + (number + 1) * SIZE] = entry_format.serialize(Entry(name, LABEL))


@mutation
def octets_behind_the_last_entry(image: Image) -> None:
    at = image.free_slot() + 3 * SIZE
    image.octets[at : at + 40] = b"left over" * 4 + b"leftover"[:4]


# --- long names


@mutation
def a_long_name_of_another_file(image: Image) -> None:
    at = image.find(BETA)
    image.octets[at - SIZE + 13] ^= 0x55


@mutation
def a_long_name_without_its_last_part(image: Image) -> None:
    at = image.find(BETA)
    image.octets[at - 2 * SIZE] = 0xE5


@mutation
def a_long_name_in_the_wrong_order(image: Image) -> None:
    at = image.find(BETA)
    image.octets[at - SIZE] = 9


@mutation
def a_long_name_of_garbage(image: Image) -> None:
    at = image.find(BETA)
    image.octets[at - SIZE + 1 : at - SIZE + 11] = b"/\0\\\0\0\0:\0\xff\xd8"


@mutation
def a_long_name_of_63_parts(image: Image) -> None:
    at = image.free_slot()
    tie = long_name.checksum(b"MANY       ")
    part = b"x\0" * 5, b"\x0f\0" + bytes([tie]), b"x\0" * 6 + b"\0\0" + b"x\0" * 2
    for number in range(10, 0, -1):
        order = number | (0x40 if number == 10 else 0) | 0x20
        image.octets[at : at + SIZE] = bytes([order]) + b"".join(part)
        at += SIZE
    image.octets[at : at + SIZE] = entry_format.serialize(Entry(b"MANY       "))
