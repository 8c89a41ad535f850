"""Which repository a command works on, and how: options, then irmin.toml, then pyproject.toml, then what git says."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fata.config.nearest import nearest
from fata.config.pyproject import PYPROJECT
from fata.errors import ConfigError, Unavailable
from fata.irmin.backend.git import repository
from fata.tool.irmin.identity import identity

CONTENTS = ("bytes", "text", "json")
DURABILITIES = ("sync", "batch", "none")
SETTINGS = ("root", "branch", "contents", "author", "remote", "durability")
FILE = "irmin.toml"


class Wanted(NamedTuple):
    """What the command line says before the command."""

    root: Path | None = None
    branch: str | None = None
    contents: str | None = None
    as_json: bool = False
    durability: str | None = None


class Place(NamedTuple):
    """A repository, and what is always wanted there."""

    root: Path
    branch: str | None
    contents: str
    author: str
    remote: str | None
    as_json: bool
    durability: str = DURABILITIES[0]


def find(wanted: Wanted) -> Place:
    """Settle everything. Raises `ConfigError`."""
    settings, base = _settings(Path.cwd())
    root = wanted.root
    if root is None and "root" in settings:
        root = base / settings["root"]
    root = _repository_above(Path.cwd()) if root is None else root
    if root is None:
        raise ConfigError(
            f"{Path.cwd()} is in no git repository",
            remedy="Make one with `fata irmin init DIR`, or name one by --root.",
        )
    contents = _one_of(CONTENTS, "contents", wanted.contents or settings.get("contents", "bytes"))
    durability = wanted.durability or settings.get("durability", DURABILITIES[0])
    return Place(
        root,
        wanted.branch or settings.get("branch"),
        contents,
        settings.get("author") or identity(_shared(root)),
        settings.get("remote"),
        wanted.as_json,
        _one_of(DURABILITIES, "durability", durability),
    )


def _one_of(values: tuple[str, ...], name: str, value: str) -> str:
    if value not in values:
        raise ConfigError(f"there is no {name} {value!r}", remedy=f"There are {', '.join(values)}.")
    return value


def _shared(root: Path) -> str:
    try:
        return repository.find(str(root)).shared
    except Unavailable:
        return ""  # whoever opens it says so


def _repository_above(folder: Path) -> Path | None:
    """Return the repository that a folder is in: bare, or with `.git` in it."""
    return next((each for each in (folder, *folder.parents) if _is_repository(each)), None)


def _is_repository(folder: Path) -> bool:
    return (folder / ".git").exists() or all((folder / part).exists() for part in ("HEAD", "objects", "refs"))


def _settings(folder: Path) -> tuple[dict[str, str], Path]:
    """Return the nearest settings, and the folder that their paths start from."""
    for each in (folder, *folder.parents):
        for file, table in _tables(each):
            return _checked(file, table), each
    return {}, folder


def _tables(folder: Path) -> Iterator[tuple[Path, dict[str, object]]]:
    if (folder / FILE).is_file():
        yield folder / FILE, _read(folder / FILE)
    if (folder / PYPROJECT).is_file():
        tool = _read(folder / PYPROJECT).get("tool")
        fata = tool.get("fata") if isinstance(tool, dict) else None
        table = fata.get("irmin") if isinstance(fata, dict) else None
        if isinstance(table, dict):
            yield folder / PYPROJECT, table


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}", remedy="Mend the file.") from None


def _checked(file: Path, table: dict[str, object]) -> dict[str, str]:
    found = {}
    for name, value in table.items():
        if name not in SETTINGS:
            near = nearest(name, SETTINGS)
            remedy = f"Did you mean {near}?" if near else f"There are {', '.join(SETTINGS)}."
            raise ConfigError(f"{file}: there is no setting {name!r}", remedy=remedy)
        if not isinstance(value, str):
            raise ConfigError(f"{file}: {name} is to be a text", remedy=f'Write {name} = "…".')
        found[name] = value
    return found
