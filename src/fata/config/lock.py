"""fata.lock: the target and the configure keys that a project was configured with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fata import __version__
from fata.config.graph import Graph
from fata.config.keys import Key
from fata.config.toml import read_toml
from fata.config.value import show
from fata.errors import ConfigError

LOCK = "fata.lock"
VERSION = 1  # of the file's form


class Lock(NamedTuple):
    """What a project was configured with; values as text."""

    target: str
    keys: Mapping[str, str]
    file: Path


def read_lock(directory: Path) -> Lock | None:
    """Read the lock beside an application; None when there is none. Raises ConfigError."""
    file = directory / LOCK
    try:
        table = read_toml(file)
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        raise _error(file, f"cannot be read: {error}") from None
    if table.get("version") != VERSION:
        raise _error(file, f"is of version {table.get('version')}, and this fata ({__version__}) reads {VERSION}")
    keys = table.get("keys", {})
    if not isinstance(table.get("target"), str) or not isinstance(keys, dict):
        raise _error(file, "has no target or no table of keys")
    return Lock(table["target"], {str(name): str(text) for name, text in keys.items()}, file)


def _error(file: Path, reason: str) -> ConfigError:
    return ConfigError(reason, remedy="Run `fata configure` again, or remove it.", file=str(file))


def check_against(lock: Lock, graph: Graph, *, booting: bool) -> None:
    """Refuse a target or a key that differs from the lock's. Raises ConfigError that names both.

    A program that is about to boot may be given other values for keys that it reads then.
    """
    if lock.target != graph.target:
        raise ConfigError(
            f"configured for target {lock.target!r}, and {graph.target!r} is asked for",
            remedy=f"Run `fata configure -t {graph.target}`, or remove {lock.file.name}.",
            file=str(lock.file),
        )
    for name, text in locked_values(graph).items():
        if booting and name not in graph.fixed:
            continue
        if name in lock.keys and lock.keys[name] != text:
            raise ConfigError(
                f"configured with --{name}={lock.keys[name]}, and --{name}={text} is asked for",
                remedy=f"Run `fata configure --{name}={text}`, or remove {lock.file.name}.",
                file=str(lock.file),
            )


def locked_values(graph: Graph) -> dict[str, str]:
    """Return the values that the lock holds: of every key that may be given when configuring."""
    return {key.name: _text(graph, key) for key in graph.keys if key.configures and key.name in graph.settings}


def _text(graph: Graph, key: Key[Any]) -> str:
    setting = graph.settings[key.name]
    text = show(key.type, setting.value)
    if text and key.name in graph.paths and setting.typed and not os.path.isabs(text):
        return os.path.relpath(text, graph.project.directory)
    return text


def lock_text(graph: Graph) -> str:
    """Return the lock's content."""
    lines = [
        "# Written by `fata configure`: what this folder is configured for. Remove it to start afresh.",
        f"version = {VERSION}",
        f'fata = "{__version__}"',
        f'target = "{graph.target}"',
        "",
        "[keys]",
        *(f"{_quote(name)} = {_quote(text)}" for name, text in locked_values(graph).items()),
    ]
    return "\n".join(lines) + "\n"


def update(file: Path, data: bytes) -> None:
    """Write a file whole or not at all, unless this is its content: to replace a file, a disk has to be waited for."""
    try:
        same = file.read_bytes() == data
    except OSError:
        same = False
    if not same:
        replace(file, data)


def replace(file: Path, data: bytes) -> None:
    """Write a file whole or not at all. Raises ConfigError where this user may not, or there is no room."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(data)
            temporary.replace(file)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be written: {error.strerror}", remedy="Outputs lie beside the application: use a copy."
        ) from error


def _quote(text: str) -> str:
    escaped = "".join(
        f"\\{char}" if char in '"\\' else char if char.isprintable() else f"\\U{ord(char):08x}" for char in text
    )
    return f'"{escaped}"'
