"""From a project to its jobs with all their arguments, and every key there may be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any, NamedTuple

from fata.config.impl import Argument, Asset, Choice, Default, Device, HostPath, Impl
from fata.config.keys import REQUIRED, Key, Mapped, Target, check_name, prefixed
from fata.config.nearest import nearest
from fata.config.offer import Catalog, alternatives, full_name, provides
from fata.config.project import Project
from fata.config.registry import Job
from fata.config.signature import DeviceParameter, KeyParameter, Parameter, Signature, read_signature
from fata.config.value import TEXT, Plain, admits, serves
from fata.config.where import Where
from fata.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Wanted(Impl[Any]):
    """The target's default for a contract by name; if it has none, what `fallback` makes of an option's path."""

    contract: str
    optional: bool
    option: Key[str]
    where: Where


class PlannedJob(NamedTuple):
    """A job with an argument for every parameter."""

    job: Job
    signature: Signature
    arguments: tuple[tuple[str, Argument], ...]


class Plan(NamedTuple):
    """What could become of a project."""

    project: Project
    catalog: Catalog
    target: str
    jobs: tuple[PlannedJob, ...]
    keys: tuple[Key[Any], ...]  # in the order of first use, each name once


def make_plan(project: Project, catalog: Catalog, target: str) -> Plan:
    """Read every job's signature and give each parameter its argument. Raises ConfigError."""
    jobs = tuple(_plan_job(project, catalog, target, number) for number in range(len(project.jobs)))
    found = [key for job in jobs for _, argument in job.arguments for key in _Keys(catalog, target).of(argument)]
    for key in found:
        check_name(key)
    return Plan(project, catalog, target, jobs, tuple(_distinct(found).values()))


def ways_to(plan: Plan, name: str) -> list[str]:
    """Return the words of a command line that choose a device with the key `name`: "--net direct"."""
    walk = _Keys(plan.catalog, plan.target)
    for job in plan.jobs:
        for _, argument in job.arguments:
            for _key in walk.of(argument):
                pass
    return list(dict.fromkeys(f"--{key.name} {when}" for key, when, below in walk.branches if name in below))


def _plan_job(project: Project, catalog: Catalog, target: str, number: int) -> PlannedJob:
    job = project.jobs[number]
    signature = read_signature(project.sources, job.application, job.where)
    names = [parameter.name for parameter in signature.parameters]
    for given in job.wiring:
        if given not in names:
            near = nearest(given, names)
            hint = f"Did you mean {near!r}?" if near else f"It has {', '.join(names) or 'none'}."
            if signature.asgi:
                hint = f"Without `async def run` it is taken for an ASGI application, which has {', '.join(names)}."
            raise job.where.error(f"{job.application} has no parameter {given!r}", hint)
    arguments = tuple(
        (parameter.name, _argument(parameter, job, number, catalog, target)) for parameter in signature.parameters
    )
    return PlannedJob(job, signature, arguments)


def _argument(parameter: Parameter, job: Job, number: int, catalog: Catalog, target: str) -> Argument:
    if parameter.name not in job.wiring:
        if isinstance(parameter, KeyParameter):
            return _own_key(parameter, job, number)
        return _wanted(parameter, job, number, catalog, target)
    given: Any = job.wiring[parameter.name]
    if isinstance(parameter, KeyParameter):
        return _settled(parameter, given, job)
    if given is None and parameter.optional:
        return None
    if not isinstance(given, Impl):
        raise job.where.error(
            f"{job.application}: parameter {parameter.name!r} is a device, and {given!r} is none",
            f"Call it: {given.__name__}(…)."
            if isinstance(given, FunctionType)
            else "Pass a device; `fata help devices` lists them.",
        )
    for device in alternatives(given):
        if not provides(device.offers, parameter.contract):
            raise _mismatch(device, parameter, job)
    return given


def _mismatch(device: Device[Any] | Default[Any], parameter: DeviceParameter, job: Job) -> ConfigError:
    wanted = parameter.contract.rpartition(".")[2]
    has = device.offers.__name__
    return job.where.error(
        f"{job.application}({parameter.name}=…) needs a {wanted} ({parameter.where}), "
        f"and {device.label} (line {device.where.line}) is a {has}",
        f"Wire a {wanted}, or ask for a {has} in {job.application}.",
    )


