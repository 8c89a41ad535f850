"""Reads what a source file refers to: imports at any depth and dotted names in strings; judges it by a table."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

PACKAGE = "fata"
# A name in a string counts from its second part on: "fata.lock" is a file, "fata.driver" a layer.
DOTTED = re.compile(rf"(?<![\w./-]){PACKAGE}\.[a-z_]\w*(?:\.[a-z_]\w*)*")
COMPUTED = "a computed module name"
TYPE_STUBS = {"_typeshed"}  # exists for type checkers only; nobody can install or import it


class Layer(NamedTuple):
    """One row of the import table."""

    imports: frozenset[str] = frozenset()  # layers, besides itself
    banned: frozenset[str] = frozenset()  # top-level modules of the standard library
    third_party: frozenset[str] = frozenset()  # top-level modules from elsewhere
    names: frozenset[str] = frozenset()  # further layers that its strings may name
    computes: bool = False  # whether it may import a module whose name is not in its source


class Reference(NamedTuple):
    """A module that a file refers to, by an import or in a string."""

    line: int
    module: str
    in_string: bool = False


def breaches(package: Path, table: Mapping[str, Layer]) -> list[str]:
    """Check every module below `package` (the folder of `fata`); say what breaks the table, one line each."""
    found = []
    for path in sorted(package.rglob("*.py")):
        relative = path.relative_to(package)
        layer = layer_of(relative)
        if layer not in table:
            found.append(f"{relative}: the layer {layer!r} is not in the table")
            continue
        for reference in references(path.read_text(encoding="utf-8")):
            if complaint := judge(reference, layer, table):
                found.append(f"{relative}:{reference.line}: {complaint}")
    return found


def layer_of(relative: Path) -> str:
    """Name the row for a file: `config/catalog` for that folder, else the first folder or the module itself."""
    if relative.parts[:2] == ("config", "catalog"):
        return "config/catalog"
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def judge(reference: Reference, layer: str, table: Mapping[str, Layer]) -> str | None:
    """Say what is wrong with a reference from `layer`; None if nothing."""
    row = table[layer]
    top, _, rest = reference.module.partition(".")
    if reference.module == COMPUTED:
        return None if row.computes else f"{layer} imports {COMPUTED}"
    if not top:
        return f"relative import of {reference.module!r}"
    if top == PACKAGE:
        return judge_layer(reference, layer, rest.partition(".")[0], table)
    if top in row.banned:
        return f"{layer} may not use {top} of the standard library"
    if top not in sys.stdlib_module_names | TYPE_STUBS | row.third_party:
        return f"{layer} may not use the third-party package {top}"
    return None


def judge_layer(reference: Reference, layer: str, target: str, table: Mapping[str, Layer]) -> str | None:
    """Say whether `layer` may refer to the layer `target` ("" is the package itself, which is always fine)."""
    own = layer.partition("/")[0]
    if target in ("", own) or target in table[layer].imports:
        return None
    if not reference.in_string:
        return f"{layer} may not import {reference.module}"
    if target not in table or target in table[layer].names:
        return None
    return f"{layer} may not name {reference.module} in a string"


def references(source: str) -> Iterator[Reference]:
    """Yield everything that a module refers to, wherever it stands: nested, under TYPE_CHECKING, in a string."""
    tree = ast.parse(source)
    passed_over = {id(text) for text in texts_that_are_no_names(tree)}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (Reference(node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(level=level, module=module) if level:
                yield Reference(node.lineno, "." * level + (module or ""))
            case ast.ImportFrom(module="fata", names=names):
                # `__version__` is the package's own; any other name is one of its modules.
                yield from (
                    Reference(node.lineno, f"{PACKAGE}.{alias.name}") for alias in names if alias.name[:2] != "__"
                )
            case ast.ImportFrom(module=str(module)):
                yield Reference(node.lineno, module)
            case ast.Call() if is_import_call(node):
                yield Reference(node.lineno, called_module(node))
            case ast.Constant(value=str(text)) if id(node) not in passed_over:
                yield from (Reference(node.lineno, name, in_string=True) for name in DOTTED.findall(text))


def texts_that_are_no_names(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield strings that stand alone (they document) and those in import calls (they are imports already)."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant() as text):
                yield text
            case ast.Call() if is_import_call(node):
                yield from node.args
                yield from (word.value for word in node.keywords)


def is_import_call(call: ast.Call) -> bool:
    """Tell `importlib.import_module(…)`, `import_module(…)` and `__import__(…)` from other calls."""
    match call.func:
        case ast.Name(id="__import__" | "import_module") | ast.Attribute(attr="import_module" | "__import__"):
            return True
    return False


def called_module(call: ast.Call) -> str:
    """Return the module that an import call names, or `COMPUTED`."""
    given = call.args[0] if call.args else next((word.value for word in call.keywords if word.arg == "name"), None)
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        return given.value
    return COMPUTED
