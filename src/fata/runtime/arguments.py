"""Arguments: what a program can be told when it starts, typed and explained, alike on every target.

A word is `--key=value`, `--key value`, or for booleans `--key` and `--no-key`. Keys are written out: an
abbreviation is refused, for it would change its meaning with the next key that is added. A key that takes
one value is given once; saying it twice is a mistake somewhere, and is told. `--` changes nothing.

This module is loaded by every program, so it imports neither typing nor argparse nor re.
"""

from __future__ import annotations

from fata.errors import ConfigError, StateError
from fata.runtime.converters import Converter, boolean, choice, enum, integer, many, number, optional, text
from fata.runtime.generic import Generic, T
from fata.runtime.logs import DEFAULT, LEVELS
from fata.runtime.quoting import join, split
from fata.runtime.usage import usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    REQUIRED: Any

__all__ = [
    "LOGS",
    "RESERVED",
    "Argument",
    "Asked",
    "Converter",
    "Values",
    "boolean",
    "choice",
    "enum",
    "integer",
    "join",
    "many",
    "number",
    "optional",
    "parse",
    "split",
    "text",
]

REQUIRED = object()


class Asked(Exception):
    """The words ask for `text` (help, the version) instead of a run."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Argument(Generic[T]):
    """One key of a program: `--name`, read by `converter`; required if there is no `default`.

    Compared by identity: the same object asks for its value in `Values`.
    """

    def __init__(self, name: str, converter: Converter[T], *, default: T = REQUIRED, doc: str = "") -> None:
        if not name or name.startswith("-") or "=" in name or " " in name:
            raise StateError(f"argument name {name!r}: empty, or with a leading dash, a space or an equals sign")
        self.name = name
        self.converter = converter
        self.default = default
        self.doc = doc

    @property
    def required(self) -> bool:
        """Whether the program cannot start without it."""
        return self.default is REQUIRED

    def __repr__(self) -> str:
        return f"Argument({self.name!r})"


class Values:
    """What the arguments were given: `given[COUNT]` has the type that `COUNT` reads."""

    def __init__(self, values: Mapping[Argument[Any], object]) -> None:
        self._values = dict(values)

    def __getitem__(self, argument: Argument[T]) -> T:
        try:
            value: Any = self._values[argument]
        except KeyError:
            raise StateError(f"--{argument.name} has no value: the program did not declare it") from None
        return value  # type: ignore[no-any-return]  # put there by this very argument's converter


LOGS = Argument(
    "logs",
    text,
    default=DEFAULT,
    doc=f"what to log: a level, or source:level, several of them by commas; a level is one of {', '.join(LEVELS)}",
)
RESERVED = ("help", "version", "logs")  # keys that every program has


def parse(program: str, version: str, arguments: Sequence[Argument[Any]], words: Sequence[str]) -> Values:
    """Read `words` (without the program's name) into values, of `arguments` and of `LOGS`.

    Raises `ConfigError` for any mistake in `words`, `Asked` for `--help` and `--version`.
    """
    known = {argument.name: argument for argument in (*arguments, LOGS)}
    if len(known) <= len(arguments) or "help" in known or "version" in known:
        raise StateError(f"arguments of {program}: two have one name, or one is named as one of {RESERVED}")
    if "--help" in words:
        raise Asked(usage(program, arguments, (LOGS,)))
    if "--version" in words:
        raise Asked(f"{program} {version}")
    remedy = f"`{program} --help` explains every option."
    texts: dict[Argument[Any], list[str]] = {}
    for argument, given in _options(known, words, remedy):
        earlier = texts.setdefault(argument, [])
        if earlier and not argument.converter.repeats:
            raise ConfigError(
                f"--{argument.name} is given twice: {earlier[0]!r}, then {given!r}", remedy="Give it once."
            )
        earlier.append(given)
    return Values({argument: _value(argument, texts.get(argument), remedy) for argument in known.values()})


def _options(
    known: Mapping[str, Argument[Any]], words: Sequence[str], remedy: str
) -> Iterator[tuple[Argument[Any], str]]:
    """Yield (argument, its text) for every option in `words`."""
    for word in words:
        if not word.isascii() and any("\ud800" <= character <= "\udfff" for character in word):
            raise ConfigError(f"argument {word!r} is not UTF-8", remedy=remedy)
    rest = iter(words)
    for word in rest:
        if word == "--":
            continue
        if not word.startswith("--"):
            raise ConfigError(f"{word!r} is not an option: options are written --key=value", remedy=remedy)
        name, equals, given = word[2:].partition("=")
        argument = known.get(name)
        negated = known.get(name[3:]) if argument is None and name.startswith("no-") else None
        if negated is not None and negated.converter.flag:
            if equals:
                raise ConfigError(
                    f"--{name} takes no value, {given!r} given", remedy=f"Write --{name} or --{name[3:]}."
                )
            argument, given = negated, "no"
        elif argument is None:
            raise ConfigError(f"unknown option --{name}", remedy=_did_you_mean(name, known) or remedy)
        elif not equals:
            given = "yes" if argument.converter.flag else _next_word(argument, rest)
        yield argument, given


def _next_word(argument: Argument[Any], rest: Iterator[str]) -> str:
    given = next(rest, None)
    if given is None or given.startswith("--"):
        found = "nothing" if given is None else f"the option {given}"
        raise ConfigError(
            f"--{argument.name}: {found} given, {argument.converter.expected} expected",
            remedy=f"Write --{argument.name}={argument.converter.placeholder}.",
        )
    return given


def _value(argument: Argument[Any], texts: list[str] | None, remedy: str) -> object:
    if texts is None:
        if argument.required:
            doc = f" ({argument.doc})" if argument.doc else ""
            raise ConfigError(
                f"--{argument.name} is missing: {argument.converter.expected} expected{doc}",
                remedy=f"Give --{argument.name}={argument.converter.placeholder}. {remedy}",
            )
        return argument.default
    values = []
    for given in texts:
        try:
            values.append(argument.converter.convert(given))
        except ValueError:
            expected = argument.converter.expected
            raise ConfigError(f"--{argument.name}: {given!r} given, {expected} expected", remedy=remedy) from None
    return [item for value in values for item in value] if argument.converter.repeats else values[0]


def _did_you_mean(name: str, known: Mapping[str, Argument[Any]]) -> str:
    flags = [f"no-{argument.name}" for argument in known.values() if argument.converter.flag]
    near = min((*known, *flags, *RESERVED), key=lambda candidate: _edits(name, candidate))
    return f"Did you mean --{near}?" if _edits(name, near) <= 1 + len(near) // 4 else ""


def _edits(one: str, other: str) -> int:
    """Count the characters to insert, remove or replace between two words (Levenshtein's distance)."""
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        diagonal, row[0] = row[0], i
        for j, right in enumerate(other, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (left != right))
    return row[-1]
