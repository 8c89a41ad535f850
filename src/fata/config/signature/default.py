"""From a default's syntax to a value."""

from __future__ import annotations

import ast

from fata.config.keys import REQUIRED, Required
from fata.config.signature.names import Definition, dotted, resolve
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
    value = _evaluate(sources, module, expression, key_type)
    if isinstance(value, Required):
        raise _error(module, expression, parameter, "is not known before the program runs")
    if not admits(key_type, value):
        raise _error(module, expression, parameter, f"is not {key_type.describe()}")
    return value


def _error(module: Module, expression: ast.expr, parameter: str, reason: str) -> ConfigError:
    return module.where(expression).error(f"the default `{ast.unparse(expression)}` of `{parameter}` {reason}", REMEDY)


def _evaluate(sources: Sources, module: Module, expression: ast.expr, key_type: KeyType) -> Plain | Required:
    enumeration = _enumeration(key_type)
    name = dotted(expression)
    if name is None:
        if enumeration is not None and isinstance(expression, ast.List | ast.Tuple):
            items = [_evaluate(sources, module, item, enumeration) for item in expression.elts]
            return [item for item in items if not isinstance(item, Required)]
        return _literal(expression)
    if enumeration is not None:
        owner, _, member = name.rpartition(".")
        if owner and resolve(sources, module, owner).name == f"{enumeration.module}.{enumeration.name}":
            return member
    return _constant(resolve(sources, module, name))


def _constant(found: Definition) -> Plain | Required:
    statement = found.statement
    if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
        return _literal(statement.value)
    return REQUIRED


def _literal(expression: ast.expr) -> Plain | Required:
    try:
        value = ast.literal_eval(expression)
    except ValueError:
        return REQUIRED
    plain: Plain = list(value) if isinstance(value, tuple) else value
    return plain


def _enumeration(key_type: KeyType) -> Enumeration | None:
    match key_type:
        case Enumeration():
            return key_type
        case Many(of) | Maybe(of):
            return _enumeration(of)
    return None
