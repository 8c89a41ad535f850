"""The tutorial does what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.guide import Reader, agrees, steps

GUIDES = Path(__file__).parents[2] / "docs" / "guides"


@pytest.mark.slow
@pytest.mark.peer
def test_the_tutorial(tmp_path: Path) -> None:
    text = (GUIDES / "tutorial.md").read_text(encoding="utf-8")
    assert Reader(tmp_path).follow(text) >= 11


def test_the_reader_notices_a_wrong_answer(tmp_path: Path) -> None:
    guide = "```console\n$ echo one\ntwo\n```\n"
    with pytest.raises(AssertionError, match="the guide says"):
        Reader(tmp_path).follow(guide)


def test_the_reader_finds_files_and_commands() -> None:
    guide = "text\n\n```python file=a/b.py\nx = 1\n```\n\n```console\n$ one\nanswer\n$ two\n```\n"
    assert [tuple(step) for step in steps(guide)] == [
        ("a/b.py", "x = 1\n", ""),
        (None, "one", "answer\n"),
        (None, "two", ""),
    ]


def test_an_ellipsis_stands_for_anything_but_the_rest_must_agree() -> None:
    assert agrees("built /x/y (12 bytes)\n", "built …/y (… bytes)")
    assert not agrees("built /x/z (12 bytes)\n", "built …/y (… bytes)")
