"""Where a key's value comes from, and who wins: command line, FATA_*, pyproject.toml, fata.lock, default."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from fata.config.keys import REQUIRED, Key
from fata.config.settings import Setting, Word, as_words, settle, split_options, variable_of
from fata.config.value import BOOLEAN, INTEGER, TEXT, Many, Maybe, OneOf, Plain
from fata.config.where import Where
from tests.config.conftest import assert_blames, refusal

PORT: Key[int] = Key("tcp-port", INTEGER, 80, "where to listen", where=Where("app.py", 5))
NAME: Key[str] = Key("name", TEXT, REQUIRED, "")
LOUD: Key[bool] = Key("loud", BOOLEAN, False, "")
HOST: Key[str | None] = Key("host", Maybe(TEXT), None, "")
TAGS: Key[list[str]] = Key("tags", Many(TEXT), [], "")
AT_BOOT: Key[int] = Key("at-boot", INTEGER, 1, "", "boot")
KEYS: list[Key[Any]] = [PORT, NAME, LOUD, HOST, TAGS, AT_BOOT]
BY_NAME = {key.name: key for key in KEYS}

SOURCES = {
    "command line": (["--tcp-port=1"], {}, {}, {}),
    "FATA_TCP_PORT": ([], {"FATA_TCP_PORT": "2"}, {}, {}),
    "pyproject.toml": ([], {}, {"tcp-port": 3}, {}),
    "fata.lock": ([], {}, {}, {"tcp-port": "4"}),
    "default": ([], {}, {}, {}),
}


@pytest.mark.parametrize("count", range(1, 6))
def test_whoever_is_nearer_to_the_user_wins(count: int) -> None:
    """Every selection of sources: the first of them in the order of precedence decides."""
    for chosen in itertools.combinations(SOURCES, count):
        words: list[str] = []
        environment: dict[str, str] = {}
        pyproject: dict[str, int] = {}
        locked: dict[str, str] = {}
        for name in chosen:
            source = SOURCES[name]
            words += source[0]
            environment |= source[1]
            pyproject |= source[2]
            locked |= source[3]
        expected = {"command line": 1, "FATA_TCP_PORT": 2, "pyproject.toml": 3, "fata.lock": 4, "default": 80}
        assert settle([PORT], words, environment, pyproject, locked) == {
            "tcp-port": Setting(expected[chosen[0]], chosen[0])
        }


def test_a_key_without_any_value_is_left_out() -> None:
    assert "name" not in settle(KEYS, [], {}, {}, {})


def test_a_lock_says_nothing_about_a_key_that_is_read_at_boot() -> None:
    assert settle([AT_BOOT], [], {}, {}, {"at-boot": "7"})["at-boot"] == Setting(1, "default")


def test_a_locked_value_that_is_the_default_is_called_so() -> None:
    assert settle([PORT], [], {}, {}, {"tcp-port": "80"})["tcp-port"] == Setting(80, "default")


def test_a_locked_none_is_none() -> None:
    assert settle([HOST], [], {}, {}, {"host": ""})["host"] == Setting(None, "default")


FROM_PYPROJECT: list[tuple[Key[Any], object, Plain]] = [
    (NAME, "x", "x"),
    (NAME, "World", "World"),
    (NAME, 3, "3"),
    (NAME, True, "true"),
    (LOUD, True, True),
    (LOUD, "no", False),
    (PORT, 8080, 8080),
    (PORT, "0x50", 80),
    (TAGS, ["a", "b"], ["a", "b"]),
    (TAGS, ["a,b", "c\\"], ["a,b", "c\\"]),
    (TAGS, "a,b", ["a", "b"]),
    (TAGS, [], []),
    (HOST, "::1", "::1"),
]


@pytest.mark.parametrize(("key", "written", "value"), FROM_PYPROJECT)
def test_a_toml_value_is_read_as_what_it_looks_like(key: Key[Any], written: object, value: Plain) -> None:
    assert settle([key], [], {}, {key.name: written}, {})[key.name] == Setting(value, "pyproject.toml")


WRONG = {
    "command line": ((["--tcp-port=x"], {}, {}, {}), "--tcp-port: 'x' is not an integer"),
    "environment": (([], {"FATA_TCP_PORT": "x"}, {}, {}), "FATA_TCP_PORT: 'x' is not an integer"),
    "pyproject": (([], {}, {"tcp-port": 1.5}, {}), "pyproject.toml: '1.5' is not an integer"),
    "lock": (([], {}, {}, {"tcp-port": "x"}), "fata.lock: 'x' is not an integer"),
}


@pytest.mark.parametrize(("sources", "reason"), WRONG.values(), ids=WRONG.keys())
def test_a_bad_value_is_told_with_its_origin_and_the_keys_place(sources: Any, reason: str) -> None:
    error = refusal(lambda: settle([PORT], *sources))
    assert_blames(error, Path("app.py"), 5, reason, "where to listen")


def test_a_key_without_help_says_what_it_takes() -> None:
    key: Key[str] = Key("mode", OneOf(("fast", "safe")), "safe", "")
    assert "one of fast, safe" in refusal(lambda: settle([key], ["--mode=slow"], {}, {}, {})).remedy


SPLIT = {
    "nothing": ([], []),
    "equals": (["--tcp-port=1"], [Word("tcp-port", "1")]),
    "next word": (["--tcp-port", "1"], [Word("tcp-port", "1")]),
    "negative": (["--tcp-port", "-1"], [Word("tcp-port", "-1")]),
    "empty": (["--name="], [Word("name", "")]),
    "empty word": (["--name", ""], [Word("name", "")]),
    "equals in the value": (["--name=a=b"], [Word("name", "a=b")]),
    "dashes in the value": (["--name=--loud"], [Word("name", "--loud")]),
    "flag": (["--loud"], [Word("loud", "true")]),
    "flag before another": (["--loud", "--name=x"], [Word("loud", "true"), Word("name", "x")]),
    "no-flag": (["--no-loud"], [Word("loud", "false")]),
    "flag with a value": (["--loud=off"], [Word("loud", "off")]),
    "dashes alone": (["--", "--name=x", "--"], [Word("name", "x")]),
    "repeated": (["--tags=a", "--tags", "b"], [Word("tags", "a"), Word("tags", "b")]),
}


@pytest.mark.parametrize(("words", "found"), SPLIT.values(), ids=SPLIT.keys())
def test_words_are_split_into_options(words: list[str], found: list[Word]) -> None:
    assert split_options(words, BY_NAME) == found


MISTAKES = {
    "unknown": (["--zzz=1"], ["there is no key --zzz", "--tcp-port, --name, --loud"]),
    "nearly known": (["--tpc-port=1"], ["there is no key --tpc-port", "Did you mean --tcp-port?"]),
    "an option of the tool": (["--targt=unix"], ["Did you mean --target?"]),
    "no value": (["--tcp-port"], ["--tcp-port needs a value", "an integer"]),
    "an option for a value": (["--name", "--loud"], ["--name needs a value", "a text"]),
    "dashes for a value": (["--name", "--"], ["--name needs a value"]),
    "a word too many": (["stray"], ["unexpected argument 'stray'", "--name=value"]),
    "a word after a flag": (["--loud", "yes"], ["unexpected argument 'yes'"]),
    "one dash": (["-n", "x"], ["unexpected argument '-n'"]),
    "no- of what is no flag": (["--no-name"], ["there is no key --no-name", "Did you mean --name?"]),
    "no- with a value": (["--no-loud=yes"], ["--no-loud takes no value", "--loud"]),
    "given twice": (["--name=a", "--name=a"], ["--name is given twice"]),
    "not UTF-8": (["--name=caf\udce9"], ["--name: 'caf\\udce9' is not UTF-8"]),
}


@pytest.mark.parametrize(("words", "parts"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_on_the_command_line_is_told(words: list[str], parts: list[str]) -> None:
    error = refusal(lambda: settle(KEYS, words, {}, {}, {}))
    assert [part for part in parts if part not in str(error)] == [], str(error)


def test_a_program_without_keys_says_so() -> None:
    assert "keys: none" in refusal(lambda: split_options(["--x"], {})).remedy


def test_what_was_typed_is_handed_on_to_the_program_and_nothing_else() -> None:
    """The rest stands in main.py as defaults."""
    settings = settle(KEYS, ["--tags=a\\,b,c", "--name=x y"], {"FATA_LOUD": "yes"}, {"host": "::1"}, {"tcp-port": "81"})
    assert as_words(KEYS, settings) == ["--name=x y", "--loud=true", "--tags=a\\,b,c"]
    again = settle(KEYS, as_words(KEYS, settings), {}, {"host": "::1"}, {"tcp-port": "81"})
    assert {name: setting.value for name, setting in again.items()} == {
        name: setting.value for name, setting in settings.items()
    }


def test_a_locked_empty_text_is_a_text() -> None:
    assert settle([NAME], [], {}, {}, {"name": ""})["name"] == Setting("", "fata.lock")


def test_a_key_without_a_value_is_not_handed_on() -> None:
    assert as_words(KEYS, settle(KEYS, ["--loud"], {}, {}, {})) == ["--loud=true"]


def test_the_environment_spells_a_name_its_way() -> None:
    assert variable_of("left-tcp-port") == "FATA_LEFT_TCP_PORT"
