"""One line and a list of words are the same thing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.errors import ConfigError, StateError
from fata.runtime.quoting import join, split

SPECIAL = st.text(alphabet=' "\\ab\t\n=-é', max_size=12)
WORDS = st.lists(SPECIAL | st.text(alphabet=st.characters(exclude_characters="\0")), max_size=8)


@given(WORDS)
def test_a_joined_line_splits_into_its_words(words: list[str]) -> None:
    assert split(join(words)) == words


@given(st.lists(SPECIAL, max_size=4), st.integers(1, 3))
def test_the_number_of_spaces_between_words_does_not_matter(words: list[str], spaces: int) -> None:
    gap = " " * spaces
    assert split(gap + gap.join(join([word]) for word in words) + gap) == words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("   ", []),
        ('""', [""]),
        ('--name="John Smith" --port=80', ["--name=John Smith", "--port=80"]),
        ('"--name=John Smith"', ["--name=John Smith"]),
        (r"--name=John\ Smith", ["--name=John Smith"]),
        (r'"say \"hi\""', ['say "hi"']),
        (r"C:\\temp", [r"C:\temp"]),
        ("a\tb\nc", ["a\tb\nc"]),
        ("naïve ☃", ["naïve", "☃"]),
    ],
)
def test_lines_as_people_write_them(line: str, words: list[str]) -> None:
    assert split(line) == words


def test_words_that_need_no_quotes_get_none() -> None:
    assert join(["--site=htdocs", "--logs=*:info,tcp:debug"]) == "--site=htdocs --logs=*:info,tcp:debug"


@pytest.mark.parametrize("line", ['"open', 'a"b c', '--name="x\\"'])
def test_a_quote_left_open_is_told(line: str) -> None:
    with pytest.raises(ConfigError, match="inside a quote"):
        split(line)


def test_a_backslash_at_the_end_is_told() -> None:
    with pytest.raises(ConfigError, match="lone"):
        split("path\\")


def test_no_target_can_pass_a_nul_on() -> None:
    with pytest.raises(StateError, match="NUL"):
        join(["a\0b"])
