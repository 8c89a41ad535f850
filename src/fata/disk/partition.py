"""Partitions, whatever table they stand in: what they are, and how they are laid out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fata.errors import ConfigError, DeviceError

ALIGNMENT = 1 << 20  # octets: what every partitioner since 2009 starts partitions at, for the sake of large pages


class PartitionError(DeviceError):
    """A disk's partition table is none, damaged, or says what cannot be."""


class Partition(NamedTuple):
    """A span of sectors. `kind` is an octet as two hexadecimal digits in an MBR, a GUID in a GPT."""

    number: int  # from 1; in an MBR 5 and more are logical
    first: int
    sectors: int
    kind: str
    name: str = ""
    bootable: bool = False
    identity: str = ""  # a GUID of its own; "" in an MBR

    @property
    def end(self) -> int:
        """The sector behind the last."""
        return self.first + self.sectors


class Wish(NamedTuple):
    """A partition to be. `octets` None is all that is left; only the last may ask for that."""

    octets: int | None
    kind: str
    name: str = ""
    bootable: bool = False


class Kind(NamedTuple):
    """A well-known kind of contents, in both tables."""

    name: str
    mbr: str
    gpt: str


KINDS = (
    Kind("data", "0c", "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"),  # FAT, exFAT, NTFS
    Kind("linux", "83", "0FC63DAF-8483-4772-8E79-3D69D8477DE4"),
    Kind("swap", "82", "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F"),
    Kind("efi", "ef", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"),
)


def kind_name(kind: str) -> str:
    """Name a well-known kind; "" for another."""
    return next((known.name for known in KINDS if kind in (known.mbr, known.gpt)), "")


def check_layout(partitions: Iterable[Partition], first: int, end: int) -> None:
    """Refuse partitions outside [first, end) and such as overlap. Raises PartitionError."""
    before: Partition | None = None
    for partition in sorted(partitions, key=lambda partition: partition.first):
        if partition.sectors < 1 or partition.first < first or partition.end > end:
            raise PartitionError(
                f"partition {partition.number}: {partition.sectors} sectors from {partition.first} on do not lie "
                f"between sectors {first} and {end}"
            )
        if before is not None and partition.first < before.end:
            raise PartitionError(f"partitions {before.number} and {partition.number} overlap at {partition.first}")
        before = partition


def lay_out(
    wishes: Sequence[Wish], sector_size: int, first: int, end: int, *, step: int, gap: int = 0
) -> list[Partition]:
    """Place partitions one behind the other in [first, end), numbered from 1, each at a multiple of `step`.

    `gap` sectors stay free before each. Raises ConfigError when they do not fit.
    """
    placed: list[Partition] = []
    position = first
    for number, wish in enumerate(wishes, 1):
        start = -(-(position + gap) // step) * step
        if wish.octets is None and number < len(wishes):
            raise ConfigError("only the last partition can have all that is left", remedy="Give the others a size.")
        # What is left ends on a boundary as well, if that leaves anything.
        room = end - start
        sectors = (room - room % step or room) if wish.octets is None else -(-wish.octets // sector_size)
        if sectors < 1 or start + sectors > end:
            raise ConfigError(
                f"partition {number}: {max(sectors, 1)} sectors from {start} on do not fit before sector {end}",
                remedy="Make the partitions smaller, or the disk larger.",
            )
        placed.append(Partition(number, start, sectors, wish.kind, wish.name, wish.bootable))
        position = start + sectors
    return placed


def alignment(sector_size: int, sectors: int) -> int:
    """Return what partitions of a disk are aligned to, in sectors: 1 MiB, less on a disk that is small."""
    step = ALIGNMENT // sector_size
    while step > 1 and step * 16 > sectors:
        step //= 2
    return step
