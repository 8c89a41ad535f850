"""The text grammar of values: what the tool reads when it configures is what a program reads when it boots.

`config.value` and `runtime.converters` hold the same grammar on two sides of a layer border; here they meet.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from fata.config.keys import REQUIRED, Key, Required
from fata.config.settings import settle
from fata.config.value import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    TEXT,
    Enumeration,
    KeyType,
    Many,
    Maybe,
    OneOf,
    Plain,
    Single,
    admits,
    quoted,
    show,
)
from fata.errors import ConfigError
from fata.runtime import arguments
from fata.runtime.arguments import Argument, Converter
from fata.target.spelling import CONVERTERS, Names


class Colour(Enum):
    RED = 1
    DARK_BLUE = 2
    dark_blue = 3  # differs from another only in case
    Red = RED  # an alias, and differs only in case


COLOUR = Enumeration("here", "Colour", tuple(Colour.__members__))
SINGLES: list[Single] = [
    TEXT,
    INTEGER,
    NUMBER,
    BOOLEAN,
    COLOUR,
    OneOf(("fast", "safe")),
    OneOf((1, -2, 16)),
    OneOf(("", "a,b")),
]
TYPES: list[KeyType] = [
    each for single in SINGLES for each in (single, Many(single), Maybe(single), Maybe(Many(single)))
]


def converter(key_type: KeyType) -> Converter[Any]:
    """Return what main.py reads a type with."""
    match key_type:
        case Many(of):
            return arguments.many(converter(of))
        case Maybe(of):
            return arguments.optional(converter(of))
        case OneOf(values):
            return arguments.choice(*values)
        case Enumeration():
            return arguments.enum(Colour)
    found: Converter[Any] = getattr(arguments, CONVERTERS[key_type.name])
    return found


def as_runtime(key_type: KeyType, value: Plain) -> object:
    """Return what a program has in a value's place: members instead of their names."""
    match key_type:
        case Enumeration() if isinstance(value, str):
            return Colour[value]
        case Many(of) if isinstance(value, list):
            return [as_runtime(of, item) for item in value]
        case Maybe(of) if value is not None:
            return as_runtime(of, value)
    return value


NUMBERS = "0 1 -1 +7 007 0x1F 0b2 0o17 16 0x10 1_000 1e3 -.5 nan inf -Infinity 1e999 \u0661 ½"
NAMES = "true FALSE On off yes NO y none None fast FAST safe red RED Red dark_blue DARK_BLUE Dark_Blue"
LISTS = ["", " ", ",", "a,b", "a\\,b", "\\", "\\\\", "1,2", "1, 2", "red,RED", "fast,safe", "1,", ",1", " 1 "]
NEAR = st.sampled_from([*NUMBERS.split(), *NAMES.split(), *LISTS])
TEXTS = NEAR | st.lists(NEAR, max_size=4).map(",".join) | st.text(max_size=8)


def read(key_type: KeyType, text: str) -> object:
    """Read a text as the tool does; `ConfigError` itself stands for a refusal."""
    try:
        return as_runtime(key_type, key_type.parse(text))
    except ConfigError:
        return ConfigError


def read_at_boot(key_type: KeyType, text: str) -> object:
    """Read a text as a program does."""
    try:
        return converter(key_type).convert(text)
    except ValueError:
        return ConfigError


@given(st.sampled_from(TYPES), TEXTS)
def test_the_tool_and_the_program_read_a_text_alike(key_type: KeyType, text: str) -> None:
    told, booted = read(key_type, text), read_at_boot(key_type, text)
    assert (type(told), told) == (type(booted), booted)


@pytest.mark.parametrize("text", ["", "red", "RED", "Red", "rED", "dark_blue", "DARK_BLUE", "Dark_blue", "green"])
def test_members_that_differ_in_case_are_told_apart_alike(text: str) -> None:
    assert read(COLOUR, text) == read_at_boot(COLOUR, text)


def values(key_type: KeyType) -> st.SearchStrategy[Any]:
    """Return the values of a type."""
    match key_type:
        case Many(of):
            return st.lists(values(of), max_size=4)
        case Maybe(of):
            return st.none() | values(of)
        case OneOf(choices):
            return st.sampled_from(choices)
        case Enumeration():
            return st.sampled_from(key_type.members)
    scalars = {
        "str": st.text(max_size=8) | NEAR,
        "int": st.integers(),
        "float": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9),
        "bool": st.booleans(),
    }
    return scalars[key_type.name]


VALUES = st.sampled_from(TYPES).flatmap(lambda key_type: st.tuples(st.just(key_type), values(key_type)))


@given(VALUES)
def test_what_is_shown_is_read_back_by_the_tool_and_by_the_program(case: tuple[KeyType, Plain]) -> None:
    key_type, value = case
    assume(value is not None)  # None is written by leaving the option out
    assume(value != [""])  # the one list that the grammar cannot write
    assert admits(key_type, value)
    text = show(key_type, value)
    assert key_type.parse(text) == value
    assert converter(key_type).convert(text) == as_runtime(key_type, value)


