"""The Python inside an image, whatever runs the tool: CPython 3.11 on x86-64, which takes itself for Linux."""

from __future__ import annotations

import ast

from fata.errors import ConfigError

VERSION = (3, 11)
FACTS: dict[str, object] = {
    "sys.platform": "linux",
    "os.name": "posix",
    "sys.version_info": VERSION,
    "sys.implementation.name": "cpython",
    "sys.byteorder": "little",
    "TYPE_CHECKING": False,
    "typing.TYPE_CHECKING": False,
    "__name__": "a module's name, not __main__",
    "__debug__": True,
}
"""What conditions around imports are about, and its value in the guest."""


def parse(source: bytes, file: str, module: str) -> ast.Module:
    """Parse a module as the guest's Python would. Raises ConfigError at the line of a syntax error."""
    try:
        return ast.parse(source, file, feature_version=VERSION)
    except (SyntaxError, ValueError) as error:
        raise ConfigError(
            f"{module} cannot be read: {getattr(error, 'msg', error)}",
            remedy="The guest's Python is 3.11; mend the syntax, or take a version that supports it.",
            file=file,
            line=getattr(error, "lineno", None),
        ) from None


def truth(test: ast.expr) -> bool | None:
    """Return what a condition is in the guest; None when reading cannot tell."""
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = truth(operand)
            return None if inner is None else not inner
        case ast.BoolOp(op=operator, values=values):
            decisive = isinstance(operator, ast.Or)
            answers = [truth(value) for value in values]
            if decisive in answers:
                return decisive
            return None if None in answers else not decisive
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            return _compare(left, operator, right)
        case ast.Call(func=ast.Attribute(value=subject, attr="startswith"), args=[ast.Constant(value=str(prefix))]):
            fact = FACTS.get(ast.unparse(subject))
            return fact.startswith(prefix) if isinstance(fact, str) else None
        case ast.Name() | ast.Attribute():
            known = FACTS.get(ast.unparse(test))
            return None if known is None else bool(known)
    return None


def _compare(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> bool | None:
    fact = FACTS.get(ast.unparse(left))
    if fact is None:
        return None
    try:
        value = ast.literal_eval(right)
    except ValueError:
        return None
    match fact, value, operator:
        case str(), str(), ast.Eq():
            return fact == value
        case str(), str(), ast.NotEq():
            return fact != value
        case str(), tuple() | list() | set(), ast.In():
            return fact in value
        case str(), tuple() | list() | set(), ast.NotIn():
            return fact not in value
        case tuple(), tuple(), ast.GtE():
            return value <= VERSION
        case tuple(), tuple(), ast.Gt():
            return (*VERSION, 99) > value  # 3.11.2 is more than 3.11
        case tuple(), tuple(), ast.Lt():
            return value > VERSION
        case tuple(), tuple(), ast.LtE():
            return (*VERSION, 99) <= value
    return None
