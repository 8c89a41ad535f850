"""Where the octets of an image go."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from elftools.elf.elffile import ELFFile

from fata.target.image.archive import Entry, write_archive
from fata.target.image.image import Image

RUNTIME, REST = "kernel and Python", "tables and padding"
MEANING = {
    ".kernel.text": "kernel",
    ".PyRuntime": "interpreter state",
    ".text": "code: Python, C library, and OpenSSL in the full runtime",
    ".rodata": "constants and frozen modules",
    ".data": "variables",
    ".eh_frame": "unwind tables",
}


class Part(NamedTuple):
    """Something with a size, in octets."""

    name: str
    size: int


class Group(NamedTuple):
    """Parts that belong together, the largest first."""

    name: str
    parts: tuple[Part, ...]

    @property
    def size(self) -> int:
        """Octets of all parts."""
        return sum(part.size for part in self.parts)


def sizes(image: Image) -> list[Group]:
    """Return the groups of an image, the largest first; together they are the file's size."""
    members: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for entry in image.entries:
        members[entry.group][_whole(entry)] += len(entry.data)
    runtime = image.runtime.elf.read_bytes()
    for part in _sections(runtime):
        members[RUNTIME][part.name] += part.size
    packed = sum(len(entry.data) for entry in image.entries)
    archive = len(write_archive(image.entries))
    members[REST]["the archive's"] = archive - packed
    members[REST]["the ELF file's"] = len(image.octets()) - archive - sum(members[RUNTIME].values())
    groups = [Group(name, _sorted(parts)) for name, parts in members.items()]
    return sorted(groups, key=lambda group: (-group.size, group.name))


def _whole(entry: Entry) -> str:
    """Return what an entry is charged to: source and code of a module are one."""
    return entry.name.removesuffix(".__init__") or entry.path


def _sorted(parts: dict[str, int]) -> tuple[Part, ...]:
    return tuple(Part(name, size) for name, size in sorted(parts.items(), key=lambda part: (-part[1], part[0])) if size)


def _sections(elf: bytes) -> Iterator[Part]:
    """Yield the sections that are in the file and in memory."""
    for section in ELFFile(io.BytesIO(elf)).iter_sections():
        if section["sh_flags"] & 2 and section["sh_type"] != "SHT_NOBITS":  # SHF_ALLOC
            yield Part(MEANING.get(section.name, section.name), section["sh_size"])
