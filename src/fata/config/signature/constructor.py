"""From a class's syntax to the parameters of its constructor."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fata.config.signature.annotation import Annotations
from fata.config.signature.default import read_default
from fata.config.signature.docstring import key_help
from fata.config.signature.model import DeviceParameter, KeyParameter, Parameter
from fata.config.signature.names import MAX_HOPS, Definition, dotted, resolve
from fata.config.signature.source import Module, Sources


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


def ancestry(sources: Sources, owner: Owner, hops: int = MAX_HOPS) -> Iterator[Owner]:
    """Return the class and its bases whose source is at hand, nearest first."""
    yield owner
    if hops == 0:
        raise owner.module.where(owner.definition).error(
            f"class {owner.definition.name} inherits from itself", "Break the cycle of bases."
        )
    for base in owner.definition.bases:
        name = dotted(base)
        found = None if name is None else resolve(sources, owner.module, name)
        if found is not None and found.module is not None and isinstance(found.statement, ast.ClassDef):
            yield from ancestry(sources, Owner(found.module, found.statement), hops - 1)


def method(owner: Owner, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Return a method that the class itself defines."""
    for statement in owner.definition.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name == name:
            return statement
    return None


def read_constructor(sources: Sources, owner: Owner) -> tuple[Parameter, ...]:
    """Read the parameters of the constructor that the class has or inherits. Raises ConfigError."""
    lineage = list(ancestry(sources, owner))
    helps = [key_help(ast.get_docstring(each.definition)) for each in lineage]
    texts = {name: text for each in reversed(helps) for name, text in each.items()}
    for each in lineage:
        raws = _own(sources, each, lineage)
        if raws is not None:
            return tuple(_typed(sources, module, raw, texts) for module, raw in raws)
    return ()


def _own(sources: Sources, owner: Owner, lineage: Sequence[Owner]) -> list[tuple[Module, Raw]] | None:
    init = method(owner, "__init__")
    if init is not None:
        texts = _from_init(owner.module, init)
        return [(owner.module, raw) for raw in texts]
    if not _is_dataclass(sources, owner):
        return None
    merged: dict[str, tuple[Module, Raw]] = {}
    for each in reversed(list(ancestry(sources, owner))):
        if _is_dataclass(sources, each):
            merged |= {raw.name: (each.module, raw) for raw in _from_fields(sources, each)}
    return sorted(merged.values(), key=lambda pair: pair[1].keyword_only)


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
        name = dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
        if name is not None and resolve(sources, owner.module, name).name == "dataclasses.dataclass":
            return decorator
    return None


def _is_dataclass(sources: Sources, owner: Owner) -> bool:
    return _dataclass_call(sources, owner) is not None


def _from_fields(sources: Sources, owner: Owner) -> Iterator[Raw]:
    decorator = _dataclass_call(sources, owner)
    keyword_only = isinstance(decorator, ast.Call) and _flag(decorator, "kw_only", False)
    for statement in owner.definition.body:
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        marker = dotted(statement.annotation)
        head = statement.annotation.value if isinstance(statement.annotation, ast.Subscript) else None
        if marker is not None and resolve(sources, owner.module, marker).name == "dataclasses.KW_ONLY":
            keyword_only = True
            continue
        if head is not None and _full_name(sources, owner, head) == "typing.ClassVar":
            continue
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
        elif factory is not None:
            default = factory  # refused later, with its place
    yield Raw(statement.target.id, statement.annotation, default, keyword_only, statement)


def _flag(call: ast.Call, name: str, default: bool) -> bool:
    for keyword in call.keywords:
        if keyword.arg == name and isinstance(keyword.value, ast.Constant):
            return bool(keyword.value.value)
    return default


def _full_name(sources: Sources, owner: Owner, expression: ast.expr) -> str | None:
    name = dotted(expression)
    found: Definition | None = None if name is None else resolve(sources, owner.module, name)
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
