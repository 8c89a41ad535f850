"""Objects that were read a moment ago."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from fata.disk.git.objects import Object

SIZE = 64 << 20  # octets of all bodies
LARGEST = 1 << 20  # octets of one: contents that are larger are not likely to be asked for twice
OVERHEAD = 200  # octets that an entry costs besides its body
PORTION = 16  # one of so many goes when there is no room: a dict looks for its oldest key at length, so not for each


class ObjectCache:
    """A bounded map of objects whose hashes have been checked; the oldest go first."""

    def __init__(self, size: int = SIZE) -> None:
        self._objects: dict[bytes, Object] = {}
        self._room = size
        self.get = self._objects.get

    def keep(self, oid: bytes, found: Object) -> None:
        """Remember an object."""
        self.keep_all({oid: found})

    def keep_all(self, objects: Mapping[bytes, Object]) -> None:
        """Remember objects that are not there yet."""
        for oid, found in objects.items():
            cost = len(found[1]) + OVERHEAD
            if cost <= LARGEST and oid not in self._objects:
                self._objects[oid] = found
                self._room -= cost
        if self._room < 0:
            self._make_room()

    def _make_room(self) -> None:
        while self._room < 0:
            for oid in list(islice(self._objects, len(self._objects) // PORTION + 1)):
                self._room += len(self._objects.pop(oid)[1]) + OVERHEAD

    def clear(self) -> None:
        """Forget all: after objects have been deleted."""
        for _, body in self._objects.values():
            self._room += len(body) + OVERHEAD
        self._objects.clear()