@given(VALUES)
def test_what_is_written_into_the_program_is_python_for_the_same_value(case: tuple[KeyType, Plain]) -> None:
    key_type, value = case
    source = Names([]).literal(key_type, value)
    assert source.isascii() or "\n" not in source
    assert eval(source, {"Colour": Colour}) == as_runtime(key_type, value)


@given(st.text() | st.text("'\"\\\n ", max_size=6))
def test_a_quoted_text_is_one_line_of_python_in_double_quotes_if_possible(text: str) -> None:
    source = quoted(text)
    assert eval(source) == text
    assert len(source.splitlines()) == 1
    assert source[0] == '"' or '"' in text


NOT_ADMITTED: list[tuple[KeyType, object]] = [
    (TEXT, 1),
    (TEXT, None),
    (TEXT, b"x"),
    (TEXT, "\udcff"),
    (INTEGER, True),
    (INTEGER, 1.0),
    (INTEGER, "1"),
    (NUMBER, True),
    (NUMBER, float("inf")),
    (NUMBER, float("nan")),
    (BOOLEAN, 1),
    (OneOf((1, 2)), True),
    (OneOf((1, 2)), 1.0),
    (OneOf(("a",)), "b"),
    (COLOUR, Colour.RED),
    (COLOUR, "red"),
    (Many(INTEGER), 1),
    (Many(INTEGER), (1,)),
    (Many(INTEGER), [1, True]),
    (Many(INTEGER), None),
    (Maybe(INTEGER), "1"),
]


@pytest.mark.parametrize(("key_type", "value"), NOT_ADMITTED)
def test_a_value_of_another_type_is_not_admitted(key_type: KeyType, value: object) -> None:
    assert not admits(key_type, value)


@pytest.mark.parametrize(
    ("key_type", "text", "wanted"),
    [
        (INTEGER, "many", "an integer"),
        (INTEGER, "9" * 5000, "an integer"),
        (NUMBER, "nan", "a number"),
        (BOOLEAN, "maybe", "true or false"),
        (TEXT, "caf\udce9", "UTF-8"),
        (COLOUR, "green", "one of red, dark_blue"),
        (OneOf(("fast", "safe")), "slow", "one of fast, safe"),
    ],
)
def test_a_refusal_names_the_text_and_what_is_wanted(key_type: Single, text: str, wanted: str) -> None:
    cases: list[tuple[KeyType, str]] = [(key_type, text), (Maybe(key_type), text), (Many(key_type), f"{text},{text}")]
    for each, given_text in cases:
        with pytest.raises(ConfigError) as caught:
            each.parse(given_text)
        assert repr(text) in caught.value.reason
        assert wanted in caught.value.reason


KEYS: list[Key[Any]] = [
    Key("name", TEXT, "x", ""),
    Key("count", INTEGER, 1, ""),
    Key("rate", NUMBER, 1.5, ""),
    Key("loud", BOOLEAN, False, ""),
    Key("quiet-mode", Maybe(BOOLEAN), None, ""),
    Key("tags", Many(TEXT), [], ""),
    Key("ports", Maybe(Many(INTEGER)), None, ""),
    Key("no-op", BOOLEAN, False, ""),
]
OPTIONS = st.sampled_from(
    [f"--{prefix}{key.name}" for key in KEYS for prefix in ("", "no-")] + ["--", "--nmae", "-x", "stray", "--no-"]
)
WORDS = st.lists(
    OPTIONS
    | st.tuples(OPTIONS, st.sampled_from(["", "1", "yes", "a,b", "--count", "\udcff"])).map("=".join)
    | st.sampled_from(["1", "2", "yes", "no", "a", "", "-5", "1.5", "1,2"]),
    max_size=5,
)


def settle_at_boot(words: list[str]) -> object:
    """Read words as a program with `KEYS` does."""
    known = []
    for key in KEYS:
        assert not isinstance(key.default, Required)
        known.append(Argument(key.name, converter(key.type), default=key.default))
    try:
        given = arguments.parse("program", "0", known, words)
    except ConfigError:
        return ConfigError
    return {argument.name: given[argument] for argument in known}


def settle_when_configuring(words: list[str]) -> object:
    """Read words as the tool does."""
    try:
        return {name: setting.value for name, setting in settle(KEYS, words, {}, {}, {}).items()}
    except ConfigError:
        return ConfigError


@given(WORDS)
@example(["--loud", "yes"])  # a flag does not eat the next word
@example(["--name", "--count", "1"])  # nor an option the next option
@example(["--no-loud=yes"])
@example(["--quiet-mode"])
@example(["--count=1", "--count=1"])
@example(["--tags=a", "--tags", "b,c"])
@example(["--ports=1", "--ports", "2"])
@example(["--name=\udcff"])
@example(["--name", "--", "x"])
def test_the_tool_and_the_program_read_a_command_line_alike(words: list[str]) -> None:
    assert settle_when_configuring(words) == settle_at_boot(words)


def test_a_required_key_is_left_out_by_the_tool() -> None:
    assert settle([Key("name", TEXT, REQUIRED, "")], [], {}, {}, {}) == {}
