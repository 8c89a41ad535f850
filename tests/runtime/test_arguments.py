"""What a program can be told, and what it says to mistakes."""

from enum import Enum
from typing import Any, Literal, assert_type

import pytest

from fata.errors import ConfigError, StateError
from fata.runtime.arguments import (
    LOGS,
    Argument,
    Asked,
    Values,
    boolean,
    choice,
    enum,
    integer,
    many,
    number,
    optional,
    parse,
    text,
)


class Colour(Enum):
    RED = 1
    DARK_BLUE = 2


NAME = Argument("name", text, default="world", doc="whom to greet")
COUNT = Argument("count", integer, default=1, doc="how many times")
LOUD = Argument("loud", boolean, default=False, doc="whether to shout")
RATE = Argument("rate", number, default=1.5)
COLOUR = Argument("colour", enum(Colour), default=Colour.RED)
MODE: Argument[Literal["fast", "safe"]] = Argument("mode", choice("fast", "safe"), default="safe")
LEVEL = Argument("level", choice(1, 2, 3), default=2)
PORTS = Argument("listen-on", many(integer), default=[80], doc="TCP ports")
TAGS = Argument("tag", many(text), default=[])
HOST = Argument("host", optional(text), default=None)
SITE = Argument("site", text, doc="the directory with the pages")

ALL: tuple[Argument[Any], ...] = (NAME, COUNT, LOUD, RATE, COLOUR, MODE, LEVEL, PORTS, TAGS, HOST)


def read(*words: str, arguments: tuple[Argument[Any], ...] = ALL) -> Values:
    return parse("hello", "1.2.3", arguments, words)


def mistake(*words: str, arguments: tuple[Argument[Any], ...] = ALL) -> str:
    with pytest.raises(ConfigError) as caught:
        read(*words, arguments=arguments)
    return str(caught.value)


def answer(*words: str, arguments: tuple[Argument[Any], ...] = ALL) -> str:
    with pytest.raises(Asked) as caught:
        read(*words, arguments=arguments)
    return caught.value.text


def test_defaults_stand_where_nothing_is_said() -> None:
    given = read()
    assert [given[argument] for argument in ALL] == ["world", 1, False, 1.5, Colour.RED, "safe", 2, [80], [], None]
    assert given[LOGS] == "*:info"


def test_values_have_the_type_of_their_argument() -> None:
    given = read()
    assert_type(given[NAME], str)
    assert_type(given[COUNT], int)
    assert_type(given[LOUD], bool)
    assert_type(given[RATE], float)
    assert_type(given[COLOUR], Colour)
    assert_type(given[MODE], Literal["fast", "safe"])
    assert_type(given[LEVEL], int)
    assert_type(given[PORTS], list[int])
    assert_type(given[HOST], str | None)


@pytest.mark.parametrize(
    ("words", "argument", "value"),
    [
        (["--name=you"], NAME, "you"),
        (["--name", "you"], NAME, "you"),
        (["--name="], NAME, ""),
        (["--name", ""], NAME, ""),
        (["--name=a=b"], NAME, "a=b"),
        (["--name=--x"], NAME, "--x"),
        (["--", "--name=you"], NAME, "you"),
        (["--name=☃"], NAME, "☃"),
        (["--count", "-5"], COUNT, -5),
        (["--count=0x10"], COUNT, 16),
        (["--count=007"], COUNT, 7),
        (["--rate=1e-3"], RATE, 0.001),
        (["--loud"], LOUD, True),
        (["--no-loud"], LOUD, False),
        (["--loud=yes"], LOUD, True),
        (["--loud=Off"], LOUD, False),
        (["--colour=dark_blue"], COLOUR, Colour.DARK_BLUE),
        (["--colour=Red"], COLOUR, Colour.RED),
        (["--mode=fast"], MODE, "fast"),
        (["--level=3"], LEVEL, 3),
        (["--listen-on=80,443"], PORTS, [80, 443]),
        (["--listen-on=80", "--listen-on", "443,8080"], PORTS, [80, 443, 8080]),
        (["--listen-on="], PORTS, []),
        ([r"--tag=a\,b,c\\,"], TAGS, ["a,b", "c\\", ""]),
        (["--host=::1"], HOST, "::1"),
        (["--logs=debug"], LOGS, "debug"),
    ],
)
def test_words_are_read(words: list[str], argument: Argument[Any], value: object) -> None:
    assert read(*words)[argument] == value


