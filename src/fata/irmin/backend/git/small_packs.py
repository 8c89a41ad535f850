"""The files of small packs: a commit's pack and index are written into those of packs that were joined with others."""

from __future__ import annotations

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
        self._retired: list[PackFiles] = []  # which git cannot find, unless a power cut brings them back
        self._spare: deque[PackFiles] = deque()

    def write(self, pack: bytes, index: bytes) -> PackFiles | None:
        """Write two files that git does not see yet; None if that cannot be done here. Raises OSError."""
        while self._spare:
            files = self._spare.popleft()
            if files.pack.claim():
                if files.idx.claim():
                    return _rewritten(files, pack, index)
                files.pack.release()
            _forsake(files)
        first = self._workshop.make(pack, READ_ONLY)
        second = None if first is None else self._workshop.make(index, READ_ONLY)
        return None if first is None or second is None else PackFiles(first, second)

    def retire(self, path: str, files: PackFiles) -> None:
        """Take a pack away from git."""
        remove_if_there(f"{path}.idx")  # before the pack: an index without one is an error to git
        remove_if_there(f"{path}.pack")
        self._retired.append(files)

    def reuse(self) -> None:
        """Let what was retired be written again: by now no power cut brings it back, if that matters."""
        self._spare += self._retired
        self._retired.clear()

    def close(self) -> None:
        """Forget all files."""
        self._retired.clear()
        self._spare.clear()


def _rewritten(files: PackFiles, pack: bytes, index: bytes) -> PackFiles:
    try:
        files.pack.rewrite(pack)
        files.idx.rewrite(index)
    except BaseException:
        files.idx.release()
        _forsake(files)
        raise
    return files


def _forsake(files: PackFiles) -> None:
    for each in files:
        each.forsake()
