"""Sizes and names that a reader can cope with, whatever the code does."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("src", "tests", "examples", "benchmarks", "scripts")

MODULE_LINES = 400  # beyond this a reader has lost the thread; ask at 300 whether it is two concepts
FUNCTION_LINES = 40  # a screen, docstring not counted
# A name that says "whatever did not fit elsewhere" collects exactly that.
DRAWERS = {"utils", "util", "common", "helpers", "helper", "misc"}


def modules(*folders: str) -> Iterator[Path]:
    """Yield the Python files that we keep, generated ones left out."""
    for folder in folders:
        found = sorted((ROOT / folder).rglob("*.py"))
        yield from (path for path in found if "build" not in path.relative_to(ROOT).parts)


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    kernel = (path for path in (ROOT / "kernel").rglob("*") if path.suffix in (".c", ".h", ".S"))
    files = [*modules(*FOLDERS), *kernel]
    lengths = {path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {str(path): lines for path, lines in lengths.items() if lines > MODULE_LINES} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    long = []
    for path in modules(*FOLDERS):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and body_lines(node) > FUNCTION_LINES:
                long.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.name} has {body_lines(node)} lines")
    assert long == []


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count a function's lines, less those of its docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    match function.body[0]:
        case ast.Expr(value=ast.Constant(value=str())) as docstring:
            return lines - ((docstring.end_lineno or docstring.lineno) - docstring.lineno + 1)
    return lines


def test_no_module_is_a_drawer() -> None:
    assert [path for path in modules("src", "tests") if path.stem in DRAWERS or path.parent.name in DRAWERS] == []
