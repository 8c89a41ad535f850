"""From a plan and the keys' values to the devices there will be, each once, in an order in which they can start."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fata.config.impl import Argument, Asset, Choice, Default, Device, HostPath, Impl
from fata.config.keys import Key, Mapped, Required, Target, Value
from fata.config.offer import full_name
from fata.config.plan import Plan, PlannedJob, Wanted
from fata.config.project import Project
from fata.config.settings import Setting, path_of, variable_of
from fata.config.signature import Signature
from fata.config.value import Plain
from fata.config.where import Where
from fata.errors import ConfigError

TAKEN = frozenset({"devices", "given", "wire", "boot", "asset", "path", *keyword.kwlist})
"""Names that main.py uses itself."""


class File(NamedTuple):
    """A file of the image: made by `prepare` (a dotted name) from `source`."""

    name: str
    prepare: str
    source: Path


class Node(NamedTuple):
    """A device that will be opened. `id` is its name in main.py."""

    id: str
    device: Device[Any]
    implementation: str
    arguments: tuple[tuple[str, Operand], ...]


class Boot(NamedTuple):
    """The value of a key when the program starts."""

    key: Key[Any]


Operand = Node | Boot | File | Path | Plain


class JobNode(NamedTuple):
    """A job that will run."""

    id: str
    signature: Signature
    arguments: tuple[tuple[str, Operand], ...]
    where: Where


class Graph(NamedTuple):
    """A program, settled: `nodes` come after what they need. `keys` are those that matter for it."""

    project: Project
    target: str
    nodes: tuple[Node, ...]
    jobs: tuple[JobNode, ...]
    keys: tuple[Key[Any], ...]
    fixed: frozenset[str]  # names of the keys that shaped it: they cannot change at boot
    paths: frozenset[str]  # names of the keys whose values are paths of the host
    settings: Mapping[str, Setting]
    booting: bool = False  # made to be run at once: what is given at boot is not written into the program

    def written(self, key: Key[Any]) -> Setting | None:
        """Return the value that the program has when it is given none; None if it must be given one."""
        setting = self.settings.get(key.name)
        if not self.booting or setting is None or not setting.typed:
            return setting
        return None if isinstance(key.default, Required) else Setting(key.default, "default")

    @property
    def boot_keys(self) -> list[Key[Any]]:
        """The keys that the program reads when it starts."""
        return [key for key in self.keys if key.name not in self.fixed]

    @property
    def files(self) -> list[File]:
        """The files that have to be made for the image."""
        return [operand for node in self.nodes for _, operand in node.arguments if isinstance(operand, File)]


def resolve(plan: Plan, settings: Mapping[str, Setting], *, booting: bool = False) -> Graph:
    """Settle every choice and default. `settings` has the value of every key that has one. Raises ConfigError."""
    resolver = _Resolver(plan, settings)
    jobs = tuple(resolver.job(job) for job in plan.jobs)
    keys = tuple(key for key in plan.keys if key in resolver.used)
    fixed = frozenset(key.name for key in keys if key in resolver.chosen or not key.boots)
    paths = frozenset(resolver.paths)
    return Graph(plan.project, plan.target, tuple(resolver.nodes.values()), jobs, keys, fixed, paths, settings, booting)


def missing_value(key: Key[Any]) -> ConfigError:
    """Say that a key has no default and was given no value."""
    return key.where.error(
        f"a value is needed for --{key.name} ({key.type.metavar()}): {key.doc or 'no help was written'}",
        f"Give it: --{key.name}=… on the command line, or {variable_of(key.name)} in the environment.",
    )


class _Resolver:
    def __init__(self, plan: Plan, settings: Mapping[str, Setting]) -> None:
        self.plan = plan
        self.settings = settings
        self.nodes: dict[Device[Any], Node] = {}
        self.used: set[Key[Any]] = set()
        self.chosen: set[Key[Any]] = set()
        self.paths: set[str] = set()
        self._ids = set(TAKEN)
        self._opening: list[Device[Any]] = []

    def job(self, planned: PlannedJob) -> JobNode:
        where = planned.job.where
        arguments = tuple((name, self._operand(argument, where)) for name, argument in planned.arguments)
        wish = planned.job.name or planned.signature.name.lower()
        return JobNode(self._name(wish), planned.signature, arguments, where)

    def _operand(self, argument: Argument, where: Where) -> Operand:
        match argument:
            case Impl():
                device = self._settle(argument)
                return None if device is None else self._node(device)
            case Key():
                self.used.add(argument)
                return Boot(argument) if argument.boots else self._value(argument)
            case HostPath(text):
                return self._host_path(text)
            case Asset():
                raise AssertionError("an asset belongs to a node")
        return argument

    def _settle(self, impl: Impl[Any]) -> Device[Any] | None:
        match impl:
            case Device():
                return impl
            case Choice():
                return self._settle(self._branch(impl))
            case Default():
                default = self.plan.catalog.default(full_name(impl.contract), self.plan.target)
                if default is None:
                    raise impl.where.error(
                        f"{self.plan.target} has no {impl.contract.__name__} to give by default", "Wire one."
                    )
                return self._settle(default)
            case Wanted():
                return self._from_path(impl)
        raise AssertionError(impl)

    def _from_path(self, wanted: Wanted) -> Device[Any] | None:
        self.used.add(wanted.option)
        from_path = self.plan.catalog.from_path(wanted.contract)
        assert from_path is not None
        return None if self._value(wanted.option) is None else self._settle(from_path(wanted.option))

    def _branch(self, choice: Choice[Any]) -> Impl[Any]:
        value = self._evaluate(choice.value, choice.where)
        for when, branch in choice.branches:
            if when == value:
                return branch
        if choice.default is None:
            known = ", ".join(repr(when) for when, _ in choice.branches)
            raise choice.where.error(f"match: no branch for {value!r}", f"There are {known}; add it, or a default.")
        return choice.default

    def _evaluate(self, value: Value[Any], where: Where) -> Any:
        match value:
            case Target():
                return self.plan.target
            case Mapped(of, function):
                given = self._evaluate(of, where)
                try:
                    return function(given)
                except Exception as error:  # noqa: BLE001  # the user's function may raise anything
                    reason = f"the function given to map() fails for {given!r}: {type(error).__name__}: {error}"
                    raise where.error(reason, "Mend the function.") from None
            case Key():
                if not value.configures:
                    raise where.error(
                        f"key {value.name!r} is read at boot, and this choice is made before",
                        "Give the key stage='configure'.",
                    )
                self.used.add(value)
                self.chosen.add(value)
                return self._value(value)
        raise AssertionError(value)

    def _value(self, key: Key[Any]) -> Plain:
        setting = self.settings.get(key.name)
        if setting is None:
            raise missing_value(key)
        return setting.value

    def _node(self, device: Device[Any]) -> Node:
        if device in self.nodes:
            return self.nodes[device]
        if device in self._opening:
            ring = [*self._opening[self._opening.index(device) :], device]
            raise device.where.error(
                f"these devices need each other: {' → '.join(each.label for each in ring)}", "Wire one of them by hand."
            )
        implementation = device.entry.on(self.plan.target)
        if implementation is None:
            there = ", ".join(device.entry.implementation)
            raise device.where.error(
                f"{device.label} is not on {self.plan.target} yet",
                f"It exists on {there}; choose by `match(target, …)`.",
            )
        self._opening.append(device)
        identity = self._name(device.name or device.entry.kind)
        arguments = tuple(
            (
                name,
                self._file(argument, identity, device.where)
                if isinstance(argument, Asset)
                else self._operand(argument, device.where),
            )
            for name, argument in device.arguments
        )
        self._opening.pop()
        self.nodes[device] = Node(identity, device, implementation, arguments)
        return self.nodes[device]

    def _file(self, asset: Asset, identity: str, where: Where) -> File:
        source = self._host_path(asset.source)
        if isinstance(source, Boot):
            raise where.error(
                f"key {source.key.name!r} is read at boot, and files are packed before",
                "Give the key stage='configure'.",
            )
        if not source.exists():
            raise where.error(f"there is no {source}", "Paths in config.py are relative to config.py.")
        return File(identity + asset.suffix, asset.prepare, source)

    def _host_path(self, text: str | Key[str]) -> Path | Boot:
        if isinstance(text, str):
            return self.plan.project.directory / text
        self.used.add(text)
        self.paths.add(text.name)
        if text.boots:
            return Boot(text)
        self._value(text)
        return path_of(self.settings[text.name], self.plan.project.directory)

    def _name(self, wish: str) -> str:
        name, number = wish, 1
        while name in self._ids or not name.isidentifier():
            number += 1
            name = f"{wish}_{number}" if wish.isidentifier() else f"device_{number}"
        self._ids.add(name)
        return name
