"""What config.py says, while it is being read: jobs and packages."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import NamedTuple

from fata.config.impl import Impl
from fata.config.keys import Key
from fata.config.value import Plain
from fata.config.where import NOWHERE, Where, caller
from fata.errors import ConfigError


class Job(NamedTuple):
    """An application with what it is given by name."""

    application: str  # "app:Www"
    name: str | None
    wiring: Mapping[str, object]
    where: Where = NOWHERE


class Package(NamedTuple):
    """A distribution that the application needs: a requirement such as "starlette>=1"."""

    requirement: str
    where: Where


@dataclass(slots=True)
class Registry:
    """Collects the calls of one config.py."""

    name: str | None = None
    jobs: tuple[Job, ...] = ()
    packages: list[Package] = field(default_factory=list)
    where: Where = NOWHERE


reading: ContextVar[Registry] = ContextVar("reading")


def _registry(call: str) -> Registry:
    try:
        return reading.get()
    except LookupError:
        raise caller().error(
            f"{call}() was called, but nobody is reading this configuration", "Run `fata configure` on its folder."
        ) from None


def main(application: str, name: str | None = None, /, **wiring: Impl[object] | Key[object] | Plain) -> Job:
    """Make a job: `application`, "module:name", with devices and values for its parameters.

    A parameter left out gets the target's default device, or becomes an option. `name` tells two jobs of
    one program apart and prefixes the second one's keys.
    """
    where = caller()
    if not isinstance(application, str):
        raise where.error(
            f"main: {application!r} is no text", 'Write "module:Class": nothing is imported to configure.'
        )
    if name is not None and not (name.isidentifier() and name == name.lower()):
        raise where.error(f"main: {name!r} is not a name for a job", "Use lower-case letters, digits and '_'.")
    return Job(application, name, wiring, where)


def register(name: str, *jobs: Job) -> None:
    """Say what the program is: its name, and the jobs that it runs side by side. Once per config.py."""
    registry = _registry("register")
    where = caller()
    if registry.name is not None:
        raise where.error(
            f"register() was called before, on line {registry.where.line}", "Pass all jobs to one register()."
        )
    if not isinstance(name, str):
        raise where.error(f"register: {name!r} is no name", 'Write register("name", main("app:Class", …)).')
    if not name or not all(part.isalnum() for part in name.replace("_", "-").split("-")):
        raise where.error(f"{name!r} is not a name for a program", "Use letters, digits, '-' and '_'.")
    for job in jobs:
        if not isinstance(job, Job):
            raise where.error(f"register: {job!r} is no job", 'Write register("name", main("app:Class", …)).')
    if not jobs:
        raise where.error(f"{name!r} has no job", 'Write register("name", main("app:Class", …)).')
    registry.name, registry.jobs, registry.where = name, jobs, where


def package(requirement: str) -> None:
    """Say that the application needs a distribution: `package("starlette>=1")`, as pip writes it."""
    registry, where = _registry("package"), caller()
    if not isinstance(requirement, str):
        raise where.error(f"package: {requirement!r} is no text", 'Write it as pip does: package("starlette>=1").')
    registry.packages.append(Package(requirement, where))


def not_read(file: str) -> ConfigError:
    """Say that a config.py ended without a register()."""
    return ConfigError(
        "nothing is registered", remedy='End it with register("name", main("app:Class", …)).', file=file, line=1
    )
