"""[tool.fata] of pyproject.toml: a target, and values for keys."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fata.config.nearest import nearest
from fata.config.toml import read_toml
from fata.config.where import Where
from fata.errors import ConfigError

PYPROJECT = "pyproject.toml"
NAMES = ("target", "keys", "irmin")  # the last is read by `fata irmin` alone
SHAPE = "It may have `target` and the table `keys`."


def read_pyproject(directory: Path) -> dict[str, Any]:
    """Return the table [tool.fata] of the nearest pyproject.toml; {} when there is none. Raises ConfigError."""
    for folder in (directory, *directory.parents):
        file = folder / PYPROJECT
        if not file.is_file():
            continue
        try:
            table = read_toml(file)
        except (ValueError, OSError) as error:
            raise ConfigError(f"cannot be read: {error}", remedy="Mend it.", file=str(file)) from None
        found = table.get("tool", {}).get("fata", {}) if isinstance(table.get("tool", {}), dict) else None
        if not isinstance(found, dict) or not isinstance(found.get("keys", {}), dict):
            raise Where(str(file)).error("[tool.fata] or [tool.fata.keys] is no table", SHAPE)
        for name in found:
            if name not in NAMES:
                raise _place(file, name).error(f"[tool.fata] has no {name!r}", _meant(name, NAMES) or SHAPE)
        return dict(found)
    return {}


def check_keys(directory: Path, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse names in [tool.fata.keys] of an application's own pyproject.toml that are no keys. Raises ConfigError.

    The file of a folder above may serve several applications, each with keys of its own: there, as in the
    environment, names of others are left alone.
    """
    file = directory / PYPROJECT
    keys = list(known)
    for name in given:
        if name not in keys and file.is_file():
            listed = f"This program's keys: {', '.join(keys) or 'none'}."
            raise _place(file, name).error(f"[tool.fata.keys]: there is no key {name!r}", _meant(name, keys) or listed)


def _meant(name: str, known: Iterable[str]) -> str | None:
    near = nearest(name, known)
    return None if near is None else f"Did you mean {near!r}?"


def _place(file: Path, name: str) -> Where:
    """Return the line that names something in [tool.fata]; TOML's reader does not tell where it has things from."""
    import re

    text = file.read_text(encoding="utf-8")
    start = max(text.find("[tool.fata"), 0)
    found = re.compile(rf"(?:^|[.{{,])[ \t]*[\"']?({re.escape(name)})[\"']?\s*[=.]", re.MULTILINE).search(text, start)
    return Where(str(file), None if found is None else text.count("\n", 0, found.start(1)) + 1)
