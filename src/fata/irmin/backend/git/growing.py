"""Packs for a writer that keeps writing: one small pack a commit, joined with others before they are many.

Four files for a commit's objects cost more than everything else about it; a pack and its index are two, in one
directory, and git sees them at once. Whenever sixteen packs of one size have come together they are joined to one of
the next size, so a writer of N commits leaves about 16 log16 N packs, and each object is written again log16 N times.
They are stored, not compressed: `git gc` will do that better, and a commit that waits for zlib takes twice as long.
Joining is done by a thread: most of it is the kernel's work, and no commit has to wait for it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha1
from typing import TYPE_CHECKING, NamedTuple

from fata.disk.git import pack_index
from fata.disk.git.objects import Object
from fata.disk.git.pack import HEADER, MAGIC, Packed, serialize
from fata.irmin.backend.git.files import Piece, Staged, read_whole, remove_if_there
from fata.irmin.backend.git.persistence import Persistence
from fata.irmin.backend.git.rewritable import Workshop
from fata.irmin.backend.git.small_packs import PackFiles, SmallPacks

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

FAN = 16  # packs that are joined
STORED = 0  # zlib's level for what is written a commit at a time
LARGEST = 64 << 20  # octets of a pack that is joined no more
KEPT = 1 << 17  # octets of a pack that is remembered until it is joined, not read again
MOST_PIECES = 1000  # that are written at once; the limit is IOV_MAX, 1024
PAUSE = 0.05  # seconds: longer than git takes from reading the directory to opening what it found there
TRAILER = 20  # octets of hash at a pack's end


class Written(NamedTuple):
    """A pack of ours: its path without ending, its size, what is where in it, and the octets of its entries."""

    path: str
    size: int
    entries: list[Packed]
    pieces: list[Piece] | None  # in order; None: read them again
    files: PackFiles | None = None  # that can be written again


class GrowingPacks:
    """Writes packs into a directory `objects/pack`, and joins those it wrote."""

    def __init__(self, directory: str, level: int, persistence: Persistence, workshop: Workshop) -> None:
        self._directory = directory
        self._level = level
        self._persistence = persistence
        self._small = SmallPacks(workshop)
        self._smallest: list[Written] = []  # those that came of a commit
        self._sizes: list[list[Written]] = []  # those that came of joining once, twice …
        self._replaced: list[Written] = []  # packs whose objects are in others by now
        self._thread: ThreadPoolExecutor | None = None
        self._joining: Future[None] | None = None

    def write(self, objects: Mapping[bytes, Object]) -> None:
        """Write objects as a pack, compressed, that is never joined. Raises OSError."""
        staged = Staged()
        self.stage_compressed(staged, objects)
        self._persistence.settle(staged)

    def stage_compressed(self, staged: Staged, objects: Mapping[bytes, Object]) -> None:
        """Write objects as a pack that is never joined; its index has yet to appear. Raises OSError."""
        content, packed = serialize(objects.items(), len(objects), self._level)
        self._stage(staged, [content], packed, content[-TRAILER:])

    def stage(self, staged: Staged, objects: Mapping[bytes, Object]) -> Written:
        """Write objects as a pack that can be joined later, and has yet to appear. Raises OSError."""
        content, packed = serialize(objects.items(), len(objects), STORED)
        pack_hash = content[-TRAILER:]
        path = f"{self._directory}/pack-{pack_hash.hex()}"
        files = self._small.write(content, pack_index.serialize(packed, pack_hash))
        if files is None:
            self._stage(staged, [content], packed, pack_hash)
        else:
            staged.link(files.pack.path, f"{path}.pack")
            staged.link(files.idx.path, f"{path}.idx")
        body = memoryview(content)[HEADER.size : -TRAILER]
        return Written(path, len(content), packed, [body] if len(content) <= KEPT else None, files)

    def _stage(self, staged: Staged, pieces: Sequence[Piece], packed: list[Packed], pack_hash: bytes) -> str:
        """Write a pack that has yet to appear, right before its index.

        A pack whose index is not there is one that `git repack` removes at its end, without having looked into it: it
        notes the names of packs first and reads indexes later. So it must not be seen while the disk is waited for.
        """
        path = f"{self._directory}/pack-{pack_hash.hex()}"
        try:
            staged.stage(f"{path}.pack", pieces)
            staged.add(f"{path}.idx", pack_index.serialize(packed, pack_hash))
        except OSError:
            staged.discard()
            raise
        return path

    def join(self, written: Written) -> None:
        """Note a pack that has appeared, and have them joined when they are enough."""
        self._smallest.append(written)
        if len(self._smallest) < FAN:
            return
        group, self._smallest = self._smallest, []
        self.settle()
        size = 0
        if self._persistence.careless:  # no waiting: then it takes less than two threads take from each other
            group = self._climb_once(group, size)
            size = 1
        if group:
            self._joining = self._pool().submit(self._climb, group, size)

    def _pool(self) -> ThreadPoolExecutor:
        if self._thread is None:
            from concurrent.futures import ThreadPoolExecutor  # who does not commit often does not pay for it

            self._thread = ThreadPoolExecutor(1, "joining packs")
        return self._thread

    def make_anew(self) -> None:
        """Write no files again that were made before."""
        self.settle()
        self._small.forsake()

    def settle(self) -> None:
        """Wait until nothing is being joined."""
        joining, self._joining = self._joining, None
        if joining is not None:
            joining.result()

    def close(self) -> None:
        """Join what is left of small packs, so that who comes and goes leaves one, and end the thread."""
        self.settle()
        group, self._smallest = self._smallest, []
        if len(group) > 1:
            self._climb(group, 0)
        if self._replaced:
            time.sleep(PAUSE)
        self._remove_replaced()
        self._small.forsake()
        self._smallest = [each._replace(files=None) for each in group if len(group) == 1]
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None

    def _climb(self, group: list[Written], size: int) -> None:
        """Join packs; join those of the next size if they are enough now, and so on."""
        while group:
            group = self._climb_once(group, size)
            size += 1

    def _climb_once(self, group: list[Written], size: int) -> list[Written]:
        """Join packs of a size; return those of the next if they are enough now."""
        if size == 0:
            self._remove_replaced()
        joined: Written | None = None
        with suppress(OSError):  # a full disk: then they stay as they are, and nothing is lost
            joined = self._joined(group)
        if joined is None:
            return []
        if size == 0:  # a round of commits has passed, and the directory has just become as durable as it has to be
            self._small.reuse()
        if size == len(self._sizes):
            self._sizes.append([])
        self._sizes[size].append(joined)
        if len(self._sizes[size]) < FAN:
            return []
        group, self._sizes[size] = self._sizes[size], []
        return group

    def _joined(self, group: list[Written]) -> Written | None:
        """Write one pack in place of several; None if they are large, or git has packed them meanwhile."""
        if sum([each.size for each in group]) > LARGEST or os.path.exists(f"{self._directory}/multi-pack-index"):
            return None  # that index names packs
        if not _is_there(group[0]):  # git takes all that it finds, so if it has not taken the oldest it has taken none
            group = [each for each in group if _is_there(each)]
        pieces: list[Piece] = []
        entries: dict[bytes, Packed] = {}
        size = HEADER.size
        for each in group:
            found = each.pieces or _body(each.path)
            if found is not None:
                size = _append(each.entries, found, entries, pieces, size)
        if not entries:
            return None
        if len(pieces) > MOST_PIECES:
            pieces = [b"".join(pieces)]
        written = self._write_joined(pieces, list(entries.values()), size + TRAILER)
        self._replaced += [each for each in group if each.path != written.path]
        return written

    def _remove_replaced(self) -> None:
        """Remove packs that were joined the last time.

        Not sooner: a git that looks for a new object reads the directory once. If it missed the joined pack, which
        came while it was reading, the one that it saw must still be there.
        """
        replaced, self._replaced = self._replaced, []
        for path, _, _, _, files in replaced:
            if files is not None:
                self._small.retire(path, files)
            else:
                remove_if_there(f"{path}.idx")  # before the pack: an index without one is an error to git
                remove_if_there(f"{path}.pack")
            self._persistence.forget(f"{path}.idx", f"{path}.pack")

    def _write_joined(self, pieces: list[Piece], entries: list[Packed], size: int) -> Written:
        header = HEADER.pack(MAGIC, 2, len(entries))
        digest = sha1(header)
        for piece in pieces:
            digest.update(piece)
        pack_hash = digest.digest()
        staged = Staged()
        path = self._stage(staged, (header, *pieces, pack_hash), entries, pack_hash)
        self._persistence.settle(staged, replacing=True)
        return Written(path, size, entries, pieces if size <= KEPT else None)


def _is_there(pack: Written) -> bool:
    """Whether git has not packed a pack's objects with others, and removed it."""
    return os.access(f"{pack.path}.idx", os.F_OK)


def _body(path: str) -> list[Piece] | None:
    content = read_whole(f"{path}.pack")
    return None if content is None else [memoryview(content)[HEADER.size : -TRAILER]]


def _append(
    added: list[Packed], octets: list[Piece], entries: dict[bytes, Packed], pieces: list[Piece], at: int
) -> int:
    """Add a pack's entries to others that end at `at`, except those that are there; return where they end now."""
    shift = at - HEADER.size
    moved = {oid: (oid, offset + shift, crc) for oid, offset, crc in added}
    if entries.keys().isdisjoint(moved):
        entries.update(moved)
        pieces += octets
        return at + sum(map(len, octets))
    whole = octets[0] if len(octets) == 1 else b"".join(octets)
    ends = [offset for _, offset, _ in added[1:]] + [len(whole) + HEADER.size]
    for (oid, offset, crc), end in zip(added, ends, strict=True):
        if oid not in entries:
            entries[oid] = oid, at, crc
            pieces.append(whole[offset - HEADER.size : end - HEADER.size])
            at += end - offset
    return at
