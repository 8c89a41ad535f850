"""From an annotation's syntax to a key's type or a device's contract."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import NamedTuple

from fata.config.nearest import nearest
from fata.config.signature.names import BUILTINS, MAX_HOPS, Definition, absent, dotted, resolve
from fata.config.signature.source import Module, Sources
from fata.config.value import SCALARS, Enumeration, KeyType, Many, Maybe, OneOf, Single
from fata.errors import ConfigError

SUBSET = "Use a name, X | None, Optional[X], Annotated[X, …], Literal[…], an Enum, list[X], or one of these in quotes."
BUILTIN_SCALARS = {f"{BUILTINS}.{name}": scalar for name, scalar in SCALARS.items()}
ENUM_BASES = frozenset({"enum.Enum", "enum.IntEnum", "enum.StrEnum"})
OPTIONAL = frozenset({"typing.Optional", "typing.Union"})
ANNOTATED = frozenset({"typing.Annotated", "typing_extensions.Annotated"})
LITERAL = frozenset({"typing.Literal", "typing_extensions.Literal"})
LIST = frozenset({"builtins.list", "typing.List"})


class Contract(NamedTuple):
    """A device is asked for: the contract's full name, and whether None will do."""

    name: str
    optional: bool


class Term(NamedTuple):
    """A part of an annotation, and who reads it: names mean what they mean in the module where it stands."""

    reader: Annotations
    expression: ast.expr


class Annotations:
    """Reads the annotations of one module, and through aliases those of others, `hops` aliases deep."""

    def __init__(self, sources: Sources, module: Module, hops: int = MAX_HOPS) -> None:
        self._sources = sources
        self._module = module
        self._hops = hops

    def contract(self, annotation: ast.expr) -> Contract:
        """Read a positional parameter's annotation. Raises ConfigError outside the subset."""
        (reader, expression), optional = self._without_none(annotation)
        name = dotted(expression)
        if name is None:
            raise self._error(annotation, "is no device", SUBSET)
        found = reader._resolve(name)
        if found.name.startswith(f"{BUILTINS}."):
            remedy = "Put `*` before a parameter to make it a key; field(kw_only=True) for a field."
            raise self._error(annotation, "is no device", remedy)
        if found.statement is not None and not isinstance(found.statement, ast.ClassDef):
            raise self._error(annotation, "is no device", "A device's contract is a class.")
        module = absent(self._sources, found)
        if module is not None:
            near = nearest(name.rpartition(".")[2], module.bindings)
            hint = f"Did you mean {near!r}?" if near else "Import it, as in `from fata.device import KvRo`."
            raise self._error(annotation, f"is no device: {module.name} does not define it", hint)
        return Contract(found.name, optional)

    def key_type(self, annotation: ast.expr) -> KeyType:
        """Read a keyword-only parameter's annotation. Raises ConfigError outside the subset."""
        (reader, expression), optional = self._without_none(annotation)
        head, arguments = reader._subscript(expression)
        if head in LIST and len(arguments) == 1:
            inner = reader._plain(arguments[0])
            listed = Many(inner.reader._single(inner.expression))
            return Maybe(listed) if optional else listed
        single = reader._single(expression)
        return Maybe(single) if optional else single

    def _single(self, expression: ast.expr) -> Single:
        head, arguments = self._subscript(expression)
        if head in LITERAL:
            return self._choice(expression, arguments)
        name = dotted(expression)
        if name is None:
            raise self._error(expression, "is no type for a key", SUBSET)
        found = self._resolve(name)
        if found.name in BUILTIN_SCALARS:
            return BUILTIN_SCALARS[found.name]
        members = self._members(found)
        if members is None:
            raise self._error(
                expression, "is no type for a key", "Devices come before the `*`; keys are text, numbers, bool, Enum."
            )
        return members

    def _choice(self, expression: ast.expr, arguments: Sequence[ast.expr]) -> OneOf:
        values = tuple(literal(argument) for argument in arguments)
        plain = tuple(value for value in values if isinstance(value, str | int) and not isinstance(value, bool))
        if len(plain) < len(values):
            raise self._error(expression, "holds more than texts and integers", "For None write Literal[…] | None.")
        if len({str(value) for value in plain}) < len(plain):
            raise self._error(expression, "holds two values that a command line cannot tell apart", "Drop one of them.")
        return OneOf(plain)

    def _members(self, found: Definition) -> Enumeration | None:
        if found.module is None or not isinstance(found.statement, ast.ClassDef) or not self._is_enum(found):
            return None
        names = [
            target.id
            for statement in found.statement.body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name) and not target.id.startswith("_")
        ]
        return Enumeration(found.module.name, found.statement.name, tuple(names)) if names else None

    def _is_enum(self, found: Definition, hops: int = MAX_HOPS) -> bool:
        if found.name in ENUM_BASES:
            return True
        if found.module is None or not isinstance(found.statement, ast.ClassDef) or hops == 0:
            return False
        names = [name for base in found.statement.bases if (name := dotted(base)) is not None]
        return any(self._is_enum(resolve(self._sources, found.module, name), hops - 1) for name in names)

    def _without_none(self, annotation: ast.expr) -> tuple[Term, bool]:
        """Return the one alternative that is not None, and whether None is another."""
        terms = self._alternatives(annotation)
        rest = [term for term in terms if not _is_none(term.expression)]
        if len(rest) != 1:
            raise self._error(annotation, "has more than one alternative" if rest else "is nothing but None", SUBSET)
        return rest[0], len(terms) > 1

    def _alternatives(self, annotation: ast.expr) -> list[Term]:
        """Take a union apart, also one inside another."""
        reader, expression = term = self._plain(annotation)
        if isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.BitOr):
            return [*reader._alternatives(expression.left), *reader._alternatives(expression.right)]
        head, arguments = reader._subscript(expression)
        if head not in OPTIONAL:
            return [term]
        none = [Term(reader, ast.Constant(None))] if head == "typing.Optional" else []
        return [*(inner for argument in arguments for inner in reader._alternatives(argument)), *none]

    def _plain(self, annotation: ast.expr) -> Term:
        """Take quotes and `Annotated` off, and follow an alias that stands for a longer annotation."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            return self._plain(self._unquote(annotation, annotation.value))
        head, arguments = self._subscript(annotation)
        if head in ANNOTATED and arguments:
            return self._plain(arguments[0])
        name = dotted(annotation)
        if name is None or self._hops == 0:
            return Term(self, annotation)
        found = self._resolve(name)
        if found.module is None or not isinstance(found.value, ast.Subscript | ast.BinOp | ast.Constant):
            return Term(self, annotation)
        return Annotations(self._sources, found.module, self._hops - 1)._plain(found.value)

    def _unquote(self, annotation: ast.Constant, text: str) -> ast.expr:
        try:
            expression = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError):
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
        return self._resolve(name).name, arguments

    def _resolve(self, name: str) -> Definition:
        return resolve(self._sources, self._module, name)

    def _error(self, node: ast.AST, reason: str, remedy: str) -> ConfigError:
        return self._module.where(node).error(f"the annotation `{ast.unparse(node)}` {reason}", remedy)


def literal(expression: ast.expr) -> object:
    """Return the value of a literal; `...`, which is no value of a key, for anything else."""
    try:
        return ast.literal_eval(expression)
    except (ValueError, TypeError):
        return ...


def _is_none(expression: ast.expr) -> bool:
    return isinstance(expression, ast.Constant) and expression.value is None
