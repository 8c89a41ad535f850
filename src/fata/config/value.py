"""The types a key may have: how its text is read, shown, and written as Python."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fata.errors import ConfigError

Plain = str | int | float | bool | None | list["Plain"]
"""What a key's value may be on the building machine; an enumeration's member is its name."""

TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})


@dataclass(frozen=True, slots=True)
class Scalar:
    """`str`, `int`, `float` or `bool`."""

    name: str

    def parse(self, text: str) -> Plain:
        """Read a value as a user writes it. Raises ConfigError."""
        if self.name == "str":
            return _unicode(text)
        if self.name == "bool":
            return _boolean(text)
        try:
            return _integer(text) if self.name == "int" else _number(text)
        except ValueError:
            raise ConfigError(f"{text!r} is not {self.describe()}") from None

    def describe(self) -> str:
        """Name the type for a person: "an integer"."""
        return {"str": "a text", "int": "an integer", "float": "a number", "bool": "true or false"}[self.name]

    def metavar(self) -> str:
        """Name it for a usage line."""
        return {"str": "TEXT", "int": "INTEGER", "float": "NUMBER", "bool": "true|false"}[self.name]


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some texts or integers: `Literal["a", "b"]`."""

    values: tuple[str | int, ...]

    def parse(self, text: str) -> Plain:
        for value in self.values:
            if text == str(value):
                return value
        raise ConfigError(f"{text!r} is not {self.describe()}")

    def describe(self) -> str:
        return "one of " + ", ".join(str(value) for value in self.values)

    def metavar(self) -> str:
        return "|".join(str(value) for value in self.values)


@dataclass(frozen=True, slots=True)
class Enumeration:
    """A member of an `Enum` class of the application, by name."""

    module: str
    name: str
    members: tuple[str, ...]

    def parse(self, text: str) -> Plain:
        if text in self.members:
            return text
        for member in reversed(self.members):  # two that differ only in case: the later one, as at boot
            if text.lower() == member.lower():
                return member
        raise ConfigError(f"{text!r} is not {self.describe()}")

    def describe(self) -> str:
        return "one of " + ", ".join(member.lower() for member in self.members)

    def metavar(self) -> str:
        return "|".join(member.lower() for member in self.members)


Single = Scalar | OneOf | Enumeration


@dataclass(frozen=True, slots=True)
class Many:
    """A list: the option may be repeated, and each may hold several separated by commas."""

    of: Single

    def parse(self, text: str) -> Plain:
        return [self.of.parse(part) for part in _items(text)] if text else []

    def describe(self) -> str:
        return f"a list separated by commas, each {self.of.describe()}"

    def metavar(self) -> str:
        return f"{self.of.metavar()},…"


@dataclass(frozen=True, slots=True)
class Maybe:
    """A value that may be left out: `X | None`."""

    of: Single | Many

    def parse(self, text: str) -> Plain:
        return self.of.parse(text)

    def describe(self) -> str:
        return self.of.describe()

    def metavar(self) -> str:
        return self.of.metavar()


KeyType = Single | Many | Maybe

TEXT = Scalar("str")
INTEGER = Scalar("int")
NUMBER = Scalar("float")
BOOLEAN = Scalar("bool")
SCALARS = {"str": TEXT, "int": INTEGER, "float": NUMBER, "bool": BOOLEAN}


def is_plain(value: object) -> bool:
    """Say whether a value can be written into main.py."""
    if isinstance(value, list):
        return all(is_plain(item) for item in value)
    return value is None or isinstance(value, str | int | float)


def admits(key_type: KeyType, value: object) -> bool:
    """Say whether a Python value is of the type. An `int` serves as a `float`; a `bool` not as an `int`.

    As on a command line, a number is finite and a text is Unicode.
    """
    match key_type:
        case Scalar("float"):
            return type(value) is int or (isinstance(value, float) and value - value == 0)
        case Scalar("str"):
            return isinstance(value, str) and not _has_surrogates(value)
        case Scalar(name):
            return type(value).__name__ == name
        case OneOf(values):
            return any(type(value) is type(each) and value == each for each in values)
        case Enumeration():
            return value in key_type.members
        case Many(of):
            return isinstance(value, list) and all(admits(of, item) for item in value)
        case Maybe(of):
            return value is None or admits(of, value)


def serves(given: KeyType, wanted: KeyType) -> bool:
    """Say whether every value of one type is one of another: a choice of texts serves as a text."""
    match wanted:
        case Maybe(of):
            return serves(given.of if isinstance(given, Maybe) else given, of)
        case Scalar() if isinstance(given, OneOf):
            return all(admits(wanted, value) for value in given.values)
        case Scalar("float") if given == INTEGER:
            return True
        case OneOf() if isinstance(given, OneOf):
            return all(admits(wanted, value) for value in given.values)
    return given == wanted


def show(key_type: KeyType, value: Plain) -> str:
    """Write a value as `parse` reads it; None is the empty text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return joined(show(key_type, item) for item in value)
    return str(value)


def joined(items: Iterable[str]) -> str:
    """Write the texts of a list's items as one: a comma in an item gets a backslash before it."""
    return ",".join(item.replace("\\", "\\\\").replace(",", "\\,") for item in items)


def quoted(value: object) -> str:
    """Write a value as Python, texts in double quotes where that needs no escapes."""
    text = repr(value)
    return f'"{text[1:-1]}"' if text[0] == "'" and '"' not in text else text


def _has_surrogates(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def _unicode(text: str) -> str:
    if _has_surrogates(text):  # how Python hands on arguments and variables that are not UTF-8
        raise ConfigError(f"{text!r} is not UTF-8")
    return text


def _integer(text: str) -> int:
    return int(text, 0 if text.lstrip("+-")[:2].lower() in ("0x", "0o", "0b") else 10)


def _number(text: str) -> float:
    value = float(text)
    if value - value != 0:  # infinite, or not a number
        raise ValueError(text)
    return value


def _items(text: str) -> list[str]:
    """Split at commas; a backslash takes the next character as it is."""
    parts = [""]
    characters = iter(text)
    for character in characters:
        if character == ",":
            parts.append("")
        else:
            parts[-1] += next(characters, "\\") if character == "\\" else character
    return parts


def _boolean(text: str) -> bool:
    if text.lower() in TRUE | FALSE:
        return text.lower() in TRUE
    raise ConfigError(f"{text!r} is not true or false")
