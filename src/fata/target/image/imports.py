"""What one module asks of the image, by reading its source: imports, codecs, and what no guest can do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple

from fata.target.image.guest import truth
from fata.target.reach import catches_import, suppresses

EXPRESSIONS = re.compile(rb"import_module|__import__|\bos\b|encod|decod|lookup|strptime")
"""Only a source in which one of these stands is searched expression by expression."""

PROCESSES = re.compile(r"fork|forkpty|system|popen|posix_spawnp?|exec[lv]p?e?|spawn[lv]p?e?")
"""Functions of `os` that need a second process."""


class Need(IntEnum):
    """When an import is carried out; the greater, the surer."""

    LATE_GUARDED = 0  # inside a function that can do without
    LATE = 1  # inside a function: perhaps never
    GUARDED = 2  # the module can do without: it catches ImportError, or asks a condition first
    ALWAYS = 3  # whenever the module is imported

    @property
    def forgiving(self) -> bool:
        """Whether nothing fails when the import does."""
        return self in (Need.LATE_GUARDED, Need.GUARDED)

    def guarded(self) -> Need:
        """Return the need inside a guard."""
        return Need.GUARDED if self >= Need.GUARDED else Need.LATE_GUARDED


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
    reader = _Reader(name, package, searching=EXPRESSIONS.search(source) is not None)
    imports = list(reader.statements(tree.body, Need.ALWAYS))
    return Reading(
        tuple(imports),
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
    def __init__(self, name: str, package: bool, *, searching: bool) -> None:
        self.name = name
        self.package = package
        self.searching = searching  # whether expressions may hold something
        self.computed: list[int] = []
        self.processes: list[tuple[str, int]] = []
        self.codecs: set[str] = set()

    def statements(self, body: Sequence[ast.stmt], need: Need) -> Iterator[Import]:
        for statement in body:
            if self.searching:
                yield from self._expressions(statement, need)
            yield from self._statement(statement, need)

    def _statement(self, statement: ast.stmt, need: Need) -> Iterator[Import]:
        match statement:
            case ast.Import(names=names):
                yield from (Import(alias.name, (), need, statement.lineno) for alias in names)
            case ast.ImportFrom(names=names):
                base = absolute(self.name, self.package, statement)
                if base == "os":
                    self._processes((alias.name for alias in names), statement.lineno)
                yield Import(base, tuple(alias.name for alias in names), need, statement.lineno)
            case ast.Try() | ast.TryStar():
                yield from self._try(statement, need)
            case ast.If(test=test, body=body, orelse=orelse):
                answer = truth(test)
                unsure = need if answer is not None else need.guarded()
                yield from self.statements(body if answer is not False else (), unsure)
                yield from self.statements(orelse if answer is not True else (), unsure)
            case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body):
                yield from self.statements(body, Need.LATE)
            case ast.With():
                yield from self.statements(statement.body, need.guarded() if suppresses(statement) else need)
            case ast.Match(cases=cases):
                for case in cases:
                    yield from self.statements(case.body, need.guarded())
            case _:
                yield from self.statements(getattr(statement, "body", ()), need)
                yield from self.statements(getattr(statement, "orelse", ()), need)

    def _try(self, statement: ast.Try | ast.TryStar, need: Need) -> Iterator[Import]:
        # A handler that raises again does not do without the module.
        forgiving = [each for each in statement.handlers if not isinstance(each.body[-1], ast.Raise)]
        guarded = need.guarded()
        inner = guarded if any(catches_import(handler) for handler in forgiving) else need
        yield from self.statements(statement.body, inner)
        yield from self.statements(statement.orelse, inner)
        for handler in statement.handlers:
            yield from self.statements(handler.body, guarded)
        yield from self.statements(statement.finalbody, need)

    def _expressions(self, statement: ast.stmt, need: Need) -> Iterator[Import]:
        """Look through the expressions of one statement; those of statements inside it come with these."""
        for part in ast.iter_child_nodes(statement):
            if not isinstance(part, ast.expr):
                continue
            for node in ast.walk(part):
                if isinstance(node, ast.Call):
                    yield from self._call(node, need)
                elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
                    self._processes([node.attr], node.lineno)

    def _call(self, node: ast.Call, need: Need) -> Iterator[Import]:
        """Note what a call imports or which codec it names."""
        first = node.args[0] if node.args else None
        match node.func:
            case ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module" | "__import__"):
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield Import(self._absolute(first.value), (), need, node.lineno)
                else:
                    self.computed.append(node.lineno)
            case ast.Attribute(attr="strptime"):  # of time and datetime: C code that imports
                yield Import("_strptime", (), need.guarded(), node.lineno)
            case ast.Attribute(attr="encode" | "decode" | "lookup"):
                self._codec(first)
        for keyword in node.keywords:
            if keyword.arg == "encoding":
                self._codec(keyword.value)

    def _absolute(self, name: str) -> str:
        level = len(name) - len(name.lstrip("."))
        return absolute(self.name, self.package, ast.ImportFrom(name[level:], [], level))

    def _processes(self, names: Iterable[str], line: int) -> None:
        self.processes += [(f"os.{name}", line) for name in names if PROCESSES.fullmatch(name)]

    def _codec(self, value: ast.expr | None) -> None:
        nodes = () if value is None else ast.walk(value)  # `given or "cp437"` names one too
        self.codecs.update(
            node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)
        )
