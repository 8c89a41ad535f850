"""From a class's syntax to the parameters of its constructor."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from fata.config.signature.annotation import Annotations
from fata.config.signature.default import read_default
from fata.config.signature.docstring import key_help
from fata.config.signature.model import DeviceParameter, KeyParameter, Parameter
from fata.config.signature.names import Definition, dotted, resolve
from fata.config.signature.source import Module, Sources

CLASS_VAR = frozenset({"typing.ClassVar", "typing_extensions.ClassVar"})


class Raw(NamedTuple):
    """A parameter as it stands in the source."""

    name: str
    annotation: ast.expr | None
    default: ast.expr | None
    keyword_only: bool
    node: ast.AST


class Owner(NamedTuple):
    """A class and the module it stands in."""

    module: Module
    definition: ast.ClassDef


def ancestry(sources: Sources, owner: Owner) -> list[Owner]:
    """Return the class and its bases whose source is at hand, in the order in which Python looks a method up."""
    walked = list(_upwards(sources, owner, ()))
    # A base that two classes share comes after both.
    return [each for index, each in enumerate(walked) if each not in walked[index + 1 :]]


def _upwards(sources: Sources, owner: Owner, below: tuple[Owner, ...]) -> Iterator[Owner]:
    if owner in below:
        raise owner.module.where(owner.definition).error(
            f"class {owner.definition.name} inherits from itself", "Give its base another name."
        )
    yield owner
    for base in owner.definition.bases:
        found = _definition(sources, owner, base)
        if found is not None and found.module is not None and isinstance(found.statement, ast.ClassDef):
            yield from _upwards(sources, Owner(found.module, found.statement), (*below, owner))


def method(owner: Owner, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Return a method that the class itself defines; the last of several, since overloads come first."""
    for statement in reversed(owner.definition.body):
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name == name:
            return statement
    return None


def read_constructor(sources: Sources, owner: Owner) -> tuple[Parameter, ...]:
    """Read the parameters of the constructor that the class has or inherits. Raises ConfigError."""
    lineage = ancestry(sources, owner)
    helps = [key_help(ast.get_docstring(each.definition)) for each in lineage]
    texts = {name: text for each in reversed(helps) for name, text in each.items()}
    for each in lineage:
        raws = _own(sources, each)
        if raws is not None:
            return tuple(_typed(sources, module, raw, texts) for module, raw in raws)
    return ()


def _own(sources: Sources, owner: Owner) -> list[tuple[Module, Raw]] | None:
    init = method(owner, "__init__")
    if init is not None:
        return [(owner.module, raw) for raw in _from_init(owner.module, init)]
    call = _dataclass_call(sources, owner)
    if call is None:
        _refuse_unwritten(owner)
    if call is None or (isinstance(call, ast.Call) and not _flag(call, "init", True)):
        return None
    merged: dict[str, tuple[Module, Raw]] = {}
    for each in reversed(ancestry(sources, owner)):
        if _dataclass_call(sources, each) is not None:
            merged |= {raw.name: (each.module, raw) for raw in _from_fields(sources, each)}
    return sorted(merged.values(), key=lambda pair: pair[1].keyword_only)


def _refuse_unwritten(owner: Owner) -> None:
    """Refuse a class whose constructor something else writes: `__new__`, a decorator or NamedTuple."""
    definition = owner.definition
    fields = any(isinstance(each, ast.AnnAssign) and each.value is None for each in definition.body)
    tuple_like = any((dotted(base) or "").rpartition(".")[2] == "NamedTuple" for base in definition.bases)
    if method(owner, "__new__") or (fields and (tuple_like or definition.decorator_list)):
        raise owner.module.where(definition).error(
            f"the constructor of {definition.name} cannot be read", "Write an `__init__`, or make it a @dataclass."
        )


