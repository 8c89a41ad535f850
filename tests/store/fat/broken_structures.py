"""Ways to break FATs, directories and long names."""

# ruff: noqa: N802 -- a mutation is called what it is

from __future__ import annotations

from fata.disk.fat import entry as entry_format
from fata.disk.fat import long_name
from fata.disk.fat.entry import DIRECTORY, LABEL, SIZE, Entry
from tests.store.fat.broken_images import ALPHA, BETA, EMPTY, FOLDER, GAMMA, SUB, Image, mutation

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
