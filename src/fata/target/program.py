"""From a graph to main.py: short, typed, and meant to be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from fata.config.graph import Boot, File, Graph, JobNode, Node, Operand
from fata.config.keys import Key, Required
from fata.config.offer import full_name
from fata.config.signature import KeyParameter
from fata.config.value import Choice, Enumeration, KeyType, Many, Maybe, quoted
from fata.target.dotted import split

ARGUMENTS = "fata.runtime.arguments"
WIDTH = 100  # columns; a longer call is written one argument a line


class Imports:
    """The names that main.py imports, each under a name of its own."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._names: dict[tuple[str, str], str] = {}
        self._annotations: set[tuple[str, str]] = set()

    def name(self, module: str, attribute: str, *, annotation: bool = False) -> str:
        """Import `attribute` of `module` and return what to call it. `annotation`: only a type checker needs it."""
        known = (module, attribute)
        if known not in self._names:
            name, number = attribute, 1
            while name in self._taken:
                number += 1
                name = f"{attribute}_{number}"
            self._taken.add(name)
            self._names[known] = name
            if annotation:
                self._annotations.add(known)
        if not annotation:
            self._annotations.discard(known)
        return self._names[known]

    def lines(self, *, annotations: bool) -> Iterator[str]:
        """Write the import statements, sorted by module."""
        wanted: dict[str, list[str]] = {}
        for (module, attribute), name in sorted(self._names.items()):
            if ((module, attribute) in self._annotations) == annotations:
                wanted.setdefault(module, []).append(attribute if name == attribute else f"{attribute} as {name}")
        for module, names in wanted.items():
            yield f"from {module} import {', '.join(names)}"


def write_program(graph: Graph, version: str) -> str:
    """Write main.py for a graph; `version` is the application's own."""
    return _Program(graph, version).text()


class _Program:
    def __init__(self, graph: Graph, version: str) -> None:
        self.graph = graph
        self.version = version
        ids = [node.id for node in graph.nodes] + [job.id for job in graph.jobs]
        self.constants = {key.name: key.name.upper().replace("-", "_") for key in graph.keys if key.boots}
        self.imports = Imports([*ids, *self.constants.values(), "TYPE_CHECKING"])

    def text(self) -> str:
        boot = self.imports.name("fata.runtime.boot", "boot")
        devices = self.imports.name("fata.runtime.devices", "Devices", annotation=True)
        values = self.imports.name(ARGUMENTS, "Values", annotation=True)
        constants = [line for key in self.graph.keys if key.boots for line in self._constant(key)]
        bodies = [line for node in self.graph.nodes for line in self._device(node)]
        bodies += [line for job in self.graph.jobs for line in self._job(job)]
        project = self.graph.project
        names = "".join(f"{name}, " for name in self.constants.values()).rstrip()
        names = names.rstrip(",") if len(self.constants) > 1 else names
        return "\n".join(
            [
                f'"""{project.name} for {self.graph.target}, written by `fata`. Changes here are lost."""',
                "",
                "from __future__ import annotations",
                "",
                *self._imports(),
                "",
                *(constants and [*constants, ""]),
                "",
                f"def wire(devices: {devices}, given: {values}) -> None:",
                *bodies[1:],
                "",
                "",
                'if __name__ == "__main__":',
                f"    {boot}({quoted(project.name)}, {quoted(self.version)}, ({names}), wire)",
                "",
            ]
        )

    def _imports(self) -> list[str]:
        needs_loop = any(job.signature.needs_loop for job in self.graph.jobs)
        lines = ["import asyncio  # noqa: F401  # the application needs an event loop", ""] if needs_loop else []
        lines += self.imports.lines(annotations=False)
        typed = list(self.imports.lines(annotations=True))
        return [*lines, "", "TYPE_CHECKING = False", "if TYPE_CHECKING:", *(f"    {line}" for line in typed)]

    def _constant(self, key: Key[Any]) -> Iterator[str]:
        argument = self.imports.name(ARGUMENTS, "Argument")
        arguments = [quoted(key.name), self._converter(key.type)]
        setting = self.graph.settings.get(key.name)
        if setting is not None:
            arguments.append(f"default={key.type.literal(setting.value)}")
        elif not isinstance(key.default, Required):
            arguments.append(f"default={key.type.literal(key.default)}")
        if key.doc:
            arguments.append(f"doc={quoted(key.doc)}")
        head = f"{self.constants[key.name]}: {argument}[{key.type.annotation()}] = {argument}"
        yield from _call(head, arguments, "")

    def _converter(self, key_type: KeyType) -> str:
        match key_type:
            case Many(of):
                self.imports.name(ARGUMENTS, "many")
                self._converter(of)
            case Maybe(of):
                self.imports.name(ARGUMENTS, "optional")
                self._converter(of)
            case Enumeration(module, name):
                self.imports.name(ARGUMENTS, "enum")
                self.imports.name(module, name)
            case Choice():
                self.imports.name(ARGUMENTS, "choice")
                self.imports.name("typing", "Literal", annotation=True)
            case _:
                self.imports.name(ARGUMENTS, key_type.converter())
        return key_type.converter()

    def _device(self, node: Node) -> Iterator[str]:
        module, attribute = split(node.implementation)
        contract_module, _, contract = full_name(node.device.entry.contract).rpartition(".")
        annotation = self.imports.name(contract_module, contract, annotation=True)
        made = self.imports.name(module, attribute)
        waits = "await " if attribute.startswith("open_") else ""
        arguments = [f"{name}={self._operand(operand)}" for name, operand in node.arguments]
        yield ""
        yield "    @devices.device"
        yield f"    async def {node.id}() -> {annotation}:"
        yield from _call(f"return {waits}{made}", arguments, " " * 8)

    def _job(self, job: JobNode) -> Iterator[str]:
        signature = job.signature
        application = self.imports.name(signature.module, signature.name)
        keys = {parameter.name for parameter in signature.parameters if isinstance(parameter, KeyParameter)}
        arguments = [
            f"{name}={self._operand(operand)}" if name in keys else self._operand(operand)
            for name, operand in job.arguments
        ]
        yield ""
        yield "    @devices.job"
        yield f"    async def {job.id}() -> None:"
        if signature.asgi:
            serve = self.imports.name("fata.http", "serve_asgi")
            yield from _call(f"await {serve}", [application, *arguments], " " * 8)
        else:
            *lines, last = _call(f"await {application}", arguments, " " * 8)
            yield from lines
            yield f"{last}.run()"

    def _operand(self, operand: Operand) -> str:
        match operand:
            case Node():
                return f"await {operand.id}()"
            case Boot(key):
                return f"given[{self.constants[key.name]}]"
            case File(name):
                return f"{self.imports.name('fata.runtime.assets', 'asset')}({quoted(name)})"
            case Path():
                return quoted(str(operand))
        return quoted(operand)


def _call(head: str, arguments: list[str], indent: str) -> Iterator[str]:
    line = f"{indent}{head}({', '.join(arguments)})"
    if len(line) <= WIDTH:
        yield line
        return
    yield f"{indent}{head}("
    yield from (f"{indent}    {argument}," for argument in arguments)
    yield f"{indent})"
