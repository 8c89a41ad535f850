"""Loose objects: a file each, objects/xx/yyyy…, never changed once it is there."""

from __future__ import annotations

import os
from collections.abc import Iterator

from fata.disk.git.errors import Malformed
from fata.disk.git.objects import Object, parse_loose, serialize_loose
from fata.irmin.backend.git.files import Staged, freshen, read_whole
from fata.irmin.errors import CorruptObject

HEX = "0123456789abcdef"


class LooseObjects:
    """The loose objects of a directory `objects`."""

    def __init__(self, directory: str, *, level: int, limit: int) -> None:
        self._directory = directory
        self._level = level
        self._limit = limit

    def path(self, oid: bytes) -> str:
        """Return where an object is, if it is here."""
        digits = oid.hex()
        return f"{self._directory}/{digits[:2]}/{digits[2:]}"

    def read(self, oid: bytes) -> Object | None:
        """Return an object; None if it is not here. Raises `CorruptObject`."""
        octets = read_whole(self.path(oid))
        if octets is None:
            return None
        try:
            return parse_loose(octets, self._limit)
        except Malformed as error:
            raise CorruptObject(oid, str(error)) from None

    def contains(self, oid: bytes) -> bool:
        """Whether an object is here."""
        return os.path.exists(self.path(oid))

    def stage(self, staged: Staged, oid: bytes, found: Object) -> None:
        """Write an object that has yet to appear, unless it is here. Raises OSError."""
        path = self.path(oid)
        if freshen(path):
            staged.files.append(path)  # whoever wrote it may not have forced it to disk
            return
        octets = serialize_loose(*found, self._level)
        try:
            staged.add(path, octets)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            staged.add(path, octets)
            staged.directories.append(self._directory)

    def ids(self) -> Iterator[bytes]:
        """Yield the ids of all that is here."""
        for first in HEX:
            for second in HEX:
                yield from self._ids_in(first + second)

    def _ids_in(self, prefix: str) -> Iterator[bytes]:
        try:
            names = os.listdir(f"{self._directory}/{prefix}")
        except FileNotFoundError:
            return
        for name in names:
            if len(name) == 38 and all(digit in HEX for digit in name):
                yield bytes.fromhex(prefix + name)
