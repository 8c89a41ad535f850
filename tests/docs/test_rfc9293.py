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


@pytest.mark.slow
def test_the_tests_are_collected() -> None:
    files = sorted({file for row in ROWS for file, _ in row.tests})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = set()
    for line in done.stdout.splitlines():
        file, _, rest = line.partition("::")
        found.add((file, rest.partition("[")[0].rpartition("::")[2] or rest.partition("[")[0]))
    missing = {test for row in ROWS for test in row.tests} - found
    assert not missing
