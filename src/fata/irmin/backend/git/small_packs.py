"""The files of small packs: a commit's pack and index are written into those of packs that were joined with others."""

from __future__ import annotations

import os
from collections import deque
from typing import NamedTuple

from fata.irmin.backend.git.files import READ_ONLY, remove_if_there
from fata.irmin.backend.git.rewritable import Rewritable, Workshop


class PackFiles(NamedTuple):
    """A pack's two files."""

    pack: Rewritable
    idx: Rewritable


class SmallPacks:
    """Writes files of packs, into those that were given up where that is possible."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._retired: list[PackFiles] = []  # in this round: somebody may be about to open them
        self._resting: list[PackFiles] = []  # in the round before
        self._spare: deque[PackFiles] = deque()
        self._process = os.getpid()

    def write(self, pack: bytes, index: bytes) -> PackFiles | None:
        """Write two files that git does not see yet; None if that cannot be done here. Raises OSError."""
        if self._spare and os.getpid() == self._process:  # a fork has the same files
            files = self._spare.popleft()
            try:
                files.pack.rewrite(pack)
                files.idx.rewrite(index)
            except BaseException:
                _forsake(files)
                raise
            return files
        first = self._workshop.make(pack, READ_ONLY)
        if first is None:
            return None
        second = self._workshop.make(index, READ_ONLY)
        if second is None:
            first.forsake()
            return None
        return PackFiles(first, second)

    def retire(self, path: str, files: PackFiles) -> None:
        """Take a pack away from git."""
        remove_if_there(f"{path}.idx")  # before the pack: an index without one is an error to git
        remove_if_there(f"{path}.pack")
        self._retired.append(files)

    def reuse(self) -> None:
        """Let what was retired when this was called the last time be written again.

        By then no power cut brings it back, if that matters.
        """
        resting, self._resting, self._retired = self._resting, self._retired, []
        for files in resting:
            pack, idx = files
            if idx.claim() and pack.lease():  # whoever made links made one to the index, too: nothing is found without
                self._spare.append(files)
            else:
                _forsake(files)
            idx.release()
            pack.release()

    def forsake(self) -> None:
        """Write no files again that were made before."""
        for files in (*self._retired, *self._resting, *self._spare):
            _forsake(files)
        self._retired.clear()
        self._resting.clear()
        self._spare.clear()


def _forsake(files: PackFiles) -> None:
    for each in files:
        each.forsake()
