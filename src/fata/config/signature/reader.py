"""From "module:name" to a signature."""

from __future__ import annotations

import ast

from fata.config.nearest import nearest
from fata.config.signature.constructor import Owner, ancestry, method, read_constructor
from fata.config.signature.docstring import summary
from fata.config.signature.model import DeviceParameter, KeyParameter, Parameter, Signature
from fata.config.signature.names import Definition, resolve
from fata.config.signature.source import Module, Sources, imports_at_any_depth
from fata.config.value import INTEGER, TEXT, Maybe
from fata.config.where import Where

STACK = "fata.device.stack.Stack"
LOOP_MODULES = frozenset({"asyncio", "anyio", "uvicorn", "aiohttp", "websockets"})


def read_signature(sources: Sources, target: str, where: Where) -> Signature:
    """Read what `target`, "module:name", asks for; `where` is blamed when it is not there. Raises ConfigError."""
    module_name, colon, name = target.partition(":")
    if not colon or not name.isidentifier() or not all(part.isidentifier() for part in module_name.split(".")):
        raise where.error(f"{target!r} names no application", "Write module:Class, such as app:Www.")
    module = sources.find(module_name)
    if module is None:
        raise where.error(
            f"there is no module {module_name!r} for {target!r}",
            "A module stands beside config.py, or is installed beside fata.",
        )
    found = resolve(sources, module, name)
    if found.statement is None and name not in module.bindings:
        near = nearest(name, module.bindings)
        hint = f"Did you mean {module_name}:{near}?" if near else f"{module.path} binds no such name."
        raise where.error(f"module {module_name!r} has no {name!r}", hint)
    if found.module is not None and isinstance(found.statement, ast.ClassDef):
        owner = Owner(found.module, found.statement)
        if _runs(sources, owner):
            return _application(sources, module, name, owner)
    return _asgi(module, name, found)


def _runs(sources: Sources, owner: Owner) -> bool:
    for each in ancestry(sources, owner):
        run = method(each, "run")
        if isinstance(run, ast.AsyncFunctionDef):
            return True
        if run is not None:
            raise each.module.where(run).error(
                f"{each.definition.name}.run is not a coroutine", "Write `async def run(self) -> None:`."
            )
    return False


def _application(sources: Sources, module: Module, name: str, owner: Owner) -> Signature:
    return Signature(
        module=module.name,
        name=name,
        asgi=False,
        doc=summary(ast.get_docstring(owner.definition)),
        parameters=read_constructor(sources, owner),
        needs_loop=bool(LOOP_MODULES & imports_at_any_depth(owner.module)),
        where=owner.module.where(owner.definition),
    )


def _asgi(module: Module, name: str, found: Definition) -> Signature:
    where = module.where(found.statement) if found.statement is not None and found.module is module else Where()
    parameters: tuple[Parameter, ...] = (
        DeviceParameter("stack", STACK, False, where),
        KeyParameter("host", Maybe(TEXT), None, "address to listen on (every one if not given)", where),
        KeyParameter("port", INTEGER, 80, "TCP port to listen on", where),
    )
    doc = f"The ASGI application {module.name}:{name}."
    return Signature(module.name, name, True, doc, parameters, True, where)
