"""The two files that were written beforehand: which modules are run, and which failures are expected, for which reason.

modules.txt: a module of CPython's package `test` and its tag a line; after these, library modules that are packed with
their docstrings because its tests ask for them. expected.txt: `reason | test | what it wants`. In both `#` begins a
comment.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
TAGS = ("ci", "nightly")  # what has the tag `ci` also runs nightly
REASONS = ("fork", "file system", "locale", "dlopen")  # there are no others: all else is to be mended


class Listed(NamedTuple):
    """A row of modules.txt."""

    name: str
    tag: str
    docstrings: frozenset[str]


class Expected(NamedTuple):
    """A row of expected.txt."""

    test: str
    reason: str
    wants: str


def rows(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that say something, with their numbers."""
    for number, line in enumerate(text.splitlines(), 1):
        said = line.partition("#")[0].strip()
        if said:
            yield number, said


def modules(text: str) -> list[Listed]:
    """Read modules.txt; ValueError, with the line, for what is none."""
    listed: dict[str, Listed] = {}
    for number, line in rows(text):
        name, tag, *docstrings = line.split()
        if tag not in TAGS or name in listed:
            raise ValueError(f"modules.txt:{number}: {line}: a module once, and one of {', '.join(TAGS)}")
        listed[name] = Listed(name, tag, frozenset(docstrings))
    return list(listed.values())


def expectations(text: str) -> dict[str, Expected]:
    """Read expected.txt, by test; ValueError, with the line, for what is none and for a reason that is not allowed."""
    listed: dict[str, Expected] = {}
    for number, line in rows(text):
        fields = [field.strip() for field in line.split("|")]
        if len(fields) != 3 or not all(fields):
            raise ValueError(f"expected.txt:{number}: {line}: it must be `reason | test | what it wants`")
        reason, test, wants = fields
        if reason not in REASONS:
            raise ValueError(f"expected.txt:{number}: {reason!r} is no reason: {', '.join(REASONS)}")
        if test in listed:
            raise ValueError(f"expected.txt:{number}: {test} a second time")
        listed[test] = Expected(test, reason, wants)
    return listed


def the_modules() -> list[Listed]:
    """Return the list."""
    return modules((HERE / "modules.txt").read_text(encoding="utf-8"))


def the_expectations() -> dict[str, Expected]:
    """Return what is expected to fail."""
    return expectations((HERE / "expected.txt").read_text(encoding="utf-8"))
