"""Volumes broken on purpose: what to break, and the list of ways, which the modules `broken_*` fill."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable

from fata.disk.fat import entry as entry_format
from fata.disk.fat.boot import parse
from fata.disk.fat.entry import SIZE, Entry
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
