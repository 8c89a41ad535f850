"""Packs for a writer that keeps writing: one small pack a commit, joined with others before they are many.

Four files for a commit's objects cost more than everything else about it; a pack and its index are two, in one
directory, and git sees them at once. Whenever sixteen packs of one size have come together they are joined to one of
the next size, so a writer of N commits leaves about 16 log16 N packs, and each object is written again log16 N times.
They are stored, not compressed: `git gc` will do that better, and a commit that waits for zlib takes twice as long.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from hashlib import sha1
from typing import NamedTuple

from fata.disk.git import pack_index
from fata.disk.git.objects import Object
from fata.disk.git.pack import HEADER, MAGIC, Packed, serialize
from fata.irmin.backend.git.files import read_whole, remove_if_there, write_all, write_whole

FAN = 16  # packs that are joined
STORED = 0  # zlib's level for what is written a commit at a time
LARGEST = 64 << 20  # octets of a pack that is joined no more
TRAILER = 20  # octets of hash at a pack's end


class Written(NamedTuple):
    """A pack of ours: its path without ending, and what is where in it."""

    path: str
    size: int
    entries: list[Packed]


class GrowingPacks:
    """Writes packs into a directory `objects/pack`, and joins those it wrote."""

    def __init__(self, directory: str, level: int, *, sync: bool, note: Callable[[str], object]) -> None:
        self._directory = directory
        self._level = level
        self._sync = sync
        self._note = note  # told of every file that was written
        self._sizes: list[list[Written]] = []

    def write(self, objects: Mapping[bytes, Object], *, join: bool = True) -> None:
        """Write objects as a pack. Raises OSError."""
        content, packed = serialize(objects.items(), len(objects), STORED if join else self._level)
        written = self._put(content, packed)
        if join:
            self._join(written, 0)

    def _put(self, content: bytes, packed: list[Packed]) -> Written:
        path = f"{self._directory}/pack-{content[-TRAILER:].hex()}"
        index = pack_index.serialize(packed, content[-TRAILER:])
        try:
            self._create(f"{path}.pack", content)
        except FileExistsError:  # the same objects were packed before, perhaps by somebody who was killed then
            write_whole(f"{path}.pack", content, sync=self._sync)
        write_whole(f"{path}.idx", index, sync=self._sync)  # nobody looks at a pack before its index is there
        self._note(f"{path}.pack")
        self._note(f"{path}.idx")
        return Written(path, len(content), packed)

    def _create(self, path: str, content: bytes) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
        try:
            write_all(descriptor, content)
            if self._sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _join(self, written: Written, size: int) -> None:
        """Note a pack of a size; join those of its size if they are enough, and the next ones if that makes enough."""
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
            content = read_whole(f"{each.path}.pack")
            if content is None or not os.path.exists(f"{each.path}.idx"):
                continue
            ends = [entry.offset for entry in each.entries[1:]] + [len(content) - TRAILER]
            for entry, end in zip(each.entries, ends, strict=True):
                if entry.id not in packed:
                    packed[entry.id] = entry._replace(offset=at)
                    pieces.append(content[entry.offset : end])
                    at += end - entry.offset
        if not packed:
            return None
        body = b"".join((HEADER.pack(MAGIC, 2, len(packed)), *pieces))
        written = self._put(body + sha1(body).digest(), list(packed.values()))
        for each in group:
            if each.path != written.path:
                remove_if_there(f"{each.path}.idx")  # before the pack: an index without one is an error to git
                remove_if_there(f"{each.path}.pack")
        return written
