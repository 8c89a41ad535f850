"""Which modules an application is made of, and whether what they import is there; by reading, not by importing."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fata.config.graph import Graph
from fata.config.signature.source import Module, Sources, absolute

GUARDS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


class Import(NamedTuple):
    """An import statement: the module it names, and whether the program can do without."""

    name: str
    node: ast.stmt
    optional: bool


def own_modules(graph: Graph) -> list[Module]:
    """Return the modules beside config.py that the jobs reach, sorted by name."""
    sources, directory = graph.project.sources, graph.project.directory
    found: dict[str, Module] = {}
    waiting = [job.signature.module for job in graph.jobs]
    while waiting:
        name = waiting.pop()
        module = sources.find(name)
        if module is None or name in found or not module.path.is_relative_to(directory):
            continue
        found[name] = module
        waiting += [name.rpartition(".")[0]] if "." in name else []
        for each in imports(module):
            waiting += _candidates(sources, each)
    return [found[name] for name in sorted(found)]


def check_imports(graph: Graph) -> None:
    """Refuse an application whose modules import, when they are loaded, something that is not installed.

    Raises ConfigError at the import.
    """
    for module in own_modules(graph):
        for each in imports(module):
            top = each.name.partition(".")[0]
            known = top in sys.stdlib_module_names or graph.project.sources.exists(top)
            if not each.optional and not known:
                raise module.where(each.node).error(
                    f"{module.name} imports {each.name!r}, which is not there",
                    f"Install it beside fata (pip install {top}), and write package({top!r}) in config.py.",
                )


def imports(module: Module) -> Iterator[Import]:
    """Return every import of a module; optional are those in functions, under TYPE_CHECKING, or guarded."""
    yield from _imports(module, module.tree.body, False)


def _imports(module: Module, body: Sequence[ast.stmt], optional: bool) -> Iterator[Import]:
    for statement in body:
        match statement:
            case ast.Import(names=names):
                yield from (Import(alias.name, statement, optional) for alias in names)
            case ast.ImportFrom():
                base = absolute(module, statement)
                yield from (Import(f"{base}.{alias.name}", statement, optional) for alias in statement.names)
            case ast.Try():
                guarded = optional or any(_catches_import(handler) for handler in statement.handlers)
                yield from _imports(module, statement.body, guarded)
                for inner in (statement.orelse, statement.finalbody, *(each.body for each in statement.handlers)):
                    yield from _imports(module, inner, optional)
            case ast.If():
                typed = "TYPE_CHECKING" in ast.unparse(statement.test)
                yield from _imports(module, statement.body, optional or typed)
                yield from _imports(module, statement.orelse, optional)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _imports(module, statement.body, True)
            case _:
                inner_body = getattr(statement, "body", [])
                yield from _imports(module, inner_body, optional)


def _catches_import(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return any(isinstance(node, ast.Name) and node.id in GUARDS for node in ast.walk(handler.type))


def _candidates(sources: Sources, each: Import) -> list[str]:
    """Return the modules that an import may mean: `from a.b import c` names a.b, and perhaps a.b.c."""
    parts = each.name.split(".")
    return [name for cut in range(1, len(parts) + 1) if sources.find(name := ".".join(parts[:cut])) is not None]
