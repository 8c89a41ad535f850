"""Converters: how the text of an argument becomes a value, and what to say of a text that does not."""

from __future__ import annotations

from fata.runtime.generic import Generic, T, T_co

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from enum import Enum
    from typing import Any, TypeVar

    E = TypeVar("E", bound=Enum)


class Converter(Generic[T_co]):
    """How the text of an argument becomes a value.

    `convert` raises `ValueError` for a text that is none; `expected` ends the sentence "… given, expected";
    `placeholder` stands for a value in the help; `show` writes a value for the help. A `flag` may
    stand without a value; one that `repeats` makes lists, which are joined when the key is given again.
    """

    def __init__(
        self,
        convert: Callable[[str], T_co],
        expected: str,
        placeholder: str,
        *,
        show: Callable[[Any], str] = str,
        flag: bool = False,
        repeats: bool = False,
    ) -> None:
        self.convert = convert
        self.expected = expected
        self.placeholder = placeholder
        self.show = show
        self.flag = flag
        self.repeats = repeats


def _integer(given: str) -> int:
    return int(given, 0 if given.lstrip("+-")[:2].lower() in ("0x", "0o", "0b") else 10)


def _number(given: str) -> float:
    value = float(given)
    if value - value != 0:  # infinite, or not a number
        raise ValueError(given)
    return value


def _boolean(given: str) -> bool:
    words = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}
    if given.lower() not in words:
        raise ValueError(given)
    return words[given.lower()]


text = Converter(str, "a text", "TEXT", show=lambda value: str(value) or '""')
integer = Converter(_integer, "a whole number", "INTEGER")
number = Converter(_number, "a number", "NUMBER")
boolean = Converter(_boolean, "yes or no", "yes|no", show=lambda value: "yes" if value else "no", flag=True)


def choice(*values: T) -> Converter[T]:
    """One of `values`, written as `str` writes them."""
    known = {str(value): value for value in values}

    def convert(given: str) -> T:
        if given not in known:
            raise ValueError(given)
        return known[given]

    return Converter(convert, f"one of {', '.join(known)}", "|".join(known))


def enum(kind: type[E]) -> Converter[E]:
    """A member of an enumeration by its name, in upper or lower case."""
    known = {name.lower(): member for name, member in kind.__members__.items()}

    def convert(given: str) -> E:
        if given in kind.__members__:
            return kind[given]
        if given.lower() not in known:
            raise ValueError(given)
        return known[given.lower()]

    return Converter(
        convert, f"one of {', '.join(known)}", "|".join(known), show=lambda member: str(member.name).lower()
    )


def many(item: Converter[T]) -> Converter[list[T]]:
    """A list: items separated by commas (`\\,` is a comma in an item), or the key given again, or both.

    The empty text is the empty list.
    """

    def show(values: Iterable[T]) -> str:
        return ",".join(item.show(value).replace("\\", "\\\\").replace(",", "\\,") for value in values) or "none"

    return Converter(
        lambda given: [item.convert(part) for part in _commas(given)] if given else [],
        f"items separated by commas, each {item.expected}",
        f"{item.placeholder},…",
        show=show,
        repeats=True,
    )


def _commas(given: str) -> list[str]:
    parts = [""]
    characters = iter(given)
    for character in characters:
        if character == ",":
            parts.append("")
        else:
            parts[-1] += next(characters, "\\") if character == "\\" else character
    return parts


def optional(converter: Converter[T]) -> Converter[T | None]:
    """What `converter` reads, for an argument whose default is None."""
    return Converter(
        converter.convert,
        converter.expected,
        converter.placeholder,
        show=lambda value: "none" if value is None else converter.show(value),
        flag=converter.flag,
        repeats=converter.repeats,
    )
