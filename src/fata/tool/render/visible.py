"""Makes any text fit for one line of a drawing."""

from __future__ import annotations


def visible(text: str) -> str:
    r"""Return `text` with what cannot be seen written as an escape (a newline as \n), so that it stays on its line."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
