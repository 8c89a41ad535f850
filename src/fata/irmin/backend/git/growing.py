"""Packs for a writer that keeps writing: one small pack a commit, joined with others before they are many.

Four files for a commit's objects cost more than everything else about it; a pack and its index are two, in one
directory, and git sees them at once. Whenever sixteen packs of one size have come together they are joined to one of
the next size, so a writer of N commits leaves about 16 log16 N packs, and each object is written again log16 N times.
They are stored, not compressed: `git gc` will do that better, and a commit that waits for zlib takes twice as long.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha1
from typing import NamedTuple

from fata.disk.git import pack_index
from fata.disk.git.objects import Object
from fata.disk.git.pack import HEADER, MAGIC, Packed, serialize
from fata.irmin.backend.git.files import Staged, read_whole, remove_if_there, write_aside, write_new
from fata.irmin.backend.git.persistence import Persistence

FAN = 16  # packs that are joined
STORED = 0  # zlib's level for what is written a commit at a time
LARGEST = 64 << 20  # octets of a pack that is joined no more
KEPT = 1 << 17  # octets of a pack that is remembered until it is joined, not read again
TRAILER = 20  # octets of hash at a pack's end


class Written(NamedTuple):
    """A pack of ours: its path without ending, and what is where in it."""

    path: str
    size: int
    entries: list[Packed]
    content: bytes | None


class GrowingPacks:
    """Writes packs into a directory `objects/pack`, and joins those it wrote."""

    def __init__(self, directory: str, level: int, persistence: Persistence) -> None:
        self._directory = directory
        self._level = level
        self._persistence = persistence
        self._sizes: list[list[Written]] = []

    def write(self, objects: Mapping[bytes, Object]) -> None:
        """Write objects as a pack, compressed, that is never joined. Raises OSError."""
        staged = Staged()
        self.stage(staged, objects, compressed=True)
        self._persistence.settle(staged)

    def stage(self, staged: Staged, objects: Mapping[bytes, Object], *, compressed: bool = False) -> Written:
        """Write objects as a pack that can be joined later; its index has yet to appear. Raises OSError."""
        return self._stage(staged, *serialize(objects.items(), len(objects), self._level if compressed else STORED))

    def _stage(self, staged: Staged, content: bytes, packed: list[Packed]) -> Written:
        path = f"{self._directory}/pack-{content[-TRAILER:].hex()}"
        pack = f"{path}.pack"
        try:
            write_new(pack, content)  # nobody looks at a pack before its index is there
        except FileExistsError:  # the same objects were packed before, perhaps by somebody who was killed then
            os.rename(write_aside(pack, content), pack)
        staged.files.append(pack)
        staged.add(f"{path}.idx", pack_index.serialize(packed, content[-TRAILER:]))
        return Written(path, len(content), packed, content if len(content) <= KEPT else None)

    def join(self, written: Written) -> None:
        """Note a pack that has appeared; join those of its size if they are enough, and so on. Raises OSError."""
        size = 0
        while True:
            if size == len(self._sizes):
                self._sizes.append([])
            group = self._sizes[size]
            group.append(written)
            if len(group) < FAN:
                return
            self._sizes[size] = []
            total = sum(each.size for each in group)
            if total > LARGEST or os.path.exists(f"{self._directory}/multi-pack-index"):  # that one names packs
                return
            joined = self._joined(group)
            if joined is None:
                return
            written = joined
            size += 1

    def _joined(self, group: list[Written]) -> Written | None:
        """Write one pack in place of several; None if there is nothing left to write: git has packed it meanwhile."""
        pieces: list[bytes] = []
        packed: dict[bytes, Packed] = {}
        at = HEADER.size
        for each in group:
            if not os.path.exists(f"{each.path}.idx"):
                continue
            content = each.content or read_whole(f"{each.path}.pack")
            if content is None:
                continue
            ends = [entry.offset for entry in each.entries[1:]] + [len(content) - TRAILER]
            for entry, end in zip(each.entries, ends, strict=True):
                if entry.id not in packed:
                    packed[entry.id] = Packed(entry.id, at, entry.crc)
                    pieces.append(content[entry.offset : end])
                    at += end - entry.offset
        if not packed:
            return None
        body = b"".join((HEADER.pack(MAGIC, 2, len(packed)), *pieces))
        staged = Staged()
        written = self._stage(staged, body + sha1(body).digest(), list(packed.values()))
        self._persistence.settle(staged, replacing=True)
        for each in group:
            if each.path != written.path:
                remove_if_there(f"{each.path}.idx")  # before the pack: an index without one is an error to git
                remove_if_there(f"{each.path}.pack")
                self._persistence.forget(f"{each.path}.idx", f"{each.path}.pack")
        return written
