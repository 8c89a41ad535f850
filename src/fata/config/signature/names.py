"""From a name in a module to where the thing is defined."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Sequence
from typing import NamedTuple

from fata.config.signature.source import Module, Sources, absolute

MAX_HOPS = 16  # aliases and re-exports followed; more is a cycle
BUILTINS = "builtins"  # the module of `int`, `list` and the like


class Definition(NamedTuple):
    """Where a name leads: a statement in a module, or only a dotted name when its source is not at hand."""

    name: str  # "fata.device.kv.KvRo"
    module: Module | None
    statement: ast.stmt | None

    @property
    def value(self) -> ast.expr | None:
        """What an assignment gives the name; None if it is bound otherwise, or unpacked from a tuple."""
        match self.statement:
            case ast.AnnAssign(value=value):
                return value
            case ast.Assign(targets=targets, value=value) if all(isinstance(target, ast.Name) for target in targets):
                return value
        return None


def dotted(expression: ast.expr) -> str | None:
    """Return "a.b.c" for a name or a chain of attributes; None for anything else."""
    if isinstance(expression, ast.Name):
        return expression.id
    if isinstance(expression, ast.Attribute):
        base = dotted(expression.value)
        return None if base is None else f"{base}.{expression.attr}"
    return None


def resolve(sources: Sources, module: Module, name: str, hops: int = MAX_HOPS) -> Definition:
    """Follow `name`, as it is used in `module`, to its definition.

    Import aliases, attributes of modules, `X = Y` at top level, re-exports and star imports are followed.
    """
    head, _, rest = name.partition(".")
    statement = module.bindings.get(head)
    if hops == 0:
        return Definition(f"{module.name}.{name}", None, None)
    if statement is None:
        return _through_stars(sources, module, name, hops)
    match statement:
        case ast.Import(names=aliases):
            return _through_import(sources, aliases, name, hops)
        case ast.ImportFrom():
            origin = next(alias.name for alias in statement.names if (alias.asname or alias.name) == head)
            return _in_module(sources, f"{absolute(module, statement)}.{origin}", rest, hops)
    found = Definition(f"{module.name}.{head}", module, statement)
    target = None if found.value is None else dotted(found.value)
    if target is not None:
        return resolve(sources, module, f"{target}.{rest}" if rest else target, hops - 1)
    return Definition(f"{module.name}.{name}", module, None) if rest else found


def _through_import(sources: Sources, aliases: list[ast.alias], name: str, hops: int) -> Definition:
    head, _, rest = name.partition(".")
    for alias in aliases:
        if alias.asname == head:
            return _in_module(sources, alias.name, rest, hops)
    return _in_module(sources, head, rest, hops)


def _in_module(sources: Sources, full: str, rest: str, hops: int) -> Definition:
    """Find `full.rest`, where `full` is a module, or a name in one."""
    path = f"{full}.{rest}" if rest else full
    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        module = sources.find(".".join(parts[:cut]))
        if module is not None:
            return resolve(sources, module, ".".join(parts[cut:]), hops - 1)
    return Definition(path, None, None)


def _through_stars(sources: Sources, module: Module, name: str, hops: int) -> Definition:
    for origin in module.stars:
        found = _in_module(sources, origin, name, hops)
        if found.statement is not None:
            return found
    if hasattr(builtins, name.partition(".")[0]):
        return Definition(f"{BUILTINS}.{name}", None, None)
    return Definition(name if "." in name else f"{module.name}.{name}", None, None)


def absent(sources: Sources, found: Definition) -> Module | None:
    """Return the module that ought to define `found` and does not; None when its source is not at hand."""
    if found.module is not None:
        return None
    parts = found.name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        module = sources.find(".".join(parts[:cut]))
        if module is not None:
            # What comes by a star cannot be judged by reading, nor what __getattr__ makes, unless __all__ lists it.
            computed = "__getattr__" in module.bindings and parts[cut] in _public(module, parts[cut])
            return None if module.stars or computed else module
    return None


def _public(module: Module, name: str) -> Sequence[str]:
    """Return the names in `__all__`; without such a list, `name` may be one of them."""
    value = Definition("", module, module.bindings.get("__all__")).value
    if not isinstance(value, ast.List | ast.Tuple):
        return [name]
    return [item.value for item in value.elts if isinstance(item, ast.Constant) and isinstance(item.value, str)]
