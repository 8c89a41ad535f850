"""Changes of directories that the disk does not have yet, in the order in which it is to get them."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple


class Patch(NamedTuple):
    """Octets at an offset in a sector of the disk."""

    sector: int
    offset: int
    data: bytes


class Log:
    """Patches, and what their sectors hold on the disk.

    So every point between the disk's state and the newest one can be written, though only the newest is in memory.
    """

    def __init__(self, unit: int) -> None:
        self.unit = unit
        self.patches: deque[Patch] = deque()
        self.octets = 0
        self._on_disk: dict[int, bytes] = {}

    def patch(self, offset: int, data: bytes, image: bytearray, at: int) -> None:
        """Change `image` at `at`, which lies at `offset` on the disk, and note it for the disk.

        `image` holds every sector that is touched as a whole.
        """
        unit = self.unit
        sector, start = divmod(offset, unit)
        if start + len(data) <= unit:
            self._note(sector, start, data, image, at)
            return
        done = 0
        while done < len(data):
            piece = data[done : done + unit - start]
            self._note(sector, start, piece, image, at + done)
            done += len(piece)
            sector, start = sector + 1, 0

    def _note(self, sector: int, start: int, data: bytes, image: bytearray, at: int) -> None:
        if sector not in self._on_disk:
            self._on_disk[sector] = bytes(image[at - start : at - start + self.unit])
        image[at : at + len(data)] = data
        self.patches.append(Patch(sector, start, data))
        self.octets += len(data)

    def group(self) -> tuple[int, bytes, int]:
        """Return the sector that is next, its octets, and how many patches are in them.

        Patches of the same sector that follow one another share a write.
        """
        sector = self.patches[0].sector
        octets = bytearray(self._on_disk[sector])
        count = 0
        for patch in self.patches:
            if patch.sector != sector:
                break
            octets[patch.offset : patch.offset + len(patch.data)] = patch.data
            count += 1
        return sector, bytes(octets), count

    def written(self, sector: int, octets: bytes, count: int) -> None:
        """Forget a group: the disk has it, for good."""
        self._on_disk[sector] = octets
        for _ in range(count):
            self.patches.popleft()
        if not self.patches:
            self._on_disk.clear()
            self.octets = 0
