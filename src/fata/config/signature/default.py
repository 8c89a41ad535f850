"""From a default's syntax to a value."""

from __future__ import annotations

import ast
from typing import cast

from fata.config.keys import REQUIRED, Required
from fata.config.signature.annotation import literal
from fata.config.signature.names import MAX_HOPS, dotted, resolve
from fata.config.signature.source import Module, Sources
from fata.config.value import Enumeration, KeyType, Many, Maybe, Plain, admits
from fata.errors import ConfigError

REMEDY = "Write a literal, a module's constant, or a member of the Enum."


def read_default(
    sources: Sources, module: Module, expression: ast.expr | None, key_type: KeyType, parameter: str
) -> Plain | Required:
    """Evaluate a default without running code. Raises ConfigError when that cannot be done, or the type differs."""
    if expression is None:
        return REQUIRED
    value = _evaluate(sources, module, expression, _enumeration(key_type))
    if value is ...:
        raise _error(module, expression, parameter, "is not known before the program runs")
    if not admits(key_type, value):
        raise _error(module, expression, parameter, f"is not {key_type.describe()}")
    return cast(Plain, value)


def _error(module: Module, expression: ast.expr, parameter: str, reason: str) -> ConfigError:
    return module.where(expression).error(f"the default `{ast.unparse(expression)}` of `{parameter}` {reason}", REMEDY)


def _evaluate(
    sources: Sources, module: Module, expression: ast.expr, enumeration: Enumeration | None, hops: int = MAX_HOPS
) -> object:
    """Return a value; `...` for what is none before the program runs."""
    if isinstance(expression, ast.List | ast.Tuple):
        items = [_evaluate(sources, module, item, enumeration, hops) for item in expression.elts]
        return ... if ... in items else items
    name = dotted(expression)
    if name is None:
        value = literal(expression)
        # An enumeration's member is known by its name; a text that happens to be that name is none.
        return value.encode() if enumeration is not None and isinstance(value, str) else value
    found = resolve(sources, module, name)
    owner, _, member = found.name.rpartition(".")
    if enumeration is not None and owner == f"{enumeration.module}.{enumeration.name}":
        return member
    if found.value is None or found.module is None or not hops:
        return ...
    return _evaluate(sources, found.module, found.value, enumeration, hops - 1)


def _enumeration(key_type: KeyType) -> Enumeration | None:
    match key_type:
        case Enumeration():
            return key_type
        case Many(of) | Maybe(of):
            return _enumeration(of)
    return None
