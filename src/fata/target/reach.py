"""Which modules an application is made of, and whether what they import is there; by reading, not by importing."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
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
    """Return the modules beside config.py that the program reaches, from jobs and devices on, sorted by name."""
    sources, directory = graph.project.sources, graph.project.directory
    found: dict[str, Module] = {}
    waiting = [job.signature.module for job in graph.jobs]
    waiting += [node.implementation.partition(":")[0] for node in graph.nodes]
    while waiting:
        name = waiting.pop()
        module = sources.find(name)
        if module is None or name in found or not _stands_in(directory, module):
            continue
        found[name] = module
        waiting += [name.rpartition(".")[0]] if "." in name else []
        for each in imports(module):
            waiting += _candidates(sources, each)
    return [found[name] for name in sorted(found)]


def _stands_in(directory: Path, module: Module) -> bool:
    """Say whether the module is the application's own: a package installed in a .venv beside config.py is not."""
    base = directory.joinpath(*module.name.split("."))
    return module.path in (base.with_suffix(".py"), base / "__init__.py")


def check_imports(graph: Graph) -> None:
    """Refuse an application whose modules import, when they are loaded, something that is not installed.

    Raises ConfigError at the import.
    """
    for module in own_modules(graph):
        for each in imports(module):
            top = each.name.partition(".")[0]
            if not each.optional and not top:
                raise module.where(each.node).error(
                    f"{module.name} imports {each.name!r}, and there is no such package around it",
                    "Name the module without the dots.",
                )
            if not each.optional and not _is_there(graph, top):
                raise module.where(each.node).error(
                    f"{module.name} imports {each.name!r}, which is not there",
                    f"Install it beside fata (pip install {top}), and write package({top!r}) in config.py.",
                )


def _is_there(graph: Graph, top: str) -> bool:
    if top in sys.stdlib_module_names or graph.project.sources.exists(top):
        return True
    # A zip file or an import hook may know it. For a name without a dot nothing is imported to find out.
    return top in sys.modules or find_spec(top) is not None


def imports(module: Module) -> Iterator[Import]:
    """Return every import of a module; optional are those in functions, under a condition, or guarded."""
    yield from _imports(module, module.tree.body, False)


def _imports(module: Module, body: Sequence[ast.stmt], optional: bool) -> Iterator[Import]:
    for statement in body:
        match statement:
            case ast.Import(names=names):
                yield from (Import(alias.name, statement, optional) for alias in names)
            case ast.ImportFrom():
                base = absolute(module, statement)
                yield from (Import(f"{base}.{alias.name}", statement, optional) for alias in statement.names)
            case ast.Try() | ast.TryStar():
                guarded = any(catches_import(handler) for handler in statement.handlers)
                yield from _imports(module, statement.body, optional or guarded)
                yield from _imports(module, statement.orelse, optional or guarded)
                yield from _imports(module, statement.finalbody, optional)
                for handler in statement.handlers:
                    yield from _imports(module, handler.body, True)
            case ast.If():
                # The condition may be TYPE_CHECKING, a version or a platform: only running it would tell.
                yield from _imports(module, [*statement.body, *statement.orelse], True)
            case ast.Match(cases=cases):
                yield from _imports(module, [inner for case in cases for inner in case.body], True)
            case ast.With():
                yield from _imports(module, statement.body, optional or suppresses(statement))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _imports(module, statement.body, True)
            case _:
                inner = [*getattr(statement, "body", ()), *getattr(statement, "orelse", ())]
                yield from _imports(module, inner, optional)


def catches_import(handler: ast.ExceptHandler) -> bool:
    """Say whether a handler is called when an import fails."""
    if handler.type is None:
        return True
    return any(isinstance(node, ast.Name) and node.id in GUARDS for node in ast.walk(handler.type))


def suppresses(statement: ast.With) -> bool:
    """Say whether a block goes on when an import in it fails: `with suppress(ImportError)`."""
    return any("suppress" in ast.unparse(item.context_expr) for item in statement.items)


def _candidates(sources: Sources, each: Import) -> list[str]:
    """Return the modules that an import may mean: `from a.b import c` names a.b, and perhaps a.b.c."""
    parts = each.name.split(".")
    return [name for cut in range(1, len(parts) + 1) if sources.find(name := ".".join(parts[:cut])) is not None]
