"""The import table, executed: what each layer of src/fata may refer to, here, in the standard library, elsewhere."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

from tests.layers import Layer, breaches

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "fata"
CATALOG = SOURCE / "config" / "catalog"

MODULE_LINES = 400  # beyond this a reader has lost the thread; ask at 300 whether it is two concepts
FUNCTION_LINES = 40  # a screen, docstring not counted
# A name that says "whatever did not fit elsewhere" collects exactly that.
DRAWERS = {"utils", "util", "common", "helpers", "helper", "misc"}


def names(text: str) -> frozenset[str]:
    """Write a set as its words."""
    return frozenset(text.split())


# Whoever computes bytes from bytes has no business with time, chance or the outside.
PURE = names("asyncio os socket select time random secrets threading")
BELOW_SIM = names("errors wire disk proto device driver stack http store irmin blocking runtime")
# What the generated program is made of: the catalog says which, `target/` writes the names down and resolves them.
PROGRAM = names("driver stack store irmin http runtime")

TABLE = {
    "__init__": Layer(),
    "__main__": Layer(imports=names("tool")),
    "errors": Layer(),
    "wire": Layer(imports=names("errors"), banned=PURE),
    "disk": Layer(imports=names("errors"), banned=PURE),
    "proto": Layer(imports=names("wire errors"), banned=PURE),
    "device": Layer(imports=names("errors"), banned=PURE),
    "driver": Layer(imports=names("device wire disk errors")),
    "stack": Layer(imports=names("proto wire device errors")),
    "http": Layer(imports=names("errors"), third_party=names("h11 wsproto")),
    "store": Layer(imports=names("disk device errors")),
    "irmin": Layer(imports=names("disk store device errors"), third_party=names("dulwich")),
    "blocking": Layer(imports=names("store irmin driver device errors")),
    "runtime": Layer(imports=names("device driver stack http errors")),
    # pytest, because sim holds the plugin that gives a user's tests their fixtures.
    "sim": Layer(imports=BELOW_SIM, third_party=names("pytest")),
    "config": Layer(imports=names("device errors")),
    "config/catalog": Layer(imports=names("device errors"), names=PROGRAM),
    "target": Layer(
        imports=names("config errors"), third_party=names("elftools watchfiles"), names=PROGRAM, computes=True
    ),
    "tool": Layer(
        imports=BELOW_SIM | names("sim config target"),
        third_party=names("click rich packaging"),
        names=PROGRAM,
        computes=True,
    ),
}


def modules(*folders: str) -> Iterator[Path]:
    """Yield the Python files that we keep, generated ones left out."""
    for folder in folders:
        yield from (path for path in sorted((ROOT / folder).rglob("*.py")) if "build" not in path.parts)


def dotted_names() -> Iterator[tuple[str, str]]:
    """Yield (file, name) for every string of the catalog that names something of ours."""
    for path in sorted(CATALOG.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Constant(value=str(text)) if re.fullmatch(r"fata(\.\w+)+(:\w+(\.\w+)*)?", text):
                    yield path.name, text


def test_every_module_keeps_to_its_layer() -> None:
    assert breaches(SOURCE, TABLE) == []


def test_the_table_names_only_layers_that_it_has() -> None:
    named = frozenset[str]().union(*(row.imports | row.names for row in TABLE.values()))
    assert named <= set(TABLE)


def test_every_name_in_the_catalog_leads_to_something() -> None:
    lost = []
    for file, dotted in dotted_names():
        module, _, attribute = dotted.partition(":")
        try:
            found: object = importlib.import_module(module)
            for part in attribute.split(".") if attribute else ():
                found = getattr(found, part)
        except (ImportError, AttributeError) as error:
            lost.append(f"config/catalog/{file}: {dotted}: {error}")
    assert lost == []


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    lengths = {
        path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines())
        for path in modules("src", "tests", "examples", "benchmarks", "scripts")
    }
    assert {str(path): lines for path, lines in lengths.items() if lines > MODULE_LINES} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    long = []
    for path in modules("src", "tests", "examples", "benchmarks", "scripts"):
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
