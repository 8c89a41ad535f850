"""The list and the expectations are read strictly, and are what the issue asks for."""

from __future__ import annotations

import pytest

from tests.cpython import listing
from tests.cpython.verdict import belongs


def test_the_list_is_long_enough() -> None:
    rows = listing.the_modules()
    assert len(rows) >= 60
    assert {row.tag for row in rows} == set(listing.TAGS)


def test_every_expectation_is_of_a_listed_module() -> None:
    names = [row.name for row in listing.the_modules()]
    assert [test for test in listing.the_expectations() if not any(belongs(test, name) for name in names)] == []


@pytest.mark.parametrize("line", ["hardware | test.test_x.C.t | luck", "fork | test.test_x", "fork || why", "fork"])
def test_an_expectation_without_an_allowed_reason_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"expected\.txt:2"):
        listing.expectations(f"# a comment\n{line}\n")


def test_an_expectation_stands_once() -> None:
    with pytest.raises(ValueError, match="second time"):
        listing.expectations("fork | test.test_x.C.t | a process\n" * 2)


def test_rows_are_read() -> None:
    (row,) = listing.modules("test_enum ci enum pydoc  # its docstrings\n\n")
    assert row == listing.Listed("test_enum", "ci", frozenset({"enum", "pydoc"}))
    (expected,) = listing.expectations("file system | test.test_x.C.t | /etc/group\n").values()
    assert expected == listing.Expected("test.test_x.C.t", "file system", "/etc/group")


@pytest.mark.parametrize("text", ["test_x\n", "test_x weekly\n", "test_x ci\ntest_x nightly\n"])
def test_a_list_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        listing.modules(text)
