"""The packs of a git directory: mapped into memory, looked into, and looked for again when an object is missing."""

from __future__ import annotations

import mmap
import os
import time
from collections import OrderedDict
from collections.abc import Iterator

from fata.disk.git.delta import apply_delta
from fata.disk.git.errors import Malformed
from fata.disk.git.objects import Object
from fata.disk.git.pack import HEADER, KIND_OF, Entry, inflate, parse_entry, parse_header
from fata.disk.git.pack_index import PackIndex
from fata.irmin.backend.git.files import freshen
from fata.irmin.errors import CorruptObject

BASES = 16 << 20  # octets of bases that a pack remembers
LONGEST_CHAIN = 4096  # deltas; git makes 50 at most, and some 4,095 where it is asked to


class Pack:
    """One pack and its index."""

    def __init__(self, path: str, limit: int) -> None:
        """Map `path`.pack and `path`.idx. Raises OSError, `Malformed`."""
        self.path = path
        self._limit = limit
        self.index = PackIndex(_mapped(f"{path}.idx"))
        self._octets = _mapped(f"{path}.pack")
        if parse_header(self._octets) != self.index.count:
            raise Malformed(f"{path}: pack and index differ in how many objects they have")
        self._bases: OrderedDict[int, Object] = OrderedDict()
        self._bases_size = 0

    def read(self, oid: bytes) -> Object | None:
        """Return an object; None if it is not in this pack. Raises `Malformed`."""
        at = self.index.find(oid)
        return None if at is None else self._read_at(at)

    def _read_at(self, at: int) -> Object:
        chain: list[tuple[int, Entry]] = []
        seen: set[int] = set()
        while True:
            found = self._bases.get(at)
            if found is not None:
                break
            if at in seen or len(chain) > LONGEST_CHAIN:
                raise Malformed(f"{self.path}: the deltas at octet {at} lead back to themselves, or too far")
            seen.add(at)
            entry = parse_entry(self._octets, at)
            if entry.base is None:
                found = KIND_OF[entry.type], inflate(self._octets, entry, self._limit)
                break
            chain.append((at, entry))
            at = self._base_of(entry)
        for place, entry in reversed(chain):
            self._remember(at, found)
            delta = inflate(self._octets, entry, self._limit)
            found = found[0], apply_delta(found[1], delta, self._limit)
            at = place
        return found

    def _base_of(self, entry: Entry) -> int:
        if isinstance(entry.base, int):
            return entry.base
        assert entry.base is not None
        at = self.index.find(entry.base)
        if at is None or at < HEADER.size:
            raise Malformed(f"{self.path}: a delta's base {entry.base.hex()} is not in the pack")
        return at

    def _remember(self, at: int, found: Object) -> None:
        if at in self._bases:
            return
        self._bases[at] = found
        self._bases_size += len(found[1])
        while self._bases_size > BASES:
            self._bases_size -= len(self._bases.popitem(last=False)[1][1])


class Packs:
    """All packs of a directory `objects`."""

    def __init__(self, directory: str, limit: int) -> None:
        self._directory = f"{directory}/pack"
        self._limit = limit
        self._packs: dict[str, Pack] = {}
        self.broken: dict[str, str] = {}  # packs that make no sense, and why
        self._seen: tuple[int, int] | None = None
        self._last: Pack | None = None  # where the last object was: the next is likely there, too
        self.rescan()

    def rescan(self) -> bool:
        """Look for packs that came or went; say whether there were any."""
        try:
            status = os.stat(self._directory)
        except FileNotFoundError:
            return False
        stamp = status.st_mtime_ns, status.st_ino
        if stamp == self._seen:
            return False
        names = {name[:-4] for name in os.listdir(self._directory) if name.endswith(".idx")}
        # A directory that changes within the clock's tick looks unchanged afterwards: look again next time.
        self._seen = stamp if status.st_mtime_ns + 2_000_000_000 < time.time_ns() else None
        before = set(self._packs) | set(self.broken)
        for name in before - names:
            self.broken.pop(name, None)
            if self._packs.pop(name, None) is self._last:
                self._last = None
        gone = [name for name in sorted(names - before) if not self._open(name)]
        if gone:
            self._seen = None
        return bool(gone) or set(self._packs) | set(self.broken) != before

    def _open(self, name: str) -> bool:
        """Open a pack; False if it was removed while we looked: its objects are in another one by now."""
        try:
            self._packs[name] = Pack(f"{self._directory}/{name}", self._limit)
        except FileNotFoundError:
            return False
        except (Malformed, ValueError) as error:  # ValueError: an empty file cannot be mapped
            self.broken[name] = str(error)
        return True

    def read_near(self, oid: bytes) -> Object | None:
        """Return an object if it is in the pack where the last one was: no file has to be opened to know."""
        try:
            return None if self._last is None else self._last.read(oid)
        except Malformed as error:
            raise CorruptObject(oid, str(error)) from None

    def read(self, oid: bytes) -> Object | None:
        """Return an object; None if no pack has it. Raises `CorruptObject`."""
        try:
            for pack in tuple(self._packs.values()):  # another thread may find more meanwhile
                if (found := pack.read(oid)) is not None:
                    self._last = pack
                    return found
        except Malformed as error:
            raise CorruptObject(oid, str(error)) from None
        return None

    def contains(self, oid: bytes) -> bool:
        """Whether a pack has an object."""
        return any(pack.index.find(oid) is not None for pack in tuple(self._packs.values()))

    def freshen(self, oid: bytes) -> bool:
        """Make a pack young that has an object; False if none has it that is still there."""
        found = (pack for pack in tuple(self._packs.values()) if pack.index.find(oid) is not None)
        return any(freshen(f"{pack.path}.pack") for pack in found)

    def ids(self) -> Iterator[bytes]:
        """Yield the ids of all objects in packs."""
        for pack in tuple(self._packs.values()):
            yield from pack.index.ids()

    def all(self) -> list[Pack]:
        """Return the packs."""
        return list(self._packs.values())

    def __len__(self) -> int:
        return len(self._packs)


def _mapped(path: str) -> memoryview:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ))
    finally:
        os.close(descriptor)
