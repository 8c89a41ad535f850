"""The text of `--help`: what can be said to the program, what each option means, what it is if nothing is said."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from fata.runtime.arguments import Argument

WIDTH = 80  # columns: a serial console has no more, and cannot be asked


def usage(program: str, own: Sequence[Argument[Any]], common: Sequence[Argument[Any]]) -> str:
    """Describe the program's `own` options and the ones `common` to all programs."""
    lines = [f"Usage: {program} [--key=value]…"]
    if own:
        lines += ["", f"Options of {program}:"]
    for argument in own:
        lines += _entry(_synopsis(argument), f"{argument.doc} {_origin(argument)}")
    lines += ["", "Options of every program:"]
    for argument in common:
        lines += _entry(_synopsis(argument), f"{argument.doc} {_origin(argument)}")
    lines += _entry("--help", "show this text and exit")
    lines += _entry("--version", "show the program's version and exit")
    return "\n".join(lines)


def _synopsis(argument: Argument[Any]) -> str:
    if argument.converter.flag:
        return f"--{argument.name}, --no-{argument.name}"
    return f"--{argument.name}={argument.converter.placeholder}"


def _origin(argument: Argument[Any]) -> str:
    if argument.required:
        return "(required)"
    return f"(default: {argument.converter.show(argument.default)})"


def _entry(synopsis: str, text: str) -> list[str]:
    return [f"  {synopsis}", *(f"      {line}" for line in _wrap(text.split(), WIDTH - 6))]


def _wrap(words: Iterable[str], width: int) -> list[str]:
    """Fill lines of `width` columns; a longer word gets a line of its own."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines
