"""What somebody may have meant."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most like `word`; None if none is like it."""
    import difflib  # only a mistake needs it

    return next(iter(difflib.get_close_matches(word, list(known), 1)), None)
