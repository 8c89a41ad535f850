"""What is worth telling about an image that can be made all the same."""

from __future__ import annotations

from typing import NamedTuple

from fata.config.where import Where


class Note(NamedTuple):
    """A remark, and where its cause stands."""

    where: Where
    text: str

    def __str__(self) -> str:
        return f"{self.where}: note: {self.text}"


class Notes:
    """Collects remarks, each once per subject: forty imports of one module are one remark."""

    def __init__(self) -> None:
        self._notes: dict[tuple[str, str], Note] = {}

    def add(self, about: tuple[str, str], where: Where, text: str) -> None:
        """Remark, unless something was said about the same pair (who, what) before."""
        self._notes.setdefault(about, Note(where, text))

    def sorted(self) -> tuple[Note, ...]:
        """Return all, by place."""
        return tuple(sorted(self._notes.values(), key=lambda note: (note.where.file or "", note.where.line or 0)))
