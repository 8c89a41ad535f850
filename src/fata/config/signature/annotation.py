"""From an annotation's syntax to a key's type or a device's contract."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import NamedTuple

from fata.config.signature.names import Definition, dotted, resolve
from fata.config.signature.source import Module, Sources
from fata.config.value import SCALARS, Choice, Enumeration, KeyType, Many, Maybe, Single
from fata.errors import ConfigError

SUBSET = "Use a name, X | None, Optional[X], Annotated[X, …], Literal[…], an Enum, list[X], or one of these in quotes."
NO_DEVICES = frozenset({*SCALARS, "bytes", "list", "dict", "set", "tuple", "object"})
ENUM_BASES = frozenset({"enum.Enum", "enum.IntEnum", "enum.StrEnum"})
OPTIONAL = frozenset({"typing.Optional", "typing.Union"})
ANNOTATED = frozenset({"typing.Annotated", "typing_extensions.Annotated"})
LITERAL = frozenset({"typing.Literal", "typing_extensions.Literal"})
LIST = frozenset({"builtins.list", "typing.List"})


class Contract(NamedTuple):
    """A device is asked for: the contract's full name, and whether None will do."""

    name: str
    optional: bool


class Annotations:
    """Reads the annotations of one module."""

    def __init__(self, sources: Sources, module: Module) -> None:
        self._sources = sources
        self._module = module

    def contract(self, annotation: ast.expr) -> Contract:
        """Read a positional parameter's annotation. Raises ConfigError outside the subset."""
        expression, optional = self._without_none(annotation)
        name = dotted(expression)
        if name is None:
            raise self._error(annotation, "is no device", SUBSET)
        if name in NO_DEVICES:
            raise self._error(annotation, "is no device", "Put `*` before the parameter to make it a key.")
        return Contract(self._resolve(name).name, optional)

    def key_type(self, annotation: ast.expr) -> KeyType:
        """Read a keyword-only parameter's annotation. Raises ConfigError outside the subset."""
        expression, optional = self._without_none(annotation)
        head, arguments = self._subscript(expression)
        if head in LIST and len(arguments) == 1:
            listed = Many(self._single(self._plain(arguments[0])))
            return Maybe(listed) if optional else listed
        single = self._single(expression)
        return Maybe(single) if optional else single

    def _single(self, expression: ast.expr) -> Single:
        head, arguments = self._subscript(expression)
        if head in LITERAL:
            values = [item.value for item in arguments if isinstance(item, ast.Constant)]
            if len(values) == len(arguments) and all(type(value) in (str, int) for value in values):
                return Choice(tuple(value for value in values if isinstance(value, str | int)))
            raise self._error(expression, "mixes what a command line cannot tell apart", "Use texts and integers.")
        name = dotted(expression)
        if name is None:
            raise self._error(expression, "is no type for a key", SUBSET)
        if name in SCALARS and name not in self._module.bindings:
            return SCALARS[name]
        members = self._members(self._resolve(name))
        if members is None:
            raise self._error(
                expression, "is no type for a key", "Devices come before the `*`; keys are text, numbers, bool, Enum."
            )
        return members

    def _members(self, found: Definition) -> Enumeration | None:
        if found.module is None or not isinstance(found.statement, ast.ClassDef):
            return None
        bases = [dotted(base) for base in found.statement.bases]
        if not any(base and resolve(self._sources, found.module, base).name in ENUM_BASES for base in bases):
            return None
        names = [
            target.id
            for statement in found.statement.body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name) and not target.id.startswith("_")
        ]
        return Enumeration(found.module.name, found.statement.name, tuple(names))

    def _without_none(self, annotation: ast.expr) -> tuple[ast.expr, bool]:
        """Take `Annotated`, quotes and `| None` off; say whether None was among the alternatives."""
        expression = self._plain(annotation)
        parts = self._alternatives(expression)
        rest = [part for part in parts if not (isinstance(part, ast.Constant) and part.value is None)]
        if len(rest) != 1:
            raise self._error(annotation, "has more than one alternative", SUBSET)
        inner = self._plain(rest[0])
        if inner is not expression and len(self._alternatives(inner)) > 1:
            return self._without_none(inner)[0], True
        return inner, len(parts) > 1

    def _alternatives(self, expression: ast.expr) -> list[ast.expr]:
        if isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.BitOr):
            return [*self._alternatives(expression.left), *self._alternatives(expression.right)]
        head, arguments = self._subscript(expression)
        if head == "typing.Optional":
            return [*arguments, ast.Constant(None)]
        if head == "typing.Union":
            return list(arguments)
        return [expression]

    def _plain(self, annotation: ast.expr) -> ast.expr:
        """Take quotes and `Annotated` off, and follow an alias that stands for a longer annotation."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            return self._plain(self._unquote(annotation, annotation.value))
        head, arguments = self._subscript(annotation)
        if head in ANNOTATED and arguments:
            return self._plain(arguments[0])
        if isinstance(annotation, ast.Name):
            statement = self._module.bindings.get(annotation.id)
            if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(
                statement.value, ast.Subscript | ast.BinOp
            ):
                return self._plain(statement.value)
        return annotation

    def _unquote(self, annotation: ast.Constant, text: str) -> ast.expr:
        try:
            expression = ast.parse(text, mode="eval").body
        except SyntaxError:
            raise self._error(annotation, "is not an expression", SUBSET) from None
        for node in ast.walk(expression):
            ast.copy_location(node, annotation)
        return expression

    def _subscript(self, expression: ast.expr) -> tuple[str, Sequence[ast.expr]]:
        """Return the full name and the arguments of `name[…]`; ("", ()) for anything else."""
        if not isinstance(expression, ast.Subscript):
            return "", ()
        name = dotted(expression.value)
        if name is None:
            return "", ()
        inner = expression.slice
        arguments = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        if name == "list" and name not in self._module.bindings:
            return "builtins.list", arguments
        return self._resolve(name).name, arguments

    def _resolve(self, name: str) -> Definition:
        return resolve(self._sources, self._module, name)

    def _error(self, node: ast.AST, reason: str, remedy: str) -> ConfigError:
        return self._module.where(node).error(f"the annotation `{ast.unparse(node)}` {reason}", remedy)