def test_a_flag_does_not_eat_the_next_word() -> None:
    assert "'yes'" in mistake("--loud", "yes")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--count=many"], ["--count", "'many'", "a whole number"]),
        (["--count="], ["--count", "''", "a whole number"]),
        (["--count"], ["--count", "nothing", "a whole number", "--count=INTEGER"]),
        (["--count", "--loud"], ["--count", "--loud", "a whole number"]),
        (["--count=" + "9" * 5000], ["--count", "a whole number"]),
        (["--rate=nan"], ["--rate", "'nan'", "a number"]),
        (["--rate=inf"], ["--rate", "'inf'", "a number"]),
        (["--loud=maybe"], ["--loud", "'maybe'", "yes or no"]),
        (["--no-loud=yes"], ["--no-loud", "takes no value", "'yes'", "--loud"]),
        (["--colour=green"], ["--colour", "'green'", "red, dark_blue"]),
        (["--mode=slow"], ["--mode", "'slow'", "fast, safe"]),
        (["--listen-on=80,x"], ["--listen-on", "'80,x'", "commas", "a whole number"]),
        (["--name=a", "--name=b"], ["--name", "twice", "'a'", "'b'"]),
        (["--nmae=you"], ["unknown option --nmae", "Did you mean --name?"]),
        (["--no-lod"], ["unknown option --no-lod", "Did you mean --no-loud?"]),
        (["--hepl"], ["unknown option --hepl", "Did you mean --help?"]),
        (["--frobnicate"], ["unknown option --frobnicate", "hello --help"]),
        (["--coun=3"], ["unknown option --coun", "Did you mean --count?"]),
        (["--no-name"], ["unknown option --no-name"]),
        (["you"], ["'you'", "--key=value"]),
        (["-n"], ["'-n'", "--key=value"]),
        (["--=x"], ["unknown option --"]),
        (["--name=\udce9"], ["not UTF-8"]),
        (["--name", "\udce9"], ["not UTF-8"]),
    ],
)
def test_a_mistake_is_named_with_what_was_expected(words: list[str], parts: list[str]) -> None:
    message = mistake(*words)
    assert [part for part in parts if part not in message] == []


def test_a_required_argument_is_asked_for_with_its_meaning() -> None:
    message = mistake(arguments=(SITE,))
    assert "--site is missing" in message
    assert "the directory with the pages" in message
    assert "--site=TEXT" in message


def test_help_explains_every_option() -> None:
    text = answer("--help", arguments=(*ALL, SITE))
    flowing = " ".join(text.split())
    for argument in (*ALL, SITE, LOGS):
        assert f"--{argument.name}" in text
        assert argument.doc in flowing
    for part in ("--no-loud", "fast|safe", "red|dark_blue", "(required)", "(default: world)", "(default: 80)"):
        assert part in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_help_comes_before_every_mistake() -> None:
    assert answer("--nmae", "--count=x", "--help").startswith("Usage: hello")


def test_version_names_the_program() -> None:
    assert answer("--version") == "hello 1.2.3"


@pytest.mark.parametrize("name", ["help", "version", "logs", "name"])
def test_a_program_cannot_declare_a_name_that_is_taken(name: str) -> None:
    with pytest.raises(StateError, match="one name"):
        read(arguments=(NAME, Argument(name, text)))


@pytest.mark.parametrize("name", ["", "-x", "a=b", "a b"])
def test_a_name_that_could_not_be_said_is_refused(name: str) -> None:
    with pytest.raises(StateError):
        Argument(name, text)


def test_a_value_nobody_declared_is_the_programs_mistake() -> None:
    with pytest.raises(StateError, match="--site"):
        read()[SITE]
