"""The help of an application's keys, from its docstring."""

from __future__ import annotations

import inspect


def summary(docstring: str | None) -> str:
    """Return the docstring's first paragraph as one line; "" when there is none."""
    if not docstring:
        return ""
    return " ".join(inspect.cleandoc(docstring).partition("\n\n")[0].split())


def key_help(docstring: str | None) -> dict[str, str]:
    """Return the texts of the `Keys:` section by parameter: lines "name: text", continued by deeper ones."""
    found: dict[str, str] = {}
    margin: int | None = None
    name = ""
    lines = iter(inspect.cleandoc(docstring or "").splitlines())
    for line in lines:
        if line.strip() == "Keys:":
            break
    for line in lines:
        depth = len(line) - len(line.lstrip())
        if not line.strip():
            continue
        if depth == 0:
            break
        margin = depth if margin is None else margin
        head, colon, text = line.strip().partition(":")
        if depth == margin and colon:
            name = head.strip()
            found[name] = text.strip()
        elif name:
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found
