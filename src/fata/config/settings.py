"""The values of keys, and where each comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fata.config.keys import LAUNCHER_OPTIONS, Key, Required
from fata.config.nearest import nearest
from fata.config.pyproject import PYPROJECT
from fata.config.value import BOOLEAN, Maybe, Plain, joined, show
from fata.errors import ConfigError

LOCKED = "fata.lock"  # as an origin


class Setting(NamedTuple):
    """A value and its origin: "command line", "FATA_PORT", "pyproject.toml", "fata.lock" or "default"."""

    value: Plain
    origin: str

    @property
    def typed(self) -> bool:
        """Whether it was said in a shell just now, instead of standing in one of the application's files."""
        return self.origin not in ("default", LOCKED, PYPROJECT)


def path_of(setting: Setting, directory: Path) -> Path:
    """Return the path that a setting names: in a file it is relative to the application's folder."""
    return (Path.cwd() if setting.typed else directory) / str(setting.value)


class Word(NamedTuple):
    """One option as the user wrote it."""

    name: str
    text: str


def split_options(words: Sequence[str], keys: Mapping[str, Key[Any]]) -> list[Word]:
    """Split command line words into options with their values, as a program does when it boots.

    Raises ConfigError for what is no key, and for a value too many or too few.
    """
    found: list[Word] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            continue
        if not word.startswith("--"):
            raise ConfigError(f"unexpected argument {word!r}", remedy="Keys are written --name value or --name=value.")
        name, equals, text = word[2:].partition("=")
        positive = name.removeprefix("no-")
        negated = name not in keys and positive in keys and _is_flag(keys[positive])
        if name not in keys and not negated:
            raise _unknown(name, keys)
        if negated and equals:
            raise ConfigError(f"--{name} takes no value", remedy=f"Write --{name} or --{positive}.")
        if not equals:
            text = "false" if negated else "true" if _is_flag(keys[name]) else _next(keys[name], rest)
        found.append(Word(positive if negated else name, text))
    return found


def _is_flag(key: Key[Any]) -> bool:
    return (key.type.of if isinstance(key.type, Maybe) else key.type) == BOOLEAN


def _next(key: Key[Any], rest: Iterator[str]) -> str:
    text = next(rest, "--")
    if text.startswith("--"):
        raise ConfigError(f"--{key.name} needs a value", remedy=f"Write --{key.name}=…; it is {key.type.describe()}.")
    return text


def _unknown(name: str, keys: Mapping[str, Key[Any]]) -> ConfigError:
    known = ", ".join(f"--{key}" for key in keys) or "none"
    if name in LAUNCHER_OPTIONS:
        return ConfigError(
            f"nothing in this program reads --{name}",
            remedy=f"It is for another target, or for a device that is not asked for. The program's keys: {known}.",
        )
    near = nearest(name, [*keys, *LAUNCHER_OPTIONS])
    return ConfigError(
        f"there is no key --{name}", remedy=f"Did you mean --{near}?" if near else f"This program's keys: {known}."
    )


def settle(
    keys: Sequence[Key[Any]],
    words: Sequence[str],
    environment: Mapping[str, str],
    pyproject: Mapping[str, Any],
    locked: Mapping[str, str],
) -> dict[str, Setting]:
    """Give every key its value: command line, FATA_* environment, [tool.fata.keys], lock, default. Raises ConfigError.

    A key without any is left out; whoever needs its value complains.
    """
    by_name = {key.name: key for key in keys}
    settings: dict[str, Setting] = {}
    for key in keys:
        variable = variable_of(key.name)
        if variable in environment:
            settings[key.name] = Setting(_parse(key, environment[variable], variable), variable)
        elif key.name in pyproject:
            settings[key.name] = Setting(_parse(key, _as_text(pyproject[key.name]), PYPROJECT), PYPROJECT)
        elif key.name in locked and key.configures:
            settings[key.name] = _locked(key, locked[key.name])
        elif not isinstance(key.default, Required):
            settings[key.name] = Setting(key.default, "default")
    given: dict[str, Plain] = {}
    for word in split_options(words, by_name):
        key = by_name[word.name]
        value = _parse(key, word.text, f"--{key.name}")
        before = given.get(key.name)
        if isinstance(before, list) and isinstance(value, list):
            value = [*before, *value]
        elif key.name in given:
            raise ConfigError(f"--{key.name} is given twice", remedy="Give it once.")
        given[key.name] = value
    return settings | {name: Setting(value, "command line") for name, value in given.items()}


def variable_of(name: str) -> str:
    """Return the environment variable of an option."""
    return "FATA_" + name.upper().replace("-", "_")


def as_words(keys: Sequence[Key[Any]], settings: Mapping[str, Setting]) -> list[str]:
    """Write the values that were typed as command line words."""
    return [
        f"--{key.name}={show(key.type, settings[key.name].value)}"
        for key in keys
        if key.name in settings and settings[key.name].typed
    ]


def _parse(key: Key[Any], text: str, origin: str) -> Plain:
    try:
        return key.type.parse(text)
    except ConfigError as error:
        raise key.where.error(
            f"{origin}: {error.reason}", f"--{key.name} is: {key.doc or key.type.describe()}"
        ) from None


def _locked(key: Key[Any], text: str) -> Setting:
    value = None if not text and isinstance(key.type, Maybe) else _parse(key, text, LOCKED)
    return Setting(value, "default" if value == key.default else LOCKED)


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return joined(_as_text(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
