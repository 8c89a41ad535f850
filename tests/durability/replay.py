"""What is on a disk after a power cut: all that was flushed, and any part of what was written since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.durability.log_writes import DISCARD, Entry


class Disk:
    """A disk whose log is replayed: `durable` is what survives a power cut now, whatever else does."""

    def __init__(self, content: bytes, sector_size: int) -> None:
        self.durable = bytearray(content)
        self.waiting: list[Entry] = []  # written, and not flushed
        self._size = sector_size

    def take(self, entry: Entry) -> None:
        """Replay an entry."""
        if entry.data or entry.flags & DISCARD:
            self.waiting.append(entry)
        if entry.flushes:
            for each in self.waiting:
                self._apply(each)
            self.waiting.clear()

    def _apply(self, entry: Entry) -> None:
        start, length = entry.sector * self._size, entry.sectors * self._size
        assert start + length <= len(self.durable), f"{entry.sectors} sectors at {entry.sector}: outside the disk"
        if not entry.flags & DISCARD:  # what a discard leaves is nobody's promise
            self.durable[start : start + length] = entry.data


def flush_points(content: bytes, sector_size: int, entries: Sequence[Entry]) -> Iterator[bytes]:
    """Yield what is durable after each flush that made a difference; `content` is what the disk held at first."""
    disk = Disk(content, sector_size)
    for entry in entries:
        changes = bool(disk.waiting or entry.data)
        disk.take(entry)
        if entry.flushes and changes:
            yield bytes(disk.durable)
