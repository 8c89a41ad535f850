"""What one module asks of the image, by reading its source: imports, codecs, and what no guest can do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple

from fata.target.image.guest import truth

GUARDS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
EXPRESSIONS = re.compile(rb"import_module|__import__|\bos\b|encod|decod|lookup|strptime")
"""Only a source in which one of these stands is searched expression by expression."""

PROCESSES = re.compile(r"fork|forkpty|system|popen|posix_spawnp?|exec[lv]p?e?|spawn[lv]p?e?")
"""Functions of `os` that need a second process."""


class Need(IntEnum):
    """When an import is carried out; the greater, the surer."""

    LATE = 0  # inside a function: perhaps never
    GUARDED = 1  # the module can do without: it catches ImportError, or asks a condition first
    ALWAYS = 2  # whenever the module is imported


class Import(NamedTuple):
    """One import statement or call. With `names`, any of them may be a submodule of `module`."""

    module: str
    names: tuple[str, ...]
    need: Need
    line: int


class Reading(NamedTuple):
    """All that was found in one module."""

    imports: tuple[Import, ...]
    computed: tuple[int, ...]  # lines that import what only running can tell
    processes: tuple[tuple[str, int], ...]  # "os.fork", and the line
    codecs: tuple[str, ...]  # as written: "idna"


def read(name: str, *, package: bool, source: bytes, tree: ast.Module) -> Reading:
    """Read module `name`; `package` says whether it is an `__init__`."""
    reader = _Reader(name, package)
    imports = list(reader.statements(tree.body, Need.ALWAYS))
    if not EXPRESSIONS.search(source):
        return Reading(tuple(imports), (), (), ())
    late = _late_lines(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Call():
                reader.call(node, Need.LATE if node.lineno in late else Need.GUARDED)
            case ast.Attribute(value=ast.Name(id="os"), attr=attribute) if PROCESSES.fullmatch(attribute):
                reader.processes.append((f"os.{attribute}", node.lineno))
            case ast.ImportFrom(module="os", names=names):
                found = (alias.name for alias in names if PROCESSES.fullmatch(alias.name))
                reader.processes += [(f"os.{each}", node.lineno) for each in found]
    return Reading(
        (*imports, *reader.called),
        tuple(sorted(reader.computed)),
        tuple(sorted(reader.processes, key=lambda each: each[1])),
        tuple(sorted(reader.codecs)),
    )


def absolute(name: str, package: bool, statement: ast.ImportFrom) -> str:
    """Return the full name of the module that a `from … import` in module `name` means."""
    if not statement.level:
        return statement.module or ""
    parts = name.split(".")
    base = parts[: max(0, len(parts) - statement.level + package)]
    return ".".join([*base, *([statement.module] if statement.module else [])])


class _Reader:
    def __init__(self, name: str, package: bool) -> None:
        self.name = name
        self.package = package
        self.called: list[Import] = []
        self.computed: list[int] = []
        self.processes: list[tuple[str, int]] = []
        self.codecs: set[str] = set()

    def statements(self, body: Sequence[ast.stmt], need: Need) -> Iterator[Import]:
        for statement in body:
            yield from self._statement(statement, need)

    def _statement(self, statement: ast.stmt, need: Need) -> Iterator[Import]:
        match statement:
            case ast.Import(names=names):
                yield from (Import(alias.name, (), need, statement.lineno) for alias in names)
            case ast.ImportFrom(names=names):
                base = absolute(self.name, self.package, statement)
                yield Import(base, tuple(alias.name for alias in names), need, statement.lineno)
            case ast.Try() | ast.TryStar():
                yield from self._try(statement, need)
            case ast.If(test=test, body=body, orelse=orelse):
                answer = truth(test)
                unsure = need if answer is not None else min(need, Need.GUARDED)
                yield from self.statements(body if answer is not False else (), unsure)
                yield from self.statements(orelse if answer is not True else (), unsure)
            case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body):
                yield from self.statements(body, Need.LATE)
            case ast.With(items=items, body=body):
                suppressed = any("suppress" in ast.unparse(item.context_expr) for item in items)
                yield from self.statements(body, min(need, Need.GUARDED) if suppressed else need)
            case ast.Match(cases=cases):
                for case in cases:
                    yield from self.statements(case.body, min(need, Need.GUARDED))
            case _:
                yield from self.statements(getattr(statement, "body", ()), need)
                yield from self.statements(getattr(statement, "orelse", ()), need)

    def _try(self, statement: ast.Try | ast.TryStar, need: Need) -> Iterator[Import]:
        # A handler that raises again does not do without the module.
        forgiving = [each for each in statement.handlers if not isinstance(each.body[-1], ast.Raise)]
        guarded = min(need, Need.GUARDED)
        inner = guarded if any(_catches_import(handler) for handler in forgiving) else need
        yield from self.statements(statement.body, inner)
        yield from self.statements(statement.orelse, inner)
        for handler in statement.handlers:
            yield from self.statements(handler.body, guarded)
        yield from self.statements(statement.finalbody, need)

    def call(self, node: ast.Call, need: Need) -> None:
        """Note what a call imports or which codec it names."""
        first = node.args[0] if node.args else None
        match node.func:
            case ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module" | "__import__"):
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    self._import_call(first.value, node, need)
                else:
                    self.computed.append(node.lineno)
            case ast.Attribute(attr="strptime"):  # of time and datetime: C code that imports
                self.called.append(Import("_strptime", (), Need.LATE, node.lineno))
            case ast.Attribute(attr="encode" | "decode" | "lookup"):
                self._codec(first)
        for keyword in node.keywords:
            if keyword.arg == "encoding":
                self._codec(keyword.value)

    def _import_call(self, name: str, node: ast.Call, need: Need) -> None:
        if name.startswith("."):
            statement = ast.ImportFrom(name.lstrip("."), [], len(name) - len(name.lstrip(".")))
            name = absolute(self.name, self.package, statement)
        self.called.append(Import(name, (), need, node.lineno))

    def _codec(self, value: ast.expr | None) -> None:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            self.codecs.add(value.value)


def _catches_import(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return any(isinstance(node, ast.Name) and node.id in GUARDS for node in ast.walk(handler.type))


def _late_lines(tree: ast.Module) -> set[int]:
    """Return the lines that stand inside functions."""
    late: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            late.update(range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1))
    return late
