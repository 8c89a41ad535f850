"""Modules as source: found by walking directories, parsed once, never imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from fata.config.where import Where
from fata.errors import ConfigError


class Module:
    """One parsed module, with what its top level binds."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree. Raises ConfigError at the line of a syntax error."""
        try:
            # The guest's Python is 3.11, whatever runs this tool.
            return ast.parse(self.path.read_bytes(), str(self.path), feature_version=(3, 11))
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None)
            raise ConfigError(
                f"{self.name} cannot be read: {getattr(error, 'msg', error)}",
                remedy="Mend the syntax; the guest's Python is 3.11.",
                file=str(self.path),
                line=line,
            ) from None

    @cached_property
    def bindings(self) -> dict[str, ast.stmt]:
        """Names bound at the top level, also inside `if`, `try` and `with`, by the statement that does it last."""
        found: dict[str, ast.stmt] = {}
        for statement in _statements(self.tree.body):
            for name in _bound(statement):
                found[name] = statement
        return found

    @cached_property
    def stars(self) -> list[str]:
        """Modules whose names are imported by `from m import *`."""
        return [
            absolute(self, statement)
            for statement in _statements(self.tree.body)
            if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*"
        ]

    def where(self, node: ast.AST) -> Where:
        """Return the place of a node."""
        return Where(str(self.path), getattr(node, "lineno", None))


class Sources:
    """The modules of an application and of the packages installed beside the tool."""

    def __init__(self, path: Sequence[Path]) -> None:
        self._path = path
        self._modules: dict[str, Module | None] = {}

    def find(self, name: str) -> Module | None:
        """Return a module by its dotted name; None when there is no such source file."""
        if name not in self._modules:
            # A relative import that leaves its package leaves a name with an empty part.
            self._modules[name] = self._locate(name) if all(name.split(".")) else None
        return self._modules[name]

    def exists(self, name: str) -> bool:
        """Say whether a top-level name could be imported from the search path, in whatever form."""
        for directory in self._path:
            if (directory / name).is_dir() or (directory / f"{name}.py").is_file():
                return True
            if directory.is_dir() and any(directory.glob(f"{name}.*so")):
                return True
        return False

    def _locate(self, name: str) -> Module | None:
        relative = Path(*name.split("."))
        for directory in self._path:
            for candidate in (directory / relative / "__init__.py", directory / relative.with_suffix(".py")):
                if candidate.is_file():
                    return Module(name, candidate)
        return None


def absolute(module: Module, statement: ast.ImportFrom) -> str:
    """Return the full name of the module that a `from … import` names."""
    if not statement.level:
        return statement.module or ""
    is_package = module.path.name == "__init__.py"
    parts = module.name.split(".")
    base = parts[: max(0, len(parts) - statement.level + is_package)]
    return ".".join([*base, *([statement.module] if statement.module else [])])


def imports_at_any_depth(module: Module) -> set[str]:
    """Return the top-level names of everything the module may import when it runs, also inside functions."""
    found: set[str] = set()
    waiting: list[ast.AST] = [module.tree]
    while waiting:
        match waiting.pop():
            case ast.Import(names=names):
                found.update(alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom() as statement:
                found.add(absolute(module, statement).partition(".")[0])
            case ast.If() as statement if is_type_checking(statement):
                waiting += statement.orelse
            case node:
                waiting += ast.iter_child_nodes(node)
    return found


def is_type_checking(statement: ast.If) -> bool:
    """Say whether it is `if TYPE_CHECKING:`, whose body never runs."""
    match statement.test:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
    return False


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Return the statements of the top level, those last that hold for a type checker."""
    for statement in body:
        match statement:
            case ast.If() if is_type_checking(statement):
                yield from _statements([*statement.orelse, *statement.body])
            case ast.If():
                yield from _statements([*statement.body, *statement.orelse])
            case ast.Try():
                handlers = [inner for handler in statement.handlers for inner in handler.body]
                # The handlers first: what the body binds is what usually holds.
                yield from _statements([*handlers, *statement.body, *statement.orelse, *statement.finalbody])
            case ast.With():
                yield from _statements(statement.body)
            case _:
                yield statement


def _bound(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name
        case ast.Import(names=names):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in names)
        case ast.ImportFrom(names=names):
            yield from (alias.asname or alias.name for alias in names if alias.name != "*")
        case ast.Assign(targets=targets):
            nodes = (node for target in targets for node in ast.walk(target))
            yield from (node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
        case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None:
            yield name
        case _:
            return