def _wanted(parameter: DeviceParameter, job: Job, number: int, catalog: Catalog, target: str) -> Impl[Any] | None:
    default = catalog.default(parameter.contract, target)
    if default is not None:
        return default
    short = parameter.contract.rpartition(".")[2]
    from_path = catalog.from_path(parameter.contract)
    if from_path is None:
        if parameter.optional:
            return None
        raise parameter.where.error(
            f"{job.application} needs a {short} as {parameter.name!r}, and {target} has none to give by default",
            f"Wire one in config.py: main({job.application!r}, {parameter.name}=…).",
        )
    option: Key[str] = Key(
        prefixed(job.name, parameter.name),
        TEXT,
        None if parameter.optional else REQUIRED,
        f"path for the {short} {parameter.name!r}",
        "configure",
        _owner(job, number),
        parameter.where,
    )
    return Wanted(parameter.contract, parameter.optional, option, parameter.where)


def _own_key(parameter: KeyParameter, job: Job, number: int) -> Key[Any]:
    return Key(
        prefixed(job.name, parameter.name),
        parameter.type,
        parameter.default,
        parameter.doc,
        "both",
        _owner(job, number),
        parameter.where,
    )


def _settled(parameter: KeyParameter, given: Any, job: Job) -> Key[Any] | Plain:
    if isinstance(given, Key):
        if not serves(given.type, parameter.type):
            raise job.where.error(
                f"{job.application}({parameter.name}=…) is {parameter.type.describe()} ({parameter.where}), "
                f"and key {given.name!r} is {given.type.describe()}",
                "Give the key the parameter's type.",
            )
        return given
    if isinstance(given, Impl):
        raise job.where.error(
            f"{job.application}({parameter.name}=…): a device, not {parameter.type.describe()} ({parameter.where})",
            "Pass a value or a key; devices stand before the * of a constructor.",
        )
    if not admits(parameter.type, given):
        raise job.where.error(
            f"{job.application}({parameter.name}={given!r}): not {parameter.type.describe()}",
            f"See {parameter.where}.",
        )
    value: Plain = given
    return value


def _owner(job: Job, number: int) -> str:
    return f"job {number + 1}, {job.application}"


class _Keys:
    """Finds the keys that an argument depends on, also those of branches that may not be taken."""

    def __init__(self, catalog: Catalog, target: str) -> None:
        self._catalog = catalog
        self._target = target
        self._defaults: set[str] = set()  # contracts looked into: two devices may need each other by default
        self.branches: list[tuple[Key[Any], str, frozenset[str]]] = []  # a key, its value, the names of keys below

    def of(self, argument: object) -> Iterator[Key[Any]]:
        match argument:
            case Key():
                yield argument
            case Mapped(of):
                yield from self.of(of)
            case Wanted(contract, _, option):
                yield option
                from_path = self._catalog.from_path(contract)
                yield from self.of(None if from_path is None else from_path(option))
            case HostPath(text):
                yield from self.of(text)
            case Asset():
                yield from self.of(argument.source)
            case Choice():
                yield from self.of(argument.value)
                yield from self._of_branches(argument)
            case Device():
                for _, inner in argument.arguments:
                    yield from self.of(inner)
            case Default(contract):
                yield from self._of_default(full_name(contract))

    def _of_branches(self, choice: Choice[Any]) -> Iterator[Key[Any]]:
        """Yield the keys of all branches; of those on this target, note by what they are chosen."""
        here = next((branch for when, branch in choice.branches if when == self._target), choice.default)
        for branch in choice.all():
            noted = len(self.branches)
            found = list(self.of(branch))
            yield from found
            if isinstance(choice.value, Target) and branch is not here:
                del self.branches[noted:]
            below = frozenset(key.name for key in found)
            for when, one in choice.branches:
                if one is branch and isinstance(choice.value, Key):
                    text = str(when).lower() if isinstance(when, bool) else str(when)
                    self.branches.append((choice.value, text, below))

    def _of_default(self, contract: str) -> Iterator[Key[Any]]:
        if contract not in self._defaults:
            self._defaults.add(contract)
            yield from self.of(self._catalog.default(contract, self._target))


def _distinct(keys: Sequence[Key[Any]]) -> dict[str, Key[Any]]:
    found: dict[str, Key[Any]] = {}
    for key in keys:
        other = found.setdefault(key.name, key)
        if other != key:
            places = (
                f"of {other.owner}, and of {key.owner}" if other.where == key.where else f"here, and at {other.where}"
            )
            raise key.where.error(
                f"two keys are named {key.name!r}: {places}",
                'Give one of them a prefix: a device by name="…", a job by main("app:Class", "name", …).',
            )
    return found
