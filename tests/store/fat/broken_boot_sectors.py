"""Ways to break a boot sector, or to cut a volume off."""

# ruff: noqa: N802 -- a mutation is called what it is

from __future__ import annotations

from tests.store.fat.broken_images import Image, mutation


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
