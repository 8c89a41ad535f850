"""What a directory store has changed since its last flush, by key."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.driver.kv.beneath import Path


class Unsynced:
    """The values whose octets, and the dictionaries whose entries, the medium may not have yet.

    Paths, not descriptors: a program that never flushes would run out of those.
    """

    def __init__(self) -> None:
        self.values: set[Path] = set()
        self.dictionaries: set[Path] = set()

    def __len__(self) -> int:
        return len(self.values) + len(self.dictionaries)

    def forget(self, path: Path) -> None:
        """Drop what is known of a path and everything beneath: it is gone."""
        self.values = {known for known in self.values if known[: len(path)] != path}
        self.dictionaries = {known for known in self.dictionaries if known[: len(path)] != path}

    def rename(self, source: Path, destination: Path) -> None:
        """Follow a path, with everything beneath, to its new place."""

        def moved(known: Path) -> Path:
            return destination + known[len(source) :] if known[: len(source)] == source else known

        self.values = {moved(known) for known in self.values}
        self.dictionaries = {moved(known) for known in self.dictionaries}