def _from_init(module: Module, init: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Raw]:
    arguments = init.args
    if arguments.vararg or arguments.kwarg:
        raise module.where(init).error(
            "a constructor with *arguments or **arguments says nothing about what it needs",
            "Name every device and every key.",
        )
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [*[None] * (len(positional) - len(arguments.defaults)), *arguments.defaults]
    for argument, default in list(zip(positional, defaults, strict=True))[1:]:  # without self
        yield Raw(argument.arg, argument.annotation, default, False, argument)
    for argument, kw_default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield Raw(argument.arg, argument.annotation, kw_default, True, argument)


def _dataclass_call(sources: Sources, owner: Owner) -> ast.expr | None:
    for decorator in owner.definition.decorator_list:
        call = decorator.func if isinstance(decorator, ast.Call) else decorator
        if _full_name(sources, owner, call) == "dataclasses.dataclass":
            return decorator
    return None


def _from_fields(sources: Sources, owner: Owner) -> Iterator[Raw]:
    decorator = _dataclass_call(sources, owner)
    keyword_only = isinstance(decorator, ast.Call) and _flag(decorator, "kw_only", False)
    for statement in owner.definition.body:
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        marker = _full_name(sources, owner, statement.annotation)
        if marker == "dataclasses.KW_ONLY":
            keyword_only = True
        elif marker not in CLASS_VAR:
            yield from _field(sources, owner, statement, keyword_only)


def _field(sources: Sources, owner: Owner, statement: ast.AnnAssign, keyword_only: bool) -> Iterator[Raw]:
    assert isinstance(statement.target, ast.Name)
    default = statement.value
    if isinstance(default, ast.Call) and _full_name(sources, owner, default.func) == "dataclasses.field":
        if not _flag(default, "init", True):
            return
        keyword_only = _flag(default, "kw_only", keyword_only)
        given = {keyword.arg: keyword.value for keyword in default.keywords}
        factory = given.get("default_factory")
        default = given.get("default")
        if isinstance(factory, ast.Name) and factory.id == "list":
            default = ast.copy_location(ast.List([], ast.Load()), factory)
        elif isinstance(factory, ast.Lambda):
            default = factory.body
        elif factory is not None:
            default = factory  # refused later, with its place
    yield Raw(statement.target.id, statement.annotation, default, keyword_only, statement)


def _flag(call: ast.Call, name: str, default: bool) -> bool:
    for keyword in call.keywords:
        if keyword.arg == name and isinstance(keyword.value, ast.Constant):
            return bool(keyword.value.value)
    return default


def _definition(sources: Sources, owner: Owner, expression: ast.expr) -> Definition | None:
    """Find what a name, or the name before `[…]`, means where the class stands; also if it is in quotes."""
    match expression:
        case ast.Subscript(value=value):
            return _definition(sources, owner, value)
        case ast.Constant(value=str(text)) if all(part.isidentifier() for part in text.partition("[")[0].split(".")):
            return resolve(sources, owner.module, text.partition("[")[0])
    name = dotted(expression)
    return None if name is None else resolve(sources, owner.module, name)


def _full_name(sources: Sources, owner: Owner, expression: ast.expr) -> str | None:
    found = _definition(sources, owner, expression)
    return None if found is None else found.name


def _typed(sources: Sources, module: Module, raw: Raw, texts: dict[str, str]) -> Parameter:
    where = module.where(raw.node)
    if raw.annotation is None:
        raise where.error(
            f"parameter `{raw.name}` has no annotation",
            f"Write `{raw.name}: KvRo` for a device, or its type for a key.",
        )
    annotations = Annotations(sources, module)
    if raw.keyword_only:
        key_type = annotations.key_type(raw.annotation)
        default = read_default(sources, module, raw.default, key_type, raw.name)
        return KeyParameter(raw.name, key_type, default, texts.get(raw.name, ""), where)
    contract = annotations.contract(raw.annotation)
    none = isinstance(raw.default, ast.Constant) and raw.default.value is None
    if raw.default is not None and not none:
        raise where.error(f"device `{raw.name}` has a default", "Only None can be a device's default.")
    return DeviceParameter(raw.name, contract.name, contract.optional, where)
