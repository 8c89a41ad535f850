"""docs/spec/rfc9293.md keeps its word: nothing is missing, and the tests it names exist, are collected, and run."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "spec" / "rfc9293.md"
HOME = "tests/proto/tcp/"
EXPECTED = {  # RFC 9293, appendix B
    *(f"MUST-{number}" for number in range(1, 70)),
    *(f"SHLD-{number}" for number in range(1, 32)),
    *(f"MAY-{number}" for number in range(1, 19)),
    "REC-1",
}
NODE = re.compile(r"`([\w/]+\.py)::(\w+)`")


class Row(NamedTuple):
    """A line of the table."""

    id: str
    section: str
    text: str
    status: str
    tests: tuple[tuple[str, str], ...]  # file, function
    reason: str


def read() -> list[Row]:
    """The table's rows."""
    rows = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 5 and re.fullmatch(r"(MUST|SHLD|MAY|REC)-\d+", cells[0]):
            tests = tuple((file if "/" in file else HOME + file, name) for file, name in NODE.findall(cells[4]))
            reason = NODE.sub("", cells[4]).replace("<br>", " ").strip()
            rows.append(Row(cells[0], cells[1], cells[2], cells[3], tests, reason))
    return rows


ROWS = read()


def test_every_identifier_has_one_row() -> None:
    ids = [row.id for row in ROWS]
    assert len(ids) == len(set(ids))
    assert set(ids) == EXPECTED


def test_every_must_has_tests() -> None:
    assert [row.id for row in ROWS if row.id.startswith("MUST") and not row.tests] == []


@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
def test_a_row_has_what_its_status_needs(row: Row) -> None:
    assert re.fullmatch(r"3(\.\d+)+", row.section)
    assert row.text
    if row.status == "done":
        assert row.tests
    elif row.status == "differs":
        assert row.tests
        assert row.reason
    else:
        assert row.status == "no"
        assert not row.id.startswith("MUST")
        assert row.reason


@cache
def functions(file: str) -> dict[str, ast.FunctionDef]:
    """The test functions of a file, those of classes too."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", [row for row in ROWS if row.tests], ids=lambda row: row.id)
def test_the_tests_exist_and_are_not_skipped(row: Row) -> None:
    for file, name in row.tests:
        assert name in functions(file), f"{file} has no {name}"
        node = functions(file)[name]
        marks = " ".join(ast.unparse(mark) for mark in node.decorator_list)
        assert not re.search(r"skip|xfail|slow|root|qemu|peer", marks), f"{name} does not run in every check"
        assert not re.search(r"\bskip\(|importorskip", ast.unparse(node))
        module = (ROOT / file).read_text(encoding="utf-8")
        assert "pytestmark" not in module
        assert "allow_module_level" not in module


def passed(files: list[str], root: Path) -> set[tuple[str, str]]:
    """Run test files; return file and name of each test that has passed with all its parameters.

    A test may be skipped in ways that its source does not show: by a fixture, by a hook, by what it calls.
    """
    command = [sys.executable, "-m", "pytest", "-v", "--color=no", "-p", "no:cacheprovider", "-m", "not slow", *files]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    outcomes: dict[tuple[str, str], set[str]] = {}
    for file, name, outcome in re.findall(r"^(\S+?)::(?:\w+::)?(\w+)\S*.* ([A-Z]+)\b", done.stdout, re.MULTILINE):
        outcomes.setdefault((file, name), set()).add(outcome)
    assert outcomes, done.stdout + done.stderr
    return {test for test, seen in outcomes.items() if seen == {"PASSED"}}


@pytest.mark.slow
def test_the_tests_run_and_pass() -> None:
    files = sorted({file for row in ROWS for file, _ in row.tests})
    ran = passed(files, ROOT)
    assert {test for row in ROWS for test in row.tests} - ran == set()


SEEDED = """
import pytest

@pytest.fixture
def absent():
    pytest.skip("nothing here")

@pytest.mark.parametrize("word", ["a b", "c::d"])
def test_good(word): pass
def test_skipped_by_its_fixture(absent): pass
@pytest.mark.parametrize("number", [1, 2])
def test_skipped_in_part(number):
    if number == 2: absent_too()
def absent_too(): pytest.skip("nor here")
@pytest.mark.xfail
def test_expected_to_fail(): assert False
def test_failing(): assert False
@pytest.mark.slow
def test_not_selected(): pass
class TestClass:
    def test_within(self): pass
def helper_not_collected(): pass
"""


@pytest.mark.slow
def test_the_check_catches_what_does_not_run(tmp_path: Path) -> None:
    (tmp_path / "test_seeded.py").write_text(SEEDED)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    slow: x\n")
    assert passed(["test_seeded.py"], tmp_path) == {("test_seeded.py", "test_good"), ("test_seeded.py", "test_within")}
