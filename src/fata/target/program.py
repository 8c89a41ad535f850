"""From a graph to main.py: short, typed, and meant to be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fata.config.graph import Boot, File, Graph, JobNode, Node, Operand
from fata.config.keys import Key
from fata.config.offer import full_name
from fata.config.settings import Setting, path_of
from fata.config.signature import KeyParameter
from fata.config.value import KeyType, quoted
from fata.target.dotted import split
from fata.target.spelling import ARGUMENTS, Names, call

OWN = ("TYPE_CHECKING", "asyncio", "wire", "devices", "given")
BUILT_IN = ("str", "int", "float", "bool", "list")  # annotations of main.py use them


def write_program(graph: Graph, version: str) -> str:
    """Write main.py for a graph; `version` is the application's own."""
    return _Program(graph, version).text()


class _Program:
    def __init__(self, graph: Graph, version: str) -> None:
        self.graph = graph
        self.version = version
        ids = [node.id for node in graph.nodes] + [job.id for job in graph.jobs]
        self.names = Names([*OWN, *BUILT_IN, *ids])
        self.constants = {key.name: self.names.own(key.name.upper().replace("-", "_")) for key in graph.boot_keys}

    def text(self) -> str:
        boot = self.names.imported("fata.runtime.boot", "boot")
        devices = self.names.imported("fata.runtime.devices", "Devices", annotation=True)
        values = self.names.imported(ARGUMENTS, "Values", annotation=True)
        constants = [line for key in self.graph.boot_keys for line in self._constant(key)]
        bodies = [line for node in self.graph.nodes for line in self._device(node)]
        bodies += [line for job in self.graph.jobs for line in self._job(job)]
        project = self.graph.project
        read = tuple(self.constants.values())
        loop = self._loop()
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
                *call(boot, [quoted(project.name), quoted(self.version), read, "wire", *loop], " " * 4),
                "",
            ]
        )

    def _loop(self) -> list[str]:
        """Return the argument for the event loop, if a device wants one of its own."""
        for node in self.graph.nodes:
            if node.device.entry.loop is not None:
                return [f"new_loop={self.names.imported(*split(node.device.entry.loop))}"]
        return []

    def _imports(self) -> list[str]:
        needs_loop = any(job.signature.needs_loop for job in self.graph.jobs)
        lines = ["import asyncio  # noqa: F401  # the application needs an event loop", ""] if needs_loop else []
        lines += self.names.imports(annotations=False)
        typed = list(self.names.imports(annotations=True))
        return [*lines, "", "TYPE_CHECKING = False", "if TYPE_CHECKING:", *(f"    {line}" for line in typed)]

    def _constant(self, key: Key[Any]) -> Iterator[str]:
        argument = self.names.imported(ARGUMENTS, "Argument")
        arguments = [quoted(key.name), self.names.converter(key.type)]
        setting = self.graph.written(key)
        if setting is not None:
            arguments.append(f"default={self._value(key, setting)}")
        if key.doc:
            arguments.append(f"doc={quoted(key.doc)}")
        head = f"{self.constants[key.name]}: {argument}[{self.names.annotation(key.type)}] = {argument}"
        yield from call(head, arguments, "")

    def _settled(self, key: Key[Any]) -> str:
        return self._value(key, self.graph.settings[key.name])

    def _value(self, key: Key[Any], setting: Setting) -> str:
        if key.name in self.graph.paths and setting.value is not None:
            return quoted(str(path_of(setting, self.graph.project.directory)))
        return self.names.literal(key.type, setting.value)

    def _device(self, node: Node) -> Iterator[str]:
        module, attribute = split(node.implementation)
        contract_module, _, contract = full_name(node.device.entry.contract).rpartition(".")
        annotation = self.names.imported(contract_module, contract, annotation=True)
        made = self.names.imported(module, attribute)
        waits = "await " if attribute.startswith("open_") else ""
        arguments = [f"{name}={self._operand(operand, None)}" for name, operand in node.arguments]
        yield ""
        yield "    @devices.device"
        yield f"    async def {node.id}() -> {annotation}:"
        yield from call(f"return {waits}{made}", arguments, " " * 8)

    def _job(self, job: JobNode) -> Iterator[str]:
        signature = job.signature
        application = self.names.imported(signature.module, signature.name)
        types = {each.name: each.type for each in signature.parameters if isinstance(each, KeyParameter)}
        arguments = [
            f"{name}={self._operand(operand, types[name])}" if name in types else self._operand(operand, None)
            for name, operand in job.arguments
        ]
        yield ""
        yield "    @devices.job"
        yield f"    async def {job.id}() -> None:"
        if signature.asgi:
            serve = self.names.imported("fata.http", "serve_asgi")
            yield from call(f"await {serve}", [application, *arguments], " " * 8)
        else:
            *lines, last = call(f"await {application}", arguments, " " * 8)
            yield from lines
            yield f"{last}.run()"

    def _operand(self, operand: Operand, key_type: KeyType | None) -> str:
        """Write an argument; `key_type` is the parameter's, None if it is a device's."""
        match operand:
            case Node():
                return f"await {operand.id}()"
            case Boot(key):
                return f"given[{self.constants[key.name]}]" if key.name in self.constants else self._settled(key)
            case File(name):
                return f"{self.names.imported('fata.runtime.assets', 'asset')}({quoted(name)})"
            case Path():
                return quoted(str(operand))
        return quoted(operand) if key_type is None else self.names.literal(key_type, operand)
